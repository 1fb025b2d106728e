import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** A data directory that is ours until `release`. */
export interface DataDirLock {
  release(): Promise<void>
}

/** Names one process for good: a pid alone is given again, so its start time goes with it. */
interface Holder {
  pid: number
  started: string
}

const LOCK_NAME = 'phantom-power.lock'
const ATTEMPTS = 10

/**
 * Takes `dataDir` for this process, or throws an error that names the process which has it. The lock of a process that
 * is gone is taken over. It gives a clear error early; what keeps the data safe in any case is mongod's own file lock.
 */
export async function lockDataDir(dataDir: string): Promise<DataDirLock> {
  const path = join(dataDir, LOCK_NAME)
  const mine: Holder = { pid: process.pid, started: await startTime(process.pid) }
  const text = `${JSON.stringify(mine)}\n`
  const draft = `${path}.${randomUUID()}`
  await writeFile(draft, text)
  try {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      // A link is there whole or not at all, unlike a file that is created and then written.
      if (await succeeds(link(draft, path), 'EEXIST')) {
        return { release: () => releaseLock(path, text) }
      }
      const seen = await readText(path)
      if (seen === undefined) continue
      const holder = parseHolder(seen)
      if (holder && (await startTime(holder.pid)) === holder.started) {
        throw new Error(
          `DATA_DIR ${dataDir} is in use by process ${holder.pid}. Stop that one, or give this one a DATA_DIR of its own`,
        )
      }
      await removeStale(path, seen)
    }
  } finally {
    await rm(draft, { force: true })
  }
  throw new Error(`DATA_DIR ${dataDir} could not be locked: ${ATTEMPTS} others came first`)
}

/** The process that holds `dataDir`; undefined where it is free. */
export async function findHolder(dataDir: string): Promise<number | undefined> {
  const holder = parseHolder((await readText(join(dataDir, LOCK_NAME))) ?? '')
  return holder && (await startTime(holder.pid)) === holder.started ? holder.pid : undefined
}

async function releaseLock(path: string, text: string): Promise<void> {
  if ((await readText(path)) === text) await rm(path, { force: true })
}

/** Renamed before it is removed, so that of two who see the same stale lock one alone takes it away. */
async function removeStale(path: string, seen: string): Promise<void> {
  const aside = `${path}.${randomUUID()}`
  if (!(await succeeds(rename(path, aside), 'ENOENT'))) return
  if ((await readText(aside)) !== seen) {
    // Somebody was faster and this is their fresh lock: it goes back.
    await succeeds(link(aside, path), 'EEXIST')
  }
  await rm(aside, { force: true })
}

/** Empty where there is no such process. */
export async function startTime(pid: number): Promise<string> {
  if (process.platform === 'linux') {
    const statLine = await readText(`/proc/${pid}/stat`)
    if (statLine === undefined) return ''
    // The name, in parentheses, may itself hold blanks and parentheses; state is field 3, the start time field 22.
    const fields = statLine.slice(statLine.lastIndexOf(')') + 2).split(' ')
    if (fields[0] === 'Z' || fields[0] === 'X') return ''
    const boot = (await readText('/proc/sys/kernel/random/boot_id'))?.trim() ?? ''
    return `${boot}/${fields[19]}`
  }
  const ps = await promisify(execFile)('ps', ['-o', 'lstart=', '-p', String(pid)]).catch(() => ({ stdout: '' }))
  return ps.stdout.trim()
}

/** The command line of a process, its words parted by blanks; empty where there is no such process. */
export async function commandLine(pid: number): Promise<string> {
  if (process.platform === 'linux') return ((await readText(`/proc/${pid}/cmdline`)) ?? '').replaceAll('\0', ' ').trim()
  const ps = await promisify(execFile)('ps', ['-o', 'command=', '-p', String(pid)]).catch(() => ({ stdout: '' }))
  return ps.stdout.trim()
}

function parseHolder(text: string): Holder | undefined {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null) return undefined
    const { pid, started } = value as Partial<Holder>
    return Number.isInteger(pid) && typeof started === 'string' && started !== '' ? { pid: pid!, started } : undefined
  } catch {
    // A torn file after a power cut holds nobody.
    return undefined
  }
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT' || code === 'ESRCH') return undefined
    throw error
  }
}

async function succeeds(act: Promise<unknown>, tolerated: string): Promise<boolean> {
  try {
    await act
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === tolerated) return false
    throw error
  }
}
