/** The load client's process: takes one job over the channel, answers with its figures, ends. */
import type { LoadFigures, LoadJob } from './jobs.ts'
import { loadAcks, loadStock } from './load-acks.ts'
import { loadDeliveries } from './load-deliveries.ts'
import { loadMemory } from './load-memory.ts'
import { loadReconnect } from './load-reconnect.ts'

function run(job: LoadJob): Promise<LoadFigures> {
  switch (job.kind) {
    case 'acks':
      return loadAcks(job)
    case 'stock':
      return loadStock(job)
    case 'deliveries':
      return loadDeliveries(job)
    case 'memory':
      return loadMemory(job)
    case 'reconnect':
      return loadReconnect(job, ask)
  }
}

function ask(what: 'kill'): Promise<void> {
  return new Promise((resolve) => {
    process.once('message', () => resolve())
    process.send!({ ask: what })
  })
}

process.once('message', (job: LoadJob) => {
  run(job).then(
    (figures) => process.send!({ figures }, () => process.exit(0)),
    (error: Error) => process.send!({ error: error.stack ?? error.message }, () => process.exit(1)),
  )
})
process.once('disconnect', () => process.exit(1))
