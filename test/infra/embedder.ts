// Embeds MongoDB in a process of its own, for tests that kill it. Tells each event as a JSON line; ends on a line "close".
import { createInterface } from 'node:readline'
import { startEmbeddedMongo } from '../../src/infra/mongod.ts'

const [dataDir, binary] = process.argv.slice(2) as [string, string]
const tell = (event: Record<string, unknown>) => process.stdout.write(`${JSON.stringify(event)}\n`)
try {
  const mongo = await startEmbeddedMongo({
    dataDir,
    binary,
    cacheSizeGB: 0.25,
    log: (line) => tell({ event: 'log', line }),
  })
  tell({ event: 'ready', uri: mongo.uri, pid: mongo.pid() })
  createInterface({ input: process.stdin }).on('line', async (line) => {
    if (line !== 'close') return
    await mongo.close()
    process.exit(0)
  })
} catch (error) {
  tell({ event: 'error', message: (error as Error).message })
  process.exit(1)
}
