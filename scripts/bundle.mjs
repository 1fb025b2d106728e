// Bundles the server, and what it starts as processes of its own, as plain JavaScript.
import { copyFile, mkdir, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { build } from 'esbuild'

const source = join(dirname(import.meta.dirname), 'src')

/** Whoever bundles at the same time writes drafts of its own and puts them in place whole. */
async function place(folder, name, write) {
  const draft = join(folder, `${process.pid}.${name}`)
  await write(draft)
  await rename(draft, join(folder, name))
}

/** Writes one file of `src/`, and all that it imports, to a folder. */
export function bundle(folder, name, entry) {
  return place(folder, name, (outfile) =>
    build({
      entryPoints: [join(source, entry)],
      outfile,
      bundle: true,
      packages: 'external',
      platform: 'node',
      format: 'esm',
      target: 'node20',
      sourcemap: 'inline',
      logLevel: 'warning',
    }),
  )
}

/** The processes that analyse sound, as src/audio/workers/pool.ts looks for them beside its own bundle. */
export async function bundleAudioWorker(folder) {
  await mkdir(folder, { recursive: true })
  await bundle(folder, 'audio-worker.mjs', 'audio/workers/worker.ts')
  await place(folder, 'symphonia.wasm', (to) => copyFile(join(source, 'audio', 'decode', 'symphonia.wasm'), to))
}
