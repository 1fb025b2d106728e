/**
 * `npm run bench -- beside`: how long acks of chat take while nothing else happens, and while songs are uploaded and analysed,
 * in one run, quiet and busy in turn. See docs/benchmarks.md.
 */
import { fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { renderWave } from '../audio/clips/wave.ts'
import { serverArguments } from '../shared/server-command.ts'
import { Accounts } from './lib/accounts.ts'
import { openAll } from './lib/bare-socket.ts'
import { freePort, startChild, waitFor } from './lib/children.ts'
import { TimedLatencies, watchHost } from './lib/host.ts'
import { RawSocket, type SocketEvents } from './lib/socket.ts'
import { median } from './lib/stats.ts'
import { startStores } from './lib/stores.ts'
import { runId, sendPacket } from './lib/text.ts'
import { findStores } from './lib/tools.ts'
import { sleep } from './lib/window.ts'

const USAGE = `npm run bench -- beside [options]
  --rounds N   of quiet and busy (3)
  --seconds N  of the quiet part of a round (15)
  --clients N  that chat, ten to a user, fifty to a room (500)
  --rate N     messages a second of all together (100)
  --songs N    uploaded at once in the busy part (20)
  --minutes N  that each of them lasts (3)
`
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '15' },
    clients: { type: 'string', default: '500' },
    rate: { type: 'string', default: '100' },
    songs: { type: 'string', default: '20' },
    minutes: { type: 'string', default: '3' },
    help: { type: 'boolean', default: false },
  },
})
const GOAL = 1.5
const SOCKETS_A_USER = 10
const USERS_A_ROOM = 5
/** Longest that one busy part may take. */
const PATIENCE_MS = 15 * 60_000

interface Part {
  p50: number
  p99: number
  max: number
  acks: number
  seconds: number
  /** Share of the acks that came while the host had the cores for others. */
  leftOut: number
}

/**
 * The process that uploads, so that the one which measures has nothing else to do. It stands ready before the songs come:
 * what its own start costs is not what is measured.
 */
async function readyUploader() {
  const child = fork(join(import.meta.dirname, 'upload-songs.ts'), [], { execArgv: ['--import', 'tsx'] })
  // Where the measuring fails first, nobody waits for it.
  child.unref()
  child.channel?.unref()
  const ended = once(child, 'exit')
  const [said] = await Promise.race([once(child, 'message'), ended])
  if (said !== 'ready') throw new Error('the process that uploads did not start')
  return async (url: string, tokens: string[], path: string): Promise<void> => {
    child.send({ url, tokens, path })
    const [code] = await ended
    if (code !== 0) throw new Error('the songs could not be uploaded')
  }
}

