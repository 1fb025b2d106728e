/*
 * Starts the server: bundles its TypeScript into one file, which takes a fraction of a second and starts several times
 * faster than loading each file through a transpiler, and runs it in this process, so that signals reach it.
 */
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { buildWeb } from './build-web.mjs'
import { bundle } from './bundle.mjs'

const dist = join(dirname(import.meta.dirname), 'dist')

/** The server, and what it runs in threads and processes of their own. */
await bundle(dist, {
  server: 'src/main.ts',
  'board-worker': 'src/boards/worker.ts',
  'audio-worker': 'src/audio/workers/worker.ts',
})
// A worker shows no pages.
if (process.argv[2] !== 'worker') await buildWeb((line) => console.error(line))
process.setSourceMapsEnabled(true)
await import(pathToFileURL(join(dist, 'server.mjs')).href)
