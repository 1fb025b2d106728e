/*
 * Starts the server: bundles its TypeScript into one file, which takes a fraction of a second and starts several times
 * faster than loading each file through a transpiler, and runs it in this process, so that signals reach it.
 */
import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { bundle, serverPrograms } from './bundle.mjs'

const dist = join(dirname(import.meta.dirname), 'dist')

await bundle(dist, serverPrograms)
// A worker shows no pages. In a process of its own, whose memory and settings go with it.
if (process.argv[2] !== 'worker') {
  const built = spawnSync(process.execPath, [join(import.meta.dirname, 'build-web.mjs')], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  if (built.status !== 0) process.exit(built.status ?? 1)
}
process.setSourceMapsEnabled(true)
await import(pathToFileURL(join(dist, 'server.mjs')).href)
