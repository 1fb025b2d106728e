import { HocuspocusProvider, HocuspocusProviderWebsocket } from '@hocuspocus/provider'
import mongoose from 'mongoose'
import { WebSocket } from 'ws'
import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'
import { hostileFrames } from '../../shared/hostile-frames.ts'
import { TimedLatencies, watchHost } from '../lib/host.ts'
import { rssBytes } from '../lib/machine.ts'
import { Latencies } from '../lib/stats.ts'
import type { Stores } from '../lib/stores.ts'
import { openWindow, sleep } from '../lib/window.ts'
import type { Contender } from './contenders.ts'
import { nameOf, type Script, writeScript } from './edits.ts'
import { openSockets, readVarUint, skipVarUint } from './socket.ts'

/** Figures of one round, by name. */
export type Figures = Record<string, number>

const WAIT_MS = 120_000
/** Small documents that are open before memory is measured. */
const WARM_DOCUMENTS = 300

async function until(what: string, done: () => boolean, lost: () => string | null, ms = WAIT_MS) {
  const end = performance.now() + ms
  while (!done()) {
    const reason = lost()
    if (reason) throw new Error(`${what}: a client was lost: ${reason}`)
    if (performance.now() > end) throw new Error(`${what}: not within ${ms} ms`)
    await sleep(2)
  }
}

/** Clients at a new document, each with its own script. */
async function gather(contender: Contender, clients: number, updatesEach: number) {
  const [document] = await contender.create(1)
  const scripts = Array.from({ length: clients }, (_, author) => writeScript(updatesEach, author))
  const latencies = new TimedLatencies()
  const sentAt = scripts.map(() => new Float64Array(updatesEach))
  const authors = new Map(scripts.map(({ clientId }, author) => [clientId, author]))
  /** What the first client got, to see afterwards that it is what was written. */
  const witnessed: Buffer[] = []
  let lost: string | null = null
  let timed = false
  const sockets = await openSockets(await contender.addresses(document!, clients), {
    update(socket, bytes, start, end) {
      if (socket.index === 0) witnessed.push(Buffer.from(bytes.subarray(start, end)))
      if (!timed) return
      // The number of clients and of structs, then whose and which the first struct is.
      const [clientId, at] = readVarUint(bytes, skipVarUint(bytes, skipVarUint(bytes, start)))
      const author = authors.get(clientId)
      if (author === undefined || author === socket.index) return
      const now = performance.now()
      latencies.add(now, now - sentAt[author]![readVarUint(bytes, at)[0]]!)
    },
    lost: (_, reason) => {
      lost = reason
    },
  })
  const perClient = (updates: number) => (contender.echoes ? updates : (updates * (clients - 1)) / clients)
  return {
    document: document!,
    scripts,
    sockets,
    latencies,
    sentAt,
    time: (on: boolean) => {
      timed = on
    },
    /** Resolves when everybody has everything of so many updates. */
    delivered: (updates: number) =>
      until(
        'deliveries',
        () => sockets.every((socket) => socket.updates >= perClient(updates)),
        () => lost,
      ),
    check: () => check(scripts, witnessed),
    leave: () => {
      for (const socket of sockets) socket.destroy()
    },
  }
}

/** Throws unless these updates say what everybody but the first has written. */
function check(scripts: Script[], witnessed: Buffer[]) {
  const doc = new Y.Doc()
  for (const update of witnessed) Y.applyUpdate(doc, update)
  scripts.forEach((script, author) => {
    if (author > 0 && doc.getText(nameOf(author)).toString() !== script.text) {
      throw new Error(`what client ${author} wrote has not arrived whole`)
    }
  })
}

/** All clients send all they have at once; until everybody has everything. */
export async function measureBurst(contender: Contender, stores: Stores, clients: number, total: number) {
  const each = Math.ceil(total / clients)
  const room = await gather(contender, clients, each)
  const bursts = room.scripts.map(({ updates }, index) =>
    Buffer.concat(updates.map((update) => room.sockets[index]!.encodeUpdate(update))),
  )
  const close = openWindow([contender.pid()], stores.pids)
  room.sockets.forEach((socket, index) => void socket.send(bursts[index]!))
  await room.delivered(each * clients)
  const { serverCpuMs, ...window } = close()
  room.check()
  room.leave()
  const deliveries = each * clients * (clients - 1)
  return {
    perSecond: (each * clients) / window.seconds,
    cpuMicrosPerDelivery: (serverCpuMs * 1000) / deliveries,
    ...loadOf(window),
  }
}

