import { mkdir, readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { commandLine, type DataDirLock, lockDataDir } from './dataDirLock.ts'
import { removeAddress, writeAddress } from './mongoAddress.ts'
import { type MongodBinary, type ResolveMongodOptions, resolveMongod } from './mongodBinary.ts'
import { type MongodProcess, spawnMongod } from './mongodProcess.ts'
import { becomePrimary, REPLICA_SET } from './replicaSet.ts'
import { describeEnd, type ProcessEnd } from './supervised.ts'

export interface EmbeddedMongoOptions extends ResolveMongodOptions {
  /** The data lives in `<dataDir>/mongo`. */
  dataDir: string
  /** WiredTiger's cache in GB, 0.25 at least; 0.5 unless given. */
  cacheSizeGB?: number
  /** Whether other processes may find it by `findAddress`; true unless given. */
  shared?: boolean
  /** Told once, when mongod has ended so often in a row that it is not started again. */
  onGiveUp?: (error: Error) => void
}

/** A mongod that belongs to this process: a replica set of one on 127.0.0.1. */
export interface EmbeddedMongo {
  /** Stays the same until `close`, also when mongod had to be started again. */
  uri: string
  binary: MongodBinary
  /** The process id of mongod; undefined while it is being started again. */
  pid(): number | undefined
  /** Ends mongod (cleanly, or after 4 s anyway) and frees the data directory. Can be called twice. */
  close(): Promise<void>
}

const PRIMARY_MS = 30_000
/** Twice the grace that a supervisor gives, and some. */
const TAKEOVER_MS = 10_000
const START_ATTEMPTS = 5
const RESTART_ATTEMPTS = 10
const FIRST_BACKOFF_MS = 100
const LONGEST_BACKOFF_MS = 5_000
/** A mongod that lived this long counts as sound again. */
const SOUND_MS = 60_000
const EXIT_PORT_IN_USE = 48
const EXIT_DBPATH_IN_USE = 100

/**
 * Starts a real mongod on `<dataDir>/mongo`, as the PRIMARY of a replica set of one, on a free port of 127.0.0.1. Its
 * data outlives restarts and SIGKILL of either process; it ends when this process does, and is started again when it
 * ends alone. Throws one clear error where no mongod is to be had, or where `dataDir` is in use by another process.
 */
export async function startEmbeddedMongo(options: EmbeddedMongoOptions): Promise<EmbeddedMongo> {
  const { log } = options
  const dataDir = resolve(options.dataDir)
  const dbPath = join(dataDir, 'mongo')
  const binary = await resolveMongod(options)
  log(`mongod: ${binary.version} from ${binary.path}`)
  await mkdir(dbPath, { recursive: true, mode: 0o700 })
  const lock = await lockDataDir(dataDir)
  try {
    await endFormer(dbPath, log)
    const port = await findFreePort()
    return await superviseMongod({ ...options, dataDir, dbPath, binary: binary.path }, binary, port, lock)
  } catch (error) {
    await lock.release()
    throw error
  }
}

interface Settings extends EmbeddedMongoOptions {
  dbPath: string
  binary: string
}

/**
 * The arguments of a mongod that is safe to lose at any moment and sparing otherwise. The journal's commit interval stays
 * as it is: a write that waits for the journal has it flushed at once, and an interval of 1 ms gained at most a tenth in
 * latency at five times the idle CPU.
 */
function mongodArguments(dbPath: string, port: number, version: string, cacheSizeGB = 0.5): string[] {
  const parameters = ['diagnosticDataCollectionEnabled=false']
  // From 5.0 on a signalled primary waits up to 15 s for another to take over; there is none.
  if (Number.parseInt(version, 10) >= 5) parameters.push('shutdownTimeoutMillisForSignaledShutdown=100')
  return [
    ...['--dbpath', dbPath, '--port', String(port), '--bind_ip', '127.0.0.1', '--nounixsocket'],
    ...['--replSet', REPLICA_SET, '--oplogSize', '512'],
    ...['--wiredTigerCacheSizeGB', String(cacheSizeGB), '--quiet', '--slowms', '1000'],
    ...parameters.flatMap((parameter) => ['--setParameter', parameter]),
  ]
}

async function superviseMongod(
  settings: Settings,
  binary: MongodBinary,
  firstPort: number,
  lock: DataDirLock,
): Promise<EmbeddedMongo> {
  const { log, dbPath } = settings
  const closing = new AbortController()
  let port = firstPort
  let current: MongodProcess | undefined
  const uri = () => `mongodb://127.0.0.1:${port}/phantom-power?replicaSet=${REPLICA_SET}`

  /** One try: a mongod that is PRIMARY, or an error and no mongod. */
  const start = async (): Promise<{ started?: MongodProcess; end?: ProcessEnd; error?: Error }> => {
    closing.signal.throwIfAborted()
    const args = mongodArguments(dbPath, port, binary.version, settings.cacheSizeGB)
    const mongod = spawnMongod(settings.binary, args, settings.env)
    const giveUp = new AbortController()
    const early = mongod.ended.then((end) => {
      giveUp.abort(new Error(`mongod ended at once (${describeEnd(end)}): ${mongod.lastWords()}`))
      return end
    })
    try {
      await becomePrimary(port, PRIMARY_MS, AbortSignal.any([giveUp.signal, closing.signal]))
      return { started: mongod }
    } catch (error) {
      if (closing.signal.aborted) {
        await mongod.stop()
        throw closing.signal.reason
      }
      if (giveUp.signal.aborted) return { end: await early, error: giveUp.signal.reason as Error }
      await mongod.stop()
      return { error: error as Error }
    }
  }

  const startFirst = async (): Promise<MongodProcess> => {
    for (let attempt = 1; ; attempt++) {
      const { started, end, error } = await start()
      if (started) return started
      const retriable = end?.code === EXIT_PORT_IN_USE || end?.code === EXIT_DBPATH_IN_USE
      if (!retriable || attempt === START_ATTEMPTS) {
        throw end?.code === EXIT_DBPATH_IN_USE
          ? new Error(`${dbPath} is in use by another mongod. Stop that one, or set another DATA_DIR`)
          : error
      }
      log(`mongod: ${end.code === EXIT_PORT_IN_USE ? `port ${port} is taken` : 'its data is still in use'}; once more`)
      await sleep(1_000, undefined, { signal: closing.signal })
      port = await findFreePort()
    }
  }

  const keepAlive = async (first: MongodProcess): Promise<void> => {
    let mongod = first
    let failures = 0
    for (;;) {
      const startedAt = Date.now()
      const end = await mongod.ended
      const pid = mongod.pid()
      current = undefined
      if (closing.signal.aborted) return
      if (Date.now() - startedAt > SOUND_MS) failures = 0
      log(`mongod: ended unasked (${describeEnd(end)}); starting it again`)
      // Its supervisor may have been ended alone.
      if (pid !== undefined) await endMongod(pid, dbPath)
      for (;;) {
        if (failures >= RESTART_ATTEMPTS) throw new Error(`mongod ended ${failures} times in a row and stays so`)
        await sleep(Math.min(FIRST_BACKOFF_MS * 2 ** failures++, LONGEST_BACKOFF_MS), undefined, {
          signal: closing.signal,
        })
        const { started, error } = await start()
        if (started) {
          mongod = current = started
          // close() may have come while it started, and found nothing to stop.
          if (closing.signal.aborted) return void (await started.stop())
          log('mongod: runs again')
          break
        }
        log(`mongod: did not start: ${error?.message}`)
      }
    }
  }

  current = await startFirst()
  if (settings.shared !== false) {
    await writeAddress(settings.dataDir, uri()).catch(async (error) => {
      await current?.stop()
      throw error
    })
  }
  log(`mongod: ready on 127.0.0.1:${port}, data in ${dbPath}`)
  const kept = keepAlive(current).catch((error: Error) => {
    if (closing.signal.aborted) return
    log(`mongod: ${error.message}`)
    settings.onGiveUp?.(error)
  })

  let closed: Promise<void> | undefined
  const close = async () => {
    closing.abort(new Error('the embedded MongoDB is being closed'))
    if (settings.shared !== false) await removeAddress(settings.dataDir)
    await current?.stop()
    await kept
    await lock.release()
  }
  return {
    uri: uri(),
    binary,
    pid: () => current?.pid(),
    close: () => {
      closed ??= close()
      return closed
    },
  }
}

/** The mongod of a former run may be about to end, or, where its supervisor was ended too, not even that. */
async function endFormer(dbPath: string, log: (line: string) => void): Promise<void> {
  const text = await readFile(join(dbPath, 'mongod.lock'), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
  const pid = Number.parseInt(text, 10)
  if (!(pid > 0) || !(await isOurMongod(pid, dbPath))) return
  log(`mongod: waiting for the one of the last run (process ${pid}) to end`)
  await endMongod(pid, dbPath)
}

async function isOurMongod(pid: number, dbPath: string): Promise<boolean> {
  const words = ` ${await commandLine(pid)} `
  return words.includes(` --dbpath ${dbPath} `) && words.includes(` --replSet ${REPLICA_SET} `)
}

async function endMongod(pid: number, dbPath: string): Promise<void> {
  const startedAt = Date.now()
  for (let signalled: NodeJS.Signals | undefined; await isOurMongod(pid, dbPath); await sleep(50)) {
    const waited = Date.now() - startedAt
    if (waited > TAKEOVER_MS) throw new Error(`process ${pid} holds ${dbPath} and does not end`)
    const due = waited > TAKEOVER_MS / 2 ? 'SIGKILL' : 'SIGTERM'
    if (signalled === due) continue
    signalled = due
    sendSignal(pid, due)
  }
}

function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    // It ended in this very moment.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

function findFreePort(): Promise<number> {
  return new Promise((resolvePort, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => (address && typeof address === 'object' ? resolvePort(address.port) : reject(address)))
    })
  })
}
