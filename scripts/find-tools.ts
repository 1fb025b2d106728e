import { type MongodBinary, resolveMongod } from '../src/infra/mongodBinary.ts'
import { complaint, runProgram } from '../src/infra/subprocess.ts'

const PROBE_MS = 15_000
const APT_UPDATE_MS = 3 * 60_000
const APT_INSTALL_MS = 10 * 60_000

/** A program that tests and demonstrations need, and how to come by it. */
interface Tool {
  title: string
  names: string[]
  package: string
  /** Whether this version will do, judged by what `--version`, or the argument named here, says. */
  suits: (version: string) => boolean
  versionArgument?: string
}

const REDIS: Tool = {
  title: 'Redis 7',
  names: ['redis-server'],
  package: 'redis-server',
  suits: (version) => Number(/v=(\d+)/.exec(version)?.[1] ?? 0) >= 7,
}

const CHROMIUM: Tool = {
  title: 'Chromium',
  names: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'],
  package: 'chromium',
  suits: (version) => /\d+\.\d+/.test(version),
}

const FFMPEG: Tool = {
  title: 'ffmpeg',
  names: ['ffmpeg'],
  package: 'ffmpeg',
  suits: (version) => /^ffmpeg version/.test(version),
  versionArgument: '-version',
}

/** The path of a redis-server of version 7 or newer, installed by apt-get where we are root and there is none. */
export function ensureRedis(log: (line: string) => void = console.log): Promise<string> {
  return ensureTool(REDIS, log)
}

/** The path of a Chromium, installed by apt-get where we are root and there is none. */
export function ensureChromium(log: (line: string) => void = console.log): Promise<string> {
  return ensureTool(CHROMIUM, log)
}

/** The path of an ffmpeg, installed by apt-get where we are root and there is none. */
export function ensureFfmpeg(log: (line: string) => void = console.log): Promise<string> {
  return ensureTool(FFMPEG, log)
}

/** A mongod as the server itself would find it (MONGOD_BIN, PATH, cache, download). */
export function findMongod(log: (line: string) => void = console.log): Promise<MongodBinary> {
  return resolveMongod({ binary: process.env['MONGOD_BIN'], log })
}

async function ensureTool(tool: Tool, log: (line: string) => void): Promise<string> {
  const found = await findTool(tool)
  if (found.path) return found.path
  const byHand = `Install ${tool.title} so that ${tool.names[0]} is on PATH (Debian, Ubuntu: apt-get install ${tool.package})`
  const apt = await runProgram('sh', ['-c', 'command -v apt-get'], { timeoutMs: PROBE_MS })
  if (apt.code !== 0) throw new Error(`${tool.title}: ${found.problem}, and there is no apt-get. ${byHand}`)
  if (process.getuid?.() !== 0)
    throw new Error(`${tool.title}: ${found.problem}, and only root can install it. ${byHand}`)
  log(`${tool.title}: ${found.problem}; installing it by apt-get`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  // An old list is no reason to give up: the package may still be had.
  const update = await runProgram('apt-get', ['update', '-q'], { env, timeoutMs: APT_UPDATE_MS })
  if (update.code !== 0) log(`${tool.title}: apt-get update failed: ${complaint(update)}`)
  const install = await runProgram('apt-get', ['install', '-q', '-y', '--no-install-recommends', tool.package], {
    env,
    timeoutMs: APT_INSTALL_MS,
  })
  if (install.code !== 0)
    throw new Error(`${tool.title}: apt-get could not install it: ${complaint(install)}. ${byHand}`)
  const installed = await findTool(tool)
  if (!installed.path) throw new Error(`${tool.title}: ${installed.problem}, also after apt-get. ${byHand}`)
  return installed.path
}

async function findTool(tool: Tool): Promise<{ path?: string; problem?: string }> {
  const problems: string[] = []
  for (const name of tool.names) {
    const where = await runProgram('sh', ['-c', 'command -v "$0"', name], { timeoutMs: PROBE_MS })
    const path = where.stdout.trim()
    if (where.code !== 0 || !path) continue
    const run = await runProgram(path, [tool.versionArgument ?? '--version'], { timeoutMs: PROBE_MS })
    if (run.code === 0 && tool.suits(run.stdout)) return { path }
    problems.push(`${path} will not do (${run.code === 0 ? run.stdout.trim().split('\n')[0] : complaint(run)})`)
  }
  return { problem: problems.join(', ') || 'it is not on PATH' }
}