/** Every client writes at its own even pace, while `disturb` does its work; CPU and latency of each delivery to another. */
export async function measurePaced(
  contender: Contender,
  stores: Stores,
  clients: number,
  perSecond: number,
  seconds: number,
  disturb?: (document: string) => () => Promise<Figures>,
): Promise<Figures> {
  const warmSeconds = 2
  const each = perSecond * (warmSeconds + seconds)
  const room = await gather(contender, clients, each)
  const frames = room.scripts.map(({ updates }, index) =>
    updates.map((update) => room.sockets[index]!.encodeUpdate(update)),
  )
  const pace = (from: number, to: number) =>
    onTheClock(clients, perSecond, to - from, (client, at) => {
      room.sentAt[client]![from + at] = performance.now()
      room.sockets[client]!.send(frames[client]![from + at]!)
    })
  const warm = perSecond * warmSeconds
  await pace(0, warm)
  await room.delivered(warm * clients)
  room.time(true)
  const host = watchHost()
  const close = openWindow([contender.pid()], stores.pids)
  const calm = disturb?.(room.document)
  await pace(warm, each)
  await room.delivered(each * clients)
  const disturbed = await calm?.()
  const { serverCpuMs, ...window } = close()
  host.close()
  room.check()
  room.leave()
  const { p50, p99, counted, samples } = room.latencies.summary(host.isQuiet)
  if (samples !== (each - warm) * clients * (clients - 1)) throw new Error(`${samples} deliveries were timed`)
  const cpuMicrosPerDelivery = (serverCpuMs * 1000) / samples
  return { p50, p99, leftOut: (1 - counted / samples) * 100, cpuMicrosPerDelivery, ...loadOf(window), ...disturbed }
}

/** Hostile connections in a second, and how many of them there are at once. */
const HOSTILE_PER_SECOND = 20
const MOST_HOSTILE = 20

/**
 * The paced load twice, once left alone and once while others come to the same document, each with one frame of a corpus
 * that ends its connection.
 */
export async function measureHostile(
  contender: Contender,
  stores: Stores,
  [clients, perSecond, seconds]: [clients: number, perSecond: number, seconds: number],
  hostileFirst: boolean,
): Promise<Figures> {
  const board = new Y.Doc()
  board.getMap('cards').set('anchor', new Y.Map([['title', 'anchor']]))
  const frames = hostileFrames(Y.encodeStateAsUpdate(board), 20_240)
  const disturb = (document: string) => {
    const under = new Set<Promise<void>>()
    let sent = 0
    let ended = 0
    const attack = async () => {
      const [address] = await contender.addresses(document, 1)
      const ws = new WebSocket(`ws://${address!.host}:${address!.port}${address!.path}`)
      const closed = new Promise<number>((resolve) => ws.once('close', resolve))
      ws.on('error', () => {})
      ws.once('open', () => {
        ws.send(frames[sent++ % frames.length]!)
        // What it lacks it does not bring.
        ws.send(Uint8Array.from([0, 1, 2, 0, 0]))
      })
      const timer = setTimeout(() => ws.terminate(), 5_000)
      if ((await closed) === 4400) ended++
      clearTimeout(timer)
    }
    const timer = setInterval(() => {
      if (under.size >= MOST_HOSTILE) return
      const work = attack().finally(() => under.delete(work))
      under.add(work)
    }, 1000 / HOSTILE_PER_SECOND)
    return async () => {
      clearInterval(timer)
      await Promise.all(under)
      return { hostile: sent, hostileEnded: ended }
    }
  }
  const measure = (isHostile: boolean) =>
    measurePaced(contender, stores, clients, perSecond, seconds, isHostile ? disturb : undefined)
  const first = await measure(hostileFirst)
  const second = await measure(!hostileFirst)
  const [quiet, under] = hostileFirst ? [second, first] : [first, second]
  const { p50: quietP50, p99: quietP99, leftOut: quietLeftOut } = quiet
  return { ...under, quietP50, quietP99, quietLeftOut, overQuiet: under['p99']! / quietP99! } as Figures
}

/** Every client moves its cursor at an even pace; CPU of each move, of the same number of them for everybody. */
export async function measureAwareness(
  contender: Contender,
  stores: Stores,
  clients: number,
  perSecond: number,
  seconds: number,
) {
  const [document] = await contender.create(1)
  let heard = 0
  let lost: string | null = null
  const sockets = await openSockets(await contender.addresses(document!, clients), {
    awareness(_, bytes, start) {
      heard += readVarUint(bytes, start)[0]
    },
    lost: (_, reason) => {
      lost = reason
    },
  })
  const clocks = sockets.map(() => 0)
  const move = (client: number) => {
    const clock = ++clocks[client]!
    const state = { user: { name: `Player ${client}`, color: '#30bced' }, cursor: { x: clock * 3, y: client * 7 } }
    sockets[client]!.send(sockets[client]!.encodeAwareness(1_000_000 + client, clock, JSON.stringify(state)))
  }
  await onTheClock(clients, perSecond, perSecond * 2, move)
  heard = 0
  const close = openWindow([contender.pid()], stores.pids)
  await onTheClock(clients, perSecond, perSecond * seconds, move)
  await sleep(100)
  const { serverCpuMs, ...window } = close()
  for (const socket of sockets) socket.destroy()
  if (lost) throw new Error(`a client was lost: ${lost}`)
  const moves = clients * perSecond * seconds
  // Several moves of one client within a moment may come as its last.
  if (heard < moves * (clients - 1) * 0.5) throw new Error(`only ${heard} states were heard of ${moves} moves`)
  return { cpuMicrosPerMove: (serverCpuMs * 1000) / moves, heardPerMove: heard / moves, ...loadOf(window) }
}

