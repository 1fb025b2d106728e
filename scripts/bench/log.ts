/**
 * Measures the log on a mongod of its own: entries a second and the time to the ack, against the driver's own
 * `insertOne` and mongoose's `create`, each with one write a message, at the same concurrency.
 *
 *   node --import tsx scripts/bench/log.ts [compare] [race] [indexes] [ways]
 */
import { readFileSync } from 'node:fs'
import { ChatMessage } from '../../models/ChatMessage.ts'
import { LogEntry } from '../../models/LogEntry.ts'
import { connectMongo, type Database } from '../../src/infra/mongo.ts'
import { newId } from '../../src/kernel/ids.ts'
import { createLogStore } from '../../src/log/store.ts'
import type { LogRecord, WriteStep } from '../../src/log/types.ts'
import { startMongod } from '../../test/support/killable-mongod.ts'
import { createHub, createInstance, draftOf, quiet } from '../../test/support/logs.ts'
import { createRandom } from '../shared/random.ts'

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

/** Processor time of 1,000 entries in milliseconds, the database's and ours, in writes of `batch`. */
async function measureCost(
  batch: number,
  write: (steps: Extract<WriteStep, { type: 'insert' }>[]) => Promise<unknown>,
) {
  const logId = `r:${newId()}`
  let rev = 0
  const some = (size: number) =>
    Array.from({ length: size }, () => {
      rev++
      const draft = draftOf({ senderId: `s${rev % 50}`, clientId: newId(), body: body(rev) })
      const at = { rev, firstRev: rev, logSeq: rev, seq: rev, at: new Date() }
      const record = { ...draft.body, ...at, _id: draft.id, logId, kind: draft.kind, event: draft.event }
      const rest = { senderId: draft.senderId, clientId: draft.clientId, fingerprint: draft.fingerprint }
      return { type: 'insert' as const, record: { ...record, ...rest } as LogRecord }
    })
  const count = batch === 1 ? 800 : batch === 8 ? 3_200 : 12_800
  for (let done = 0; done < count / 4; done += batch) await write(some(batch))
  const ticks = mongodTicks()
  const ours = process.cpuUsage()
  const started = performance.now()
  for (let done = 0; done < count; done += batch) await write(some(batch))
  const { user, system } = process.cpuUsage(ours)
  const per = (ms: number) => Number(((ms / count) * 1_000).toFixed(1))
  return {
    databaseMs: per((mongodTicks() - ticks) * 10),
    oursMs: per((user + system) / 1_000),
    perSecond: Math.round((count / (performance.now() - started)) * 1_000),
  }
}

/** Processor time of mongod so far, in hundredths of a second. */
function mongodTicks(): number {
  const fields = readFileSync(`/proc/${mongod.pid()}/stat`, 'utf8').split(') ')[1]!.split(' ')
  return Number(fields[11]) + Number(fields[12])
}

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
      createHub(createRandom(1).next, { lost: 0, twice: 0, delay: 0 }).join('a'),
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
    const hub = createHub(createRandom(1).next, { lost: 0, twice: 0, delay: 0 })
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
    // By processor time, which other work on the machine does not change as it does the clock.
    const rows: [string, string[]][] = [
      ['all indexes', []],
      ['without search', ['search']],
      ['… and slots', ['search', 'slots']],
      ['… and clientId', ['search', 'clientId']],
      ['… and seq (history)', ['search', 'logId_1_seq_-1']],
      ['… and senders (unread)', ['search', 'logId_1_senderId_1_seq_1']],
      ['… and pins', ['search', 'logId_1_pinned_1_seq_-1']],
      [
        'rev and slots alone',
        ['search', 'clientId', 'logId_1_seq_-1', 'logId_1_senderId_1_seq_1', 'logId_1_pinned_1_seq_-1'],
      ],
      ['all indexes', []],
      ['without search', ['search']],
    ]
    for (const batch of [8, 64]) {
      for (const [what, drops] of rows) {
        const database = await connect(`indexes${newId()}`)
        const raw = database.connection.getClient().db(database.connection.name).collection(ChatMessage.spec.collection)
        for (const name of drops) await raw.dropIndex(name)
        const store = createLogStore(database)
        const cost = await measureCost(batch, (steps) => store.write(steps))
        show(what, batch, cost)
      }
    }
  }
  if (wanted('ways')) {
    for (const batch of [1, 8, 64, 1, 8, 64]) {
      const database = await connect(`ways${newId()}`)
      const store = createLogStore(database)
      const db = database.connection.getClient().db(database.connection.name)
      show('store (bulkWrite)', batch, await measureCost(batch, (steps) => store.write(steps)))
      const command = (steps: { record: LogRecord }[]) =>
        db.command({
          insert: ChatMessage.spec.collection,
          documents: steps.map(({ record }) => ({ ...record, slots: [record.rev] })),
          ordered: true,
          writeConcern: { w: 'majority', j: true },
        })
      show('insert command', batch, await measureCost(batch, command))
      const many = (steps: { record: LogRecord }[]) =>
        db
          .collection(ChatMessage.spec.collection)
          .insertMany(steps.map(({ record }) => ({ ...record, slots: [record.rev] })) as never, { ordered: true })
      show('insertMany', batch, await measureCost(batch, many))
    }
  }
} finally {
  for (const database of opened) await database.close()
  await mongod.stop()
}
