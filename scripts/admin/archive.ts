import { createReadStream, createWriteStream, readFileSync } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import type { Readable, Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import type { Config } from '../../src/config.ts'
import type { Command, CommandContext } from './command.ts'
import { UsageError } from './command.ts'

const operand = { value: 'FILE|-', summary: 'a file, or - for' }
const files = { value: 'yes|no', summary: 'whether recordings and pictures go along (yes)' }

/** Reads the option; without files no storage is opened. Throws a UsageError. */
function withFiles(given: string | undefined): boolean {
  if (given !== undefined && given !== 'yes' && given !== 'no') throw new UsageError('--files: there are yes and no')
  return given !== 'no'
}

/** Runs with a database and a storage of their own; only now, since help and refusals need none of the server. */
async function withData<T>(
  config: Config,
  needsStorage: boolean,
  progress: CommandContext['progress'],
  work: (open: {
    database: import('../../src/infra/mongo.ts').Database
    storage: import('../../src/kernel/storage.ts').ObjectStorage | null
  }) => Promise<T>,
): Promise<T> {
  const { openData } = await import('../shared/data.ts')
  const open = await openData(config, needsStorage, progress)
  try {
    return await work(open)
  } finally {
    await open.close()
  }
}

/** Waits for the stream where it is full, and fails with it. */
function lineWriter(stream: Writable) {
  let failure: Error | undefined
  stream.on('error', (error) => {
    failure = error
  })
  return (line: string): Promise<void> =>
    new Promise((done, failed) => {
      if (failure) return failed(failure)
      stream.write(line, (error) => (error ? failed(error) : done()))
    })
}

const counted = (count: number, what: string) => `${count} ${what}${count === 1 ? '' : 's'}`

export const exportAll: Command = {
  name: 'export',
  summary: 'Writes the whole instance as lines of JSON: all documents of one moment, and the stored files.',
  notes: [
    'The file holds hashes of passwords and all that people wrote: it is made for its owner alone (mode 0600).',
    'Log-ins do not go along, nor do tokens of bots. Instances may run meanwhile.',
  ],
  operand: { ...operand, summary: `${operand.summary} stdout` },
  options: { files },
  async run(given, { config, print, progress }) {
    const path = given['operand']!
    const storesFiles = withFiles(given['files'])
    const settings = config()
    const { writeArchive } = await import('./archive/write.ts')
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
    const toStdout = path === '-'
    // Under another name until it is whole.
    const partial = `${path}.partial`
    await withData(settings, storesFiles, progress, async ({ database, storage }) => {
      const stream = toStdout ? process.stdout : createWriteStream(partial, { mode: 0o600 })
      try {
        const { documents, files, missing } = await writeArchive({
          database,
          storage,
          serverVersion: version,
          write: lineWriter(stream),
        })
        if (!toStdout) {
          stream.end()
          await finished(stream)
          await rename(partial, path)
        }
        for (const key of missing) progress(`The storage does not hold ${key}, which a record names.`)
        const say = toStdout ? progress : print
        say(`Exported ${counted(documents, 'document')} and ${counted(files, 'file')}.`)
      } catch (error) {
        if (!toStdout) {
          stream.destroy()
          await rm(partial, { force: true })
        }
        throw error
      }
    })
    return 0
  },
}

export const importAll: Command = {
  name: 'import',
  summary: 'Takes an export into an empty database, or into that which it came from.',
  notes: [
    'What is there stays as it is, what is missing is added; the same export a second time changes nothing.',
    'No instance may run meanwhile. A file is checked to its end before anything is changed.',
  ],
  operand: { ...operand, summary: `${operand.summary} stdin` },
  options: { files },
  async run(given, { config, print, progress }) {
    const path = given['operand']!
    const storesFiles = withFiles(given['files'])
    const settings = config()
    const { readArchive } = await import('./archive/read.ts')
    const open = (): Readable => (path === '-' ? process.stdin : createReadStream(path, { highWaterMark: 1 << 20 }))
    if (path !== '-') await readArchive(open())
    const done = await withData(settings, storesFiles, progress, (target) => readArchive(open(), target))
    if (done.before) print(`This export was imported at ${done.before.toISOString()}: nothing is changed.`)
    else {
      const { documents, added, files, filesAdded } = done
      print(
        `${counted(documents, 'document')}, ${added} of them new; ${counted(files, 'file')}, ${filesAdded} of them new.`,
      )
    }
    return 0
  },
}
