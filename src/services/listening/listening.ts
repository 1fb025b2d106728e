import { setTimeout as sleep } from 'node:timers/promises'
import { AudioFile } from '../../../models/AudioFile.ts'
import { ListenSession, type ListenSessionDoc } from '../../../models/ListenSession.ts'
import type { Database } from '../../infra/mongo.ts'
import type { Actor } from '../../kernel/actor.ts'
import { AppError, conflict, forbidden, invalid, notFound } from '../../kernel/errors.ts'
import { createLanes } from '../../kernel/lanes.ts'
import type { Bus, Emitter, Logger } from '../../kernel/ports.ts'
import { seeAudio } from '../../policies/audio.ts'
import { roomPolicy } from '../../policies/rooms.ts'
import type { Rooms } from '../chat/rooms.ts'
import type { Deletion } from '../deletion.ts'
import { isDuplicate } from '../shared/duplicates.ts'
import type { RoomLive } from '../shared/room-state.ts'
import type { SharedClock } from './clock.ts'
import { createListenFeed, type ListenSocket } from './feed.ts'
import {
  controlled,
  endedOf,
  type ListenAction,
  type ListenFields,
  type ListenStateWire,
  measured,
  presentListening,
  startOf,
} from './state.ts'

export interface ListeningDeps {
  database: Database
  bus: Bus
  emitter: Emitter
  rooms: Pick<Rooms, 'withRoom'>
  deletion: Pick<Deletion, 'onDelete'>
  clock: SharedClock
  logger: Logger
  /** How often changes are looked for that the bus has lost, in milliseconds. */
  pollMs?: number
}

/** For how long a change that loses against another instance's is tried again, and the longest pause between, in ms. */
const patienceMs = 5_000
const longestPauseMs = 20
/** How many ended or unmeasured sessions one look takes on. */
const sweepBatch = 200
/** What a track's end may be late before others than its timer see to it, in milliseconds. */
const lateMs = 1_000

/**
 * Listening together: a state for each room, stored and numbered, that says what plays and where it was at which time.
 * Where it is now, clients reckon by themselves.
 */
