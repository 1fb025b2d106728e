import { ListenSession, type ListenSessionDoc } from '../../../models/ListenSession.ts'
import type { Database } from '../../infra/mongo.ts'
import { createBatcher } from '../../kernel/batcher.ts'
import { channels } from '../../kernel/channels.ts'
import type { Bus, Emitter, Logger } from '../../kernel/ports.ts'
import type { SharedClock } from './clock.ts'
import { presentListening } from './state.ts'

/** A socket as far as it is told of listening. */
export interface ListenSocket {
  readonly connected: boolean
  isIn(roomId: string): boolean
  emit(event: string, payload: object): void
}

const topic = 'listen'
/** How many rooms' newest states are kept in mind, the longest unchanged forgotten first. */
const maxLatest = 20_000
/** Timers for the ends of tracks; beyond them the regular look ends what is over. */
const maxTimers = 20_000
/** How far back a look for missed changes reaches past the last: a write's time is taken before it can be seen. */
const overlapMs = 5_000
const maxLookBackMs = 24 * 3_600_000
/** A timer may be a little early. */
const graceMs = 20
/** New connections whose rooms are looked up in one query. */
const greetBatch = 100

/**
 * Who is told of which state: each room's sockets here are told of each state that is newer than the last they were
 * told of, never of an older one. What the bus loses is found by a look at the database.
 */
export function createListenFeed(deps: {
  database: Database
  bus: Bus
  emitter: Emitter
  clock: SharedClock
  logger: Logger
  /** Called when a track should have come to its end. */
  finish(roomId: string): void
}) {
  const { database, bus, emitter, clock, logger, finish } = deps
  const sessions = database.collection(ListenSession)
  const latest = new Map<string, ListenSessionDoc>()
  const timers = new Map<string, NodeJS.Timeout>()
  let lookedAt = performance.now()
  /** When each of these was told to its room's sockets here, as a number of the telling. */
  const toldAt = new Map<string, number>()
  let tellings = 0
  let closed = false

  /** Takes a state in; the room's sockets are told where it is news, unless `isQuiet` and nothing was known before. */
  function learn(session: ListenSessionDoc, isQuiet = false): void {
    const { _id: roomId } = session
    const known = latest.get(roomId)
    if (closed || (known && known.rev >= session.rev)) return
    latest.delete(roomId)
    latest.set(roomId, session)
    if (latest.size > maxLatest) {
      const oldest = latest.keys().next().value as string
      latest.delete(oldest)
      toldAt.delete(oldest)
    }
    watch(session)
    if (!known && isQuiet) return
    toldAt.set(roomId, ++tellings)
    emitter.emitLocal(channels.log(roomId), 'listen:state', presentListening(session))
  }

  /** Sees to the track's end where people listen here. */
  function watch(session: ListenSessionDoc): void {
    const { _id: roomId, active, endsAt } = session
    clearTimeout(timers.get(roomId))
    timers.delete(roomId)
    if (closed || !active || timers.size >= maxTimers) return
    const timer = setTimeout(
      () => {
        timers.delete(roomId)
        finish(roomId)
      },
      Math.max(0, endsAt.getTime() - clock.now()) + graceMs,
    )
    timer.unref()
    timers.set(roomId, timer)
  }

  bus.subscribe(topic, (message) => {
    const said = JSON.parse(message) as ListenSessionDoc
    const time = (value: unknown) => new Date(value as string)
    learn({ ...said, at: time(said.at), endsAt: time(said.endsAt), changedAt: time(said.changedAt) })
  })

  /** Takes in what is stored; returns the states, each at least as new as the sockets here know it. */
  function newest(found: ListenSessionDoc[]): ListenSessionDoc[] {
    for (const session of found) learn(session, true)
    return found.map((session) => {
      const known = latest.get(session._id)
      return known && known.rev > session.rev ? known : session
    })
  }

  const greetings = createBatcher<string[], Set<string>>(
    async (lists) => {
      const roomIds = [...new Set(lists.flat())]
      const found = newest(await sessions.find({ _id: { $in: roomIds }, active: true }).toArray())
      const active = new Set(found.map(({ _id }) => _id))
      return lists.map((list) => new Set(list.filter((roomId) => active.has(roomId))))
    },
    { batch: greetBatch },
  )

  return {
    watch,

    /** A room's last state; null where nothing was ever listened to. */
    async read(roomId: string): Promise<ListenSessionDoc | null> {
      const session = await sessions.findOne({ _id: roomId })
      return session && newest([session])[0]!
    },

    /** Tells of a state that this instance has stored, here and elsewhere. */
    stored(session: ListenSessionDoc, before: ListenSessionDoc | null): void {
      // The one before, of another instance, may still be on its way: here it is told first, or it would come too late.
      if (before) learn(before, true)
      learn(session)
      bus.publish(topic, JSON.stringify(session))
    },

    async greet(socket: ListenSocket, roomIds: string[]): Promise<void> {
      if (roomIds.length === 0) return
      const since = tellings
      const active = await greetings.add(roomIds)
      for (const roomId of active) {
        // The newest that the others here were told of; what comes next comes to this one too.
        const session = latest.get(roomId)
        // What was told while this one was in the room already, it has heard with the others.
        if ((toldAt.get(roomId) ?? 0) > since) continue
        if (session?.active && socket.connected && socket.isIn(roomId)) {
          socket.emit('listen:state', presentListening(session))
        }
      }
    },

    /** Takes in what others have stored since the last look. */
    async catchUp(): Promise<void> {
      const startedAt = performance.now()
      const lookBack = Math.ceil(Math.min(startedAt - lookedAt, maxLookBackMs) + overlapMs)
      const found = await database.find(
        ListenSession,
        { $expr: { $gt: ['$changedAt', { $subtract: ['$$NOW', lookBack] }] } },
        { maxTimeMS: 5_000 },
      )
      for (const session of found) {
        if (closed) return
        learn(session)
      }
      lookedAt = startedAt
    },

    close(): void {
      closed = true
      for (const timer of timers.values()) clearTimeout(timer)
      timers.clear()
      if (greetings.waiting > 0)
        logger.debug({ waiting: greetings.waiting }, 'sockets were not told what is listened to')
    },
  }
}
