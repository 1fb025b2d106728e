// Bundles programs of src/ as plain JavaScript.
import { copyFile, mkdir, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { build } from 'esbuild'

const root = dirname(import.meta.dirname)
/** What src/audio/decode/symphonia.ts looks for beside its bundle. */
const DECODER = 'symphonia.wasm'

/** The server, and what it runs in threads and processes of their own. */
export const serverPrograms = {
  server: 'src/main.ts',
  'board-worker': 'src/boards/worker.ts',
  'audio-worker': 'src/audio/workers/worker.ts',
}

/**
 * Writes each program, given by its name and its file, with all that it imports, and what the audio worker reads beside
 * it. Instances that start together each write their own and put it in place whole.
 */
export async function bundle(folder, programs) {
  const draft = (name) => `${name}.${process.pid}`
  await mkdir(folder, { recursive: true })
  await build({
    entryPoints: Object.entries(programs).map(([name, source]) => ({ in: join(root, source), out: draft(name) })),
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    sourcemap: 'inline',
    logLevel: 'warning',
  })
  await copyFile(join(root, 'src', 'audio', 'decode', DECODER), join(folder, draft(DECODER)))
  await rename(join(folder, draft(DECODER)), join(folder, DECODER))
  for (const name of Object.keys(programs)) {
    await rename(join(folder, `${draft(name)}.mjs`), join(folder, `${name}.mjs`))
  }
}
