/**
 * Measures the log on a mongod of its own: entries a second and the time to the ack, against the driver's own
 * `insertOne` and mongoose's `create`, each with one write a message, at the same concurrency.
 *
 *   node --import tsx scripts/bench/log.ts [race] [indexes] [compare]
 */
import { ChatMessage } from '../../models/ChatMessage.ts'
import { LogEntry } from '../../models/LogEntry.ts'
import { connectMongo, type Database } from '../../src/infra/mongo.ts'
import { newId } from '../../src/kernel/ids.ts'
import { createLogStore } from '../../src/log/store.ts'
import { createHub, createInstance, draftOf, quiet, randomOf } from '../../test/support/logs.ts'
import { startMongod } from '../../test/support/mongod.ts'

const seconds = Number(process.env['BENCH_SECONDS'] ?? 2.5)
const parts = process.argv.slice(2)
const wanted = (part: string) => parts.length === 0 || parts.includes(part)

const words = 'the quick brown fox jumps over a lazy dog while its band plays on and nobody minds the drummer'.split(
  ' ',
)
const text = (nth: number) => Array.from({ length: 14 }, (_, at) => words[(nth * 7 + at * 5) % words.length]).join(' ')

interface Figures {
  perSecond: number
  p50: number
  p99: number
}

/** Lets `senders` send one after another each, and measures after a short warming. */
async function measure(senders: number, send: (sender: number, nth: number) => Promise<unknown>): Promise<Figures> {
  const times: number[] = []
  const warm = performance.now() + 400
  const end = warm + seconds * 1_000
  await Promise.all(
    Array.from({ length: senders }, async (_, sender) => {
      for (let nth = 0; ; nth++) {
        const at = performance.now()
        if (at > end) return
        await send(sender, nth)
        if (at > warm) times.push(performance.now() - at)
      }
    }),
  )
  times.sort((one, other) => one - other)
  const quantile = (share: number) => Number((times[Math.floor(times.length * share)] ?? 0).toFixed(2))
  return { perSecond: Math.round(times.length / seconds), p50: quantile(0.5), p99: quantile(0.99) }
}

const body = (nth: number) => ({
  chatRoomId: 'r',
  type: 'text',
  content: text(nth),
  replyToId: null,
  sentAt: new Date(),
  updatedAt: null,
  reactions: [],
  mentions: [],
  attachments: [],
  pinned: false,
  deletedAt: null,
})

const mongod = await startMongod({ own: true, cacheGb: 1 })
const opened: Database[] = []
async function connect(name: string, indexes = true): Promise<Database> {
  const database = await connectMongo(mongod.uri(name), [LogEntry, ChatMessage], quiet, { buildIndexes: indexes })
  opened.push(database)
  return database
}
const show = (what: string, senders: number, figures: object) =>
  console.log(what.padEnd(28), String(senders).padStart(4), JSON.stringify(figures))

const run = newId()
/** Senders with messages, to one log or to a log each. */
function throughLog(log: ReturnType<typeof createInstance>['log'], name: string, each: boolean) {
  return (sender: number, nth: number) =>
    log.append(
      each ? `r:${name}:${sender}` : `r:${name}`,
      draftOf({ senderId: `${run}${sender}`, clientId: `${name}-${nth}-${newId()}`, body: body(nth) }),
    )
}

try {
  if (wanted('compare')) {
    const database = await connect('compare')
    const { log } = createInstance(
      createLogStore(database),
      createHub(randomOf(1), { lost: 0, twice: 0, delay: 0 }).join('a'),
    )
    const raw = database.collection(ChatMessage) as any
    const Model = database.model(ChatMessage) as any
    let rev = 0
    const entry = (nth: number) => ({
      ...body(nth),
      _id: newId(),
      logId: 'bare',
      rev: ++rev,
      firstRev: rev,
      logSeq: rev,
      seq: rev,
      slots: [rev],
      kind: 'ChatMessage',
      event: 'room:message',
      senderId: `s${nth % 50}`,
      clientId: newId(),
      fingerprint: 'x',
      at: new Date(),
    })
    for (const senders of [1, 8, 64, 256]) {
      show('log, one room', senders, await measure(senders, throughLog(log, `one${senders}`, false)))
      show('log, a room each', senders, await measure(senders, throughLog(log, `each${senders}`, true)))
      show('driver insertOne', senders, await measure(senders, (_, nth) => raw.insertOne(entry(nth))))
      show('mongoose create', senders, await measure(senders, (_, nth) => Model.create(entry(nth))))
    }
    console.log(log.stats())
    await log.close()
  }
  if (wanted('race')) {
    const database = await connect('race')
    const hub = createHub(randomOf(1), { lost: 0, twice: 0, delay: 0 })
    const logs = ['a', 'b'].map(
      (name) => createInstance(createLogStore(database), hub.join(name), { compareMs: 3_000 }).log,
    )
    for (const senders of [2, 16, 64, 256]) {
      const counts = [0, 0]
      const figures = await measure(senders, (sender, nth) => {
        counts[sender % 2]!++
        return throughLog(logs[sender % 2]!, `race${senders}`, false)(sender, nth)
      })
      const share = Number((Math.min(...counts) / (counts[0]! + counts[1]!)).toFixed(2))
      show('two instances, one room', senders, { ...figures, smallerShare: share })
    }
    console.log(logs.map((log) => log.stats()))
  }
  if (wanted('indexes')) {
    const rows: [string, (names: string[]) => string[]][] = [
      ['all indexes', () => []],
      ['without text', (names) => names.filter((name) => name === 'search')],
      ['without text, slots', (names) => names.filter((name) => ['search', 'slots'].includes(name))],
      [
        'without text, senders',
        (names) => names.filter((name) => name === 'search' || name === 'logId_1_senderId_1_seq_1'),
      ],
      ['without text, pins', (names) => names.filter((name) => name === 'search' || name.includes('pinned'))],
      ['rev and _id alone', (names) => names.filter((name) => !['_id_', 'rev'].includes(name))],
      ['all indexes again', () => []],
    ]
    for (const [nth, [what, drops]] of rows.entries()) {
      const database = await connect(`indexes${nth}`)
      const raw = database.connection.getClient().db(database.connection.name).collection(ChatMessage.spec.collection)
      const names = (await raw.indexes()).map((index) => String(index.name))
      for (const name of drops(names)) await raw.dropIndex(name)
      const { log } = createInstance(
        createLogStore(database),
        createHub(randomOf(1), { lost: 0, twice: 0, delay: 0 }).join('a'),
      )
      for (const senders of [64, 256])
        show(what, senders, await measure(senders, throughLog(log, `i${senders}`, false)))
      await log.close()
    }
  }
} finally {
  for (const database of opened) await database.close()
  await mongod.stop()
}