async function main(): Promise<void> {
  const [rounds, seconds, clients, rate, songs] = (['rounds', 'seconds', 'clients', 'rate', 'songs'] as const).map(
    (name) => Number(values[name]),
  ) as [number, number, number, number, number]
  const { mongod } = findStores()
  const stores = await startStores(mongod, undefined)
  const song = join(stores.dir, 'song.wav')
  await writeFile(song, renderWave(Number(values.minutes) * 60))
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const server = startChild(process.execPath, serverArguments(), {
    ...process.env,
    ...{ MONGODB_URI: stores.mongoUri('beside'), HOST: '127.0.0.1', PORT: String(port), LOG_LEVEL: 'warn' },
    ...{ REDIS_URL: undefined, RATE_LIMITS: 'off', JWT_SECRET: randomBytes(32).toString('hex') },
    DATA_DIR: join(stores.dir, 'data'),
  })
  await waitFor('the server', server, async () => (await fetch(`${url}/readyz`)).ok)
  const users = Math.ceil(clients / SOCKETS_A_USER)
  const accounts = await Accounts.register(url, users)
  const tokens = await accounts.tokens()
  const members = Array.from({ length: Math.ceil(users / USERS_A_ROOM) }, (_, room) =>
    Array.from({ length: Math.min(USERS_A_ROOM, users - room * USERS_A_ROOM) }, (_, at) => room * USERS_A_ROOM + at),
  )
  const rooms = await accounts.createRooms(members)

  let acks = new TimedLatencies()
  const analysed = new Set<string>()
  let failure: Error | undefined
  let sent = 0
  const events: SocketEvents = {
    ack(socket, _id, ok, bytes, start, end) {
      if (!ok) failure ??= new Error(`refused: ${bytes.toString('utf8', start, end)}`)
      const now = performance.now()
      acks.add(now, now - socket.state.sentAt)
      socket.state.sentAt = 0
    },
    event(_socket, name, payload) {
      if (name === 'analysis:done') analysed.add(payload.audioFileId)
      if (name === 'analysis:failed') failure ??= new Error(`an analysis failed: ${payload.reason}`)
    },
    lost(_socket, reason) {
      failure ??= new Error(reason)
    },
  }
  const sockets = await openAll(clients, 32, (index) => {
    const user = Math.floor(index / SOCKETS_A_USER)
    const socket = new RawSocket(url, { token: tokens[user] }, events)
    socket.state = { roomId: rooms[Math.floor(user / USERS_A_ROOM)], sentAt: 0 }
    return socket
  })

  /** Chats at the given rate until `done` says so. */
  async function chat(done: () => boolean, isCounted: boolean): Promise<Part> {
    acks = new TimedLatencies()
    const host = watchHost()
    const began = performance.now()
    let turn = 0
    while (!done()) {
      const due = ((performance.now() - began) / 1000) * rate
      for (; turn < due; turn++) {
        const socket = sockets[(turn * 7) % sockets.length]!
        // One message outstanding each: who still waits is passed over.
        if (socket.state.sentAt > 0) continue
        socket.state.sentAt = performance.now()
        socket.emit(sendPacket(socket.state.roomId, `${runId}-${sent++}`, socket.state.sentAt))
      }
      if (failure) throw failure
      if (performance.now() - began > PATIENCE_MS) throw new Error('the songs were not analysed in time')
      await sleep(5)
    }
    host.close()
    const seconds = (performance.now() - began) / 1000
    const { p50, p99, max, counted, samples } = acks.summary(host.isQuiet)
    if (isCounted && samples === 0) throw new Error('no message was acked')
    return { p50, p99, max, acks: counted, seconds, leftOut: 1 - counted / samples }
  }
  const after = (ms: number) => {
    const until = performance.now() + ms
    return () => performance.now() > until
  }

  try {
    await chat(after(10_000), false)
    const quiet: Part[] = []
    const busy: Part[] = []
    process.stdout.write(
      '| | acks | seconds | p50 ms | p99 ms | longest ms | left out % |\n|---|---:|---:|---:|---:|---:|---:|\n',
    )
    const tell = (name: string, part: Part) => {
      const cells = [part.seconds, part.p50, part.p99, part.max, part.leftOut * 100].map((value) => value.toFixed(1))
      process.stdout.write(`| ${name} | ${part.acks} | ${cells.join(' | ')} |\n`)
    }
    for (let round = 0; round < rounds; round++) {
      const uploadAll = await readyUploader()
      quiet.push(await chat(after(seconds * 1000), true))
      tell('quiet', quiet.at(-1)!)
      analysed.clear()
      const owners = Array.from({ length: songs }, (_, at) => tokens[at % users]!)
      const uploading = uploadAll(url, owners, song).catch((error) => {
        failure ??= error
      })
      busy.push(await chat(() => analysed.size >= songs, true))
      await uploading
      tell(`${songs} songs`, busy.at(-1)!)
    }
    const ratio = median(busy.map(({ p99 }) => p99)) / median(quiet.map(({ p99 }) => p99))
    process.stdout.write(
      `p99 beside uploads and analyses: ${ratio.toFixed(2)} times the quiet one (goal: at most ${GOAL})\n`,
    )
    if (!(ratio <= GOAL)) process.exitCode = 1
  } finally {
    for (const socket of sockets) socket.destroy()
    await server.stop()
    await stores.stop()
  }
}

if (values.help) process.stdout.write(USAGE)
else await main()