/** Calls `act` for each client `count` times, `perSecond` times a second, evenly, one client after another. */
async function onTheClock(
  clients: number,
  perSecond: number,
  count: number,
  act: (client: number, at: number) => void,
): Promise<void> {
  const start = performance.now()
  const every = 1000 / (perSecond * clients)
  for (let sent = 0; sent < count * clients; ) {
    const due = Math.min(count * clients, Math.floor((performance.now() - start) / every) + 1)
    for (; sent < due; sent++) act(sent % clients, Math.floor(sent / clients))
    await sleep(1)
  }
}

/** Resident bytes of each of `count` small documents with one client, at rest and after a collection. */
export async function measureMemory(contender: Contender, board: Uint8Array, count: number, restMs: number) {
  const collect = async () => {
    for (let turn = 0; turn < 3; turn++) {
      process.kill(contender.pid(), 'SIGUSR2')
      await sleep(700)
    }
    return rssBytes(contender.pid())
  }
  const names = await contender.create(count + WARM_DOCUMENTS)
  // Without what making them took.
  await contender.restart()
  const open = async (documents: string[]) => {
    const addresses = []
    for (const document of documents) addresses.push((await contender.addresses(document, 1))[0]!)
    const sockets = await openSockets(addresses, {})
    for (const socket of sockets) socket.send(socket.encodeUpdate(board))
    return sockets
  }
  // What is loaded once counts with the empty process.
  const first = await open(names.slice(0, WARM_DOCUMENTS))
  await sleep(restMs)
  const before = await collect()
  const sockets = await open(names.slice(WARM_DOCUMENTS))
  await sleep(restMs)
  const after = await collect()
  for (const socket of [...first, ...sockets]) socket.destroy()
  return { bytesPerDocument: (after - before) / count }
}

/** From connecting to having all of a document, in milliseconds, by a client that only takes the bytes. */
export async function timeSync(contender: Contender, document: string, bytes: number): Promise<number> {
  const addresses = await contender.addresses(document, 1)
  const start = performance.now()
  let lost: string | null = null
  let whole = 0
  const [socket] = await openSockets(addresses, {
    // A server that loads while it already answers sends the document as an update.
    update(at) {
      if (at.documentBytes >= bytes * 0.9) whole = performance.now()
    },
    lost: (_, reason) => {
      lost = reason
    },
  })
  if (socket!.documentBytes >= bytes * 0.9) whole = performance.now()
  await until(
    'the document',
    () => whole > 0,
    () => lost,
  )
  socket!.destroy()
  return whole - start
}

/** The same through the stock client, until its document holds everything. */
export async function timeStockSync(contender: Contender, document: string, cards: number): Promise<number> {
  const { url, name, params } = await contender.stock(document)
  const doc = new Y.Doc()
  const map = doc.getMap('cards')
  const start = performance.now()
  const carrier =
    contender.name === 'hocuspocus' ? new HocuspocusProviderWebsocket({ url, WebSocketPolyfill: WebSocket }) : null
  const provider = carrier
    ? new HocuspocusProvider({ websocketProvider: carrier, name, document: doc, token: 'token' })
    : new WebsocketProvider(url, name, doc, { params, WebSocketPolyfill: WebSocket as never, disableBc: true })
  if (provider instanceof HocuspocusProvider) provider.attach()
  let whole = 0
  const look = () => {
    if (map.size >= cards) whole ||= performance.now()
  }
  doc.on('afterTransaction', look)
  try {
    await until(
      'the document',
      () => whole > 0,
      () => null,
    )
    return whole - start
  } finally {
    provider.destroy()
    carrier?.destroy()
    doc.destroy()
  }
}

/** Fills a document with these updates, one after another. */
export async function fill(contender: Contender, document: string, updates: Uint8Array[]): Promise<void> {
  let lost: string | null = null
  const addresses = await contender.addresses(document, 2)
  const [writer, reader] = await openSockets(addresses, {
    lost: (_, reason) => {
      lost = reason
    },
  })
  for (const [index, update] of updates.entries()) {
    writer!.send(writer!.encodeUpdate(update))
    await until(
      'an update',
      () => reader!.updates > index,
      () => lost,
    )
  }
  writer!.destroy()
  reader!.destroy()
}

/** How long one small write takes that waits for the majority and the journal: p50 of `count`, in milliseconds. */
export async function timeJournalledWrite(stores: Stores, count: number): Promise<number> {
  const connection = await mongoose.createConnection(stores.mongoUri('bench_boards_write')).asPromise()
  const times = new Latencies()
  const collection = connection.db!.collection('writes', { writeConcern: { w: 'majority', j: true } })
  for (let at = 0; at < count; at++) {
    const start = performance.now()
    await collection.insertOne({ data: Buffer.alloc(60) })
    if (at >= count / 4) times.add(performance.now() - start)
  }
  await connection.close()
  return times.summary().p50
}

const loadOf = (window: { clientCpu: number; serverCpu: number; storeCpu: number; othersCpu: number }): Figures => ({
  clientCpu: window.clientCpu,
  serverCpu: window.serverCpu,
  storeCpu: window.storeCpu,
  othersCpu: window.othersCpu,
})
