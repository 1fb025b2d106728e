/** `npm run bench:matching`: what one user's new matches cost, by how many users there are; see docs/matching.md. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import mongoose from 'mongoose'
import type { MusicianSketchDoc } from '../../models/MusicianSketch.ts'
import { startApp } from '../../src/app.ts'
import { readConfig } from '../../src/config.ts'
import { createLogger } from '../../src/infra/logger.ts'
import { stockCatalogue } from './lib/catalogue.ts'
import { describeMachine } from './lib/machine.ts'
import { replaceSection } from './lib/report.ts'
import { startStores } from './lib/stores.ts'
import { findStores } from './lib/tools.ts'

const USAGE = `npm run bench:matching -- [options]
  --users LIST  sizes of the catalogue (1000,10000,100000)
  --runs N      users whose matches are made anew, after 20 that warm up (200)
  --table       writes the table into docs/matching.md
`
const { values } = parseArgs({
  options: {
    users: { type: 'string', default: '1000,10000,100000' },
    runs: { type: 'string', default: '200' },
    table: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
const WARM = 20

async function main(): Promise<void> {
  const { mongod } = findStores()
  const stores = await startStores(mongod, undefined)
  const uri = stores.mongoUri('matching')
  const config = readConfig({
    PATH: process.env['PATH'],
    PORT: '0',
    DATA_DIR: join(stores.dir, 'data'),
    MONGODB_URI: uri,
    RATE_LIMITS: 'off',
    LOG_LEVEL: 'error',
  })
  const app = await startApp(config, { logger: createLogger('error', false), version: 'bench', passwordCost: 4 })
  const connection = await mongoose.createConnection(uri).asPromise()
  const lines = ['| users | median ms | p95 ms | CPU of the server, ms | scored |', '|---:|---:|---:|---:|---:|']
  try {
    for (const size of values.users.split(',').map(Number)) {
      const { docs } = await stockCatalogue(connection, size, 100)
      // The spread of the catalogue before is kept for some seconds.
      await new Promise((done) => setTimeout(done, 6_000))
      const times: number[] = []
      let scored = 0
      let before = process.cpuUsage()
      for (let run = 0; run < WARM + Number(values.runs); run++) {
        if (run === WARM) before = process.cpuUsage()
        const begun = performance.now()
        const made = await app.services.matching.refreshFrom(docs[(run * 7_919) % size]! as MusicianSketchDoc)
        if (run < WARM) continue
        times.push(performance.now() - begun)
        scored += made.scored
      }
      const { user, system } = process.cpuUsage(before)
      times.sort((x, y) => x - y)
      const at = (part: number) => times[Math.floor((times.length - 1) * part)]!.toFixed(1)
      const cpu = ((user + system) / 1000 / times.length).toFixed(1)
      const row = `| ${size.toLocaleString('en')} | ${at(0.5)} | ${at(0.95)} | ${cpu} | ${Math.round(scored / times.length)} |`
      process.stdout.write(`${row}\n`)
      lines.push(row)
    }
  } finally {
    await connection.close()
    await app.close()
    await stores.stop()
  }
  if (!values.table) return
  const { cores, model, node } = describeMachine()
  const file = join(import.meta.dirname, '..', '..', 'docs', 'matching.md')
  const heading = `Measured on ${new Date().toISOString().slice(0, 10)}: ${cores} cores (${model}), Node ${node.slice(1)}, mongod ${stores.versions.mongod} beside it; one user after the other, sketch given, matches stored and told.`
  const text = await readFile(file, 'utf8')
  await writeFile(file, replaceSection(text, 'bench:matching', [heading, '', ...lines].join('\n')))
}

if (values.help) process.stdout.write(USAGE)
else await main()
