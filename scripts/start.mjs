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
const out = join(root, 'dist', 'server.mjs')
const draft = join(root, 'dist', `server.${process.pid}.mjs`)

await mkdir(dirname(out), { recursive: true })
await build({
  entryPoints: [join(root, 'src', 'main.ts')],
  outfile: draft,
  bundle: true,
  packages: 'external',
  platform: 'node',
  format: 'esm',
  target: 'node20',
  sourcemap: 'inline',
  logLevel: 'warning',
})
// Instances that start together each write their own and put it in place whole.
await rename(draft, out)
// A worker shows no pages.
if (process.argv[2] !== 'worker') await buildWeb((line) => console.error(line))
process.setSourceMapsEnabled(true)
await import(pathToFileURL(out).href)
