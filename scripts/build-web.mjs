/*
 * Builds the web client into dist/web/<stamp>, unless its sources are built already, and names that folder in
 * dist/web/current. The stamp is of everything that goes in, so that an old build is never served for new sources.
 */
import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'

const root = dirname(import.meta.dirname)
const sources = ['src/web', 'src/client', 'scripts/build-web.mjs', 'package-lock.json']
const home = join(root, 'dist', 'web')
/** Builds kept beside the present one: instances that start now may still read the one before. */
const keptBuilds = 2

/** Files below a path, or the path itself, in a fixed order. */
async function filesOf(path) {
  if ((await stat(path)).isFile()) return [path]
  const entries = await readdir(path, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
}

async function stampOf() {
  const hash = createHash('sha256')
  for (const source of sources) {
    for (const file of await filesOf(join(root, source))) {
      const content = await readFile(file)
      hash.update(`${relative(root, file)} ${content.length}\n`).update(content)
    }
  }
  return hash.digest('hex').slice(0, 16)
}

const exists = (path) =>
  stat(path).then(
    () => true,
    (error) => {
      if (error.code === 'ENOENT') return false
      throw error
    },
  )

/** Writes a compressed twin of each text beside it, where that is smaller. */
async function compress(folder) {
  for (const file of await filesOf(folder)) {
    if (!/\.(js|css|html|svg|json|webmanifest)$/.test(file)) continue
    const content = await readFile(file)
    const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }
    for (const [ending, packed] of [
      ['br', await promisify(brotliCompress)(content, quality)],
      ['gz', await promisify(gzip)(content, { level: 9 })],
    ]) {
      if (packed.length < content.length) await writeFile(`${file}.${ending}`, packed)
    }
  }
}

const settings = (outDir, warnings, svelte) => ({
  configFile: false,
  root: join(root, 'src', 'web'),
  logLevel: 'warn',
  plugins: [
    svelte({
      configFile: false,
      compilerOptions: { runes: true },
      onwarn(warning) {
        // A package's own warnings are not ours to mend.
        if (warning.filename?.includes('node_modules')) return
        warnings.push(`${relative(root, warning.filename ?? '')}:${warning.start?.line ?? 0}: ${warning.message}`)
      },
      dynamicCompileOptions: ({ filename }) => (filename.includes('node_modules') ? { runes: undefined } : undefined),
    }),
  ],
  build: {
    outDir,
    emptyOutDir: true,
    target: 'es2022',
    // No data: URLs and no inline scripts: the page's policy allows neither.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 700,
    rolldownOptions: { checks: { pluginTimings: false } },
  },
})

/** Forgets builds that nobody names any more, the oldest first. */
async function prune(present) {
  const builds = []
  for (const name of await readdir(home)) {
    if (/^[0-9a-f]{16}$/.test(name) && name !== present) {
      builds.push({ name, at: (await stat(join(home, name))).mtimeMs })
    }
  }
  builds.sort((a, b) => b.at - a.at)
  for (const { name } of builds.slice(keptBuilds)) await rm(join(home, name), { recursive: true, force: true })
}

/** Builds where needed; returns the folder of the build and whether it was made just now. Throws where it fails. */
export async function buildWeb(say = () => {}) {
  const stamp = await stampOf()
  const folder = join(home, stamp)
  const made = !(await exists(folder))
  await mkdir(home, { recursive: true })
  if (made) {
    say('Building the web client')
    const draft = join(home, `draft.${process.pid}`)
    try {
      const warnings = []
      // Only where something is to be built: loading them takes longer than all else here.
      const [{ svelte }, { build }] = await Promise.all([import('@sveltejs/vite-plugin-svelte'), import('vite')])
      const mode = process.env.NODE_ENV
      try {
        await build(settings(draft, warnings, svelte))
      } finally {
        // vite sets it for the whole process.
        if (mode === undefined) delete process.env.NODE_ENV
        else process.env.NODE_ENV = mode
      }
      // What the compiler warns of is a fault: a label that is missing, a style that nothing uses.
      if (warnings.length > 0) throw new Error(`Warnings in the web client:\n${warnings.join('\n')}`)
      await compress(draft)
      await rename(draft, folder).catch(async (error) => {
        // Another process was faster with the same sources.
        if (!(await exists(folder))) throw error
      })
    } finally {
      await rm(draft, { recursive: true, force: true })
    }
  }
  const note = join(home, `current.${process.pid}`)
  await writeFile(note, stamp)
  await rename(note, join(home, 'current'))
  await prune(stamp)
  return { folder, made }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const startedAt = performance.now()
  const { folder, made } = await buildWeb((line) => console.error(line))
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  console.log(`${relative(root, folder)} ${made ? `built in ${seconds} s` : 'is up to date'}`)
}