export function createListening(deps: ListeningDeps) {
  const { database, bus, emitter, rooms, clock, logger, pollMs = 2_000 } = deps
  const sessions = database.collection(ListenSession)
  const files = database.collection(AudioFile)
  const lanes = createLanes()
  const feed = createListenFeed({ database, bus, emitter, clock, logger, finish })
  let timer: NodeJS.Timeout | undefined
  let looking: Promise<void> | null = null
  let closed = false

  const warn = (what: string) => (error: unknown) => logger.warn({ err: error }, what)

  /**
   * Moves a room's state on by what `decide` makes of it, null for no change; it is asked again where others were
   * faster. Resolves with the state as stored. Throws what `decide` throws.
   */
  const change = (
    roomId: string,
    decide: (before: ListenSessionDoc | null, now: number) => ListenFields | null,
  ): Promise<ListenSessionDoc | null> =>
    lanes.run(roomId, async () => {
      const began = performance.now()
      for (let attempt = 1; performance.now() - began < patienceMs; attempt++) {
        const before = await sessions.findOne({ _id: roomId })
        const fields = decide(before, clock.now())
        if (!fields) return before
        const rev = (before?.rev ?? 0) + 1
        const set = { $set: { ...literals({ ...fields, rev }), changedAt: '$$NOW' } }
        const filter = { _id: roomId, ...(before && { rev: before.rev }), ...(!before && { rev: 0 }) }
        const stored = await sessions
          .findOneAndUpdate(filter, [set] as never, { upsert: !before, returnDocument: 'after' })
          .catch((error) => {
            // Another made the first one.
            if (isDuplicate(error)) return null
            throw error
          })
        if (stored) {
          feed.stored(stored, before)
          return stored
        }
        // Out of step with who was faster, or the same instance would win each time.
        await sleep(Math.random() * Math.min(longestPauseMs, attempt))
      }
      throw new AppError('unavailable', 'Too many are changing this at once; try again', { retryAfterMs: 500 })
    })

  const requireMember = (actor: Actor, { state }: RoomLive) => {
    if (!roomPolicy.listen(state.members.get(actor.userId))) throw forbidden('Join the room first')
  }

  /** Ends what fits, unless it has changed meanwhile. */
  const end = (roomId: string, why: 'finished' | 'gone', fits: (session: ListenSessionDoc, now: number) => boolean) =>
    change(roomId, (before, now) => (before?.active && fits(before, now) ? endedOf(before, why, before.by, now) : null))

  function finish(roomId: string): void {
    if (closed) return
    end(roomId, 'finished', ({ endsAt }, now) => endsAt.getTime() <= now)
      // One that goes on after all has its timer set again.
      .then((session) => session?.active && feed.watch(session))
      .catch(warn('a track that came to its end could not be taken off; trying again'))
  }

  deps.deletion.onDelete(AudioFile, {
    async after(docs: { _id: string }[]) {
      const ids = docs.map(({ _id }) => _id)
      const held = await sessions.find({ audioFileId: { $in: ids }, active: true }).toArray()
      for (const { _id } of held) {
        await end(_id, 'gone', ({ audioFileId }) => audioFileId !== null && ids.includes(audioFileId))
      }
    },
  })

  const some = (filter: object) =>
    database.find(ListenSession, { active: true, ...filter }, { projection: { audioFileId: 1 }, limit: sweepBatch })

  /** Ends what nobody has ended, and measures what was not measured when it began. */
  async function sweep() {
    const overdue = new Date(clock.now() - lateMs)
    const over = await some({ endsAt: { $lte: overdue } })
    for (const { _id } of over) {
      if (closed) return
      await end(_id, 'finished', ({ endsAt }, now) => endsAt.getTime() <= now)
    }
    const bare = await some({ audioFileId: null })
    for (const { _id } of bare) {
      if (closed) return
      await end(_id, 'gone', ({ audioFileId }) => audioFileId === null)
    }
    const unmeasured = await some({ durationMs: null })
    const ids = unmeasured.flatMap(({ audioFileId }) => audioFileId ?? [])
    if (ids.length === 0) return
    const measures = await files
      .find({ _id: { $in: ids }, duration: { $gt: 0 } }, { projection: { duration: 1 } })
      .toArray()
    for (const { _id: audioFileId, duration } of measures) {
      for (const { _id } of unmeasured.filter((session) => session.audioFileId === audioFileId)) {
        await change(_id, (before, now) =>
          before?.active && before.durationMs === null && before.audioFileId === audioFileId
            ? measured(before, duration! * 1_000, now)
            : null,
        )
      }
    }
  }

  /** One look at a time. */
  function look(): Promise<void> {
    looking ??= Promise.all([feed.catchUp(), sweep()])
      .then(() => {})
      .catch(warn('could not look for changes of what is listened to; trying again'))
      .finally(() => {
        looking = null
      })
    return looking
  }
  bus.onReconnect(() => void look())

  return {
    /** Starts a track for all in the room. Throws `not_found` for a room or a track that the actor may not see. */
    async startTrack(
      actor: Actor,
      { roomId, audioFileId, positionMs = 0 }: { roomId: string; audioFileId: string; positionMs?: number | undefined },
    ): Promise<ListenStateWire> {
      return rooms.withRoom(actor, roomId, async (live) => {
        requireMember(actor, live)
        const file = await files.findOne(
          { _id: audioFileId },
          { projection: { userId: 1, visibility: 1, duration: 1 } },
        )
        if (!file || !seeAudio(actor, file)) throw notFound('Audio file')
        const durationMs = file.duration ? file.duration * 1_000 : null
        const stored = await change(roomId, (_before, now) => {
          requireMember(actor, live)
          return startOf({ audioFileId, durationMs, positionMs }, actor.userId, now)
        })
        // Deleted meanwhile: those who delete may have looked before this was stored.
        if (!(await files.findOne({ _id: audioFileId }, { projection: { _id: 1 } }))) {
          await end(roomId, 'gone', (session) => session.audioFileId === audioFileId)
          throw notFound('Audio file')
        }
        return presentListening(stored!)
      })
    },

    /** Plays on, pauses, seeks or stops for all. Throws `conflict` where nothing is listened to. */
    async control(
      actor: Actor,
      input: { roomId: string; action: ListenAction; positionMs?: number | undefined },
    ): Promise<ListenStateWire> {
      const { roomId, action, positionMs } = input
      if (action === 'seek' && positionMs === undefined) throw invalid('is needed to seek', 'positionMs')
      return rooms.withRoom(actor, roomId, async (live) => {
        const state = await change(roomId, (before, now) => {
          requireMember(actor, live)
          const isOver = !before?.active || before.audioFileId === null || before.endsAt.getTime() <= now
          if (isOver && (action !== 'stop' || !before))
            throw conflict('Nothing is listened to here: start a track first')
          if (isOver && !before!.active) return null
          return controlled(before!, { action, positionMs }, actor.userId, now)
        })
        return presentListening(state!)
      })
    },

    /** The last state of what a room listens to, for its members; null where there was never any. */
    get: (actor: Actor, roomId: string): Promise<ListenStateWire | null> =>
      rooms.withRoom(actor, roomId, async (live) => {
        requireMember(actor, live)
        const session = await feed.read(roomId)
        requireMember(actor, live)
        return session ? presentListening(session) : null
      }),

    /** Tells a socket what is listened to in rooms that it came into. */
    greet(socket: ListenSocket, roomIds: string[]): void {
      feed.greet(socket, roomIds).catch(warn('a socket could not be told what is listened to'))
    },

    /** The shared time at which this was asked and answered, in milliseconds since the epoch. */
    time(t0: number): { t0: number; t1: number; t2: number } {
      const t1 = clock.now()
      return { t0, t1: round(t1), t2: round(clock.now()) }
    },

    async start() {
      await clock.start()
      timer = setInterval(() => void look(), pollMs)
      timer.unref()
    },

    async close() {
      closed = true
      clearInterval(timer)
      feed.close()
      await looking
      await clock.close()
    },
  }
}

/** Values as an update by a pipeline takes them as they are. */
const literals = (fields: object) =>
  Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, { $literal: value }]))

const round = (ms: number) => Math.round(ms * 1_000) / 1_000

export type Listening = ReturnType<typeof createListening>
