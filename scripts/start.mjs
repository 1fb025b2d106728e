/*
 * Starts the server: bundles its TypeScript into one file, which takes a fraction of a second and starts several times
 * faster than loading each file through a transpiler, and runs it in this process, so that signals reach it.
 */
import { mkdir, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { buildWeb } from './build-web.mjs'

const root = dirname(import.meta.dirname)
const dist = join(root, 'dist')
/** The server, and what it runs in worker threads. */
const programs = { server: 'src/main.ts', 'board-worker': 'src/boards/worker.ts' }
const draft = (name) => `${name}.${process.pid}`

await mkdir(dist, { recursive: true })
await build({
  entryPoints: Object.entries(programs).map(([name, source]) => ({ in: join(root, source), out: draft(name) })),
  outdir: dist,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  packages: 'external',
  platform: 'node',
  format: 'esm',
  target: 'node20',
  sourcemap: 'inline',
  logLevel: 'warning',
})
// Instances that start together each write their own and put it in place whole.
for (const name of Object.keys(programs)) await rename(join(dist, `${draft(name)}.mjs`), join(dist, `${name}.mjs`))
// A worker shows no pages.
if (process.argv[2] !== 'worker') await buildWeb((line) => console.error(line))
process.setSourceMapsEnabled(true)
await import(pathToFileURL(join(dist, 'server.mjs')).href)
