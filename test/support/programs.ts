import { join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '../..')

/** Programs that tests start most, and where `npm test` bundles them as `npm start` does, beside what they read. */
const bundles: Record<string, string> = {
  'src/main.ts': 'dist/server.mjs',
  'scripts/admin.ts': 'dist/test/admin.mjs',
  'scripts/demo.ts': 'dist/test/demo.mjs',
  'test/infra/embedder.ts': 'dist/test/embedder.mjs',
  'src/audio/workers/worker.ts': 'dist/audio-worker.mjs',
}

/** The path of a program's bundle where `npm test` has made it. */
export function bundleOf(source: string): string | undefined {
  const built = process.env['TEST_BUNDLES'] ? bundles[source] : undefined
  return built && join(root, built)
}

/**
 * The arguments with which node runs one of the project's programs: its bundle where `npm test` has made it, which
 * starts in half the time, else its source.
 */
export function programArguments(source: string): string[] {
  const built = bundleOf(source)
  return built ? ['--enable-source-maps', built] : ['--import', 'tsx', join(root, source)]
}
