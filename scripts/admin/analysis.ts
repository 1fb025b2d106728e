import { type Command, UsageError } from './command.ts'

export const reanalyse: Command = {
  name: 'reanalyse',
  summary: 'Has recordings analysed again by the running instances, which begin within 10 s.',
  notes: ['What the present version heard before is replaced; results of earlier versions stay in the reports.'],
  options: {
    which: { value: 'WHICH', summary: 'outdated (those that this version did not hear; the default) or all' },
  },
  async run(given, { config, print, progress }) {
    const which = given['which'] ?? 'outdated'
    if (which !== 'outdated' && which !== 'all') throw new UsageError('--which: there are outdated and all')
    const settings = config()
    // Only now: help and refusals need none of the server.
    const { openServices } = await import('../shared/services.ts')
    const open = await openServices(settings, progress)
    try {
      const count = await open.services.analyser.askAll({ all: which === 'all' })
      print(`${count} recording${count === 1 ? '' : 's'} will be analysed.`)
      return 0
    } finally {
      await open.close()
    }
  },
}
