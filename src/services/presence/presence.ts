import type { Database } from '../../infra/mongo.ts'
import type { Actor } from '../../kernel/actor.ts'
import type { SocketHandle } from '../../kernel/event.ts'
import type { Bus, Emitter, Logger } from '../../kernel/ports.ts'
import type { People } from '../people.ts'
import { createRegistration } from './registration.ts'
import { type ChosenStatus, type KnownPresence, ownPresence, type PresenceWire } from './status.ts'
import { createPresenceStore } from './store.ts'
import { createWatching } from './watching.ts'

export interface PresenceDeps {
  database: Database
  bus: Bus
  emitter: Emitter
  people: People
  logger: Logger
  times?: Partial<typeof standard>
}

/** In milliseconds. */
const standard = {
  /** How long connects and disconnects are collected. */
  collect: 200,
  /**
   * How long a user may be without a device here before that counts, so that a reconnect is no news, also where
   * thousands come at once. `offline` is told within 5 s: this, the collecting and the write.
   */
  grace: 3_500,
  /** How often changes are looked for that the bus has lost. */
  poll: 3_000,
  /** How often a user's activity is noted at most. */
  activity: 60_000,
  heartbeat: 5_000,
  dead: 15_000,
  /** How often who hides from whom is looked up anew. */
  blocks: 30_000,
}

/** The most users whose changes are asked for by name. */
const batch = 1_000

/** Where users are connected, over all devices and instances, and who watches that. */
export function createPresence({ database, bus, emitter, people, logger, times }: PresenceDeps) {
  const ms = { ...standard, ...times }
  const store = createPresenceStore({ database })
  const watching = createWatching({ emitter })
  const timers: NodeJS.Timeout[] = []
  let polling: Promise<void> | null = null
  let since: Date | null = null
  let closed = false
  const registration = createRegistration({ database, store, logger, ms, announce })

  /** Tells the other instances and the watchers here. Not within this turn, so that an ack under way comes first. */
  function announce(changes: KnownPresence[]) {
    if (changes.length === 0) return
    bus.publish('presence', JSON.stringify(changes))
    setImmediate(() => watching.learn(changes))
  }

  bus.subscribe('presence', (message) => watching.learn(JSON.parse(message) as KnownPresence[]))
  bus.subscribe('block', (message) => {
    const [userId, blockedId] = message.split(' ')
    if (userId && blockedId) refreshBlocks([blockedId]).catch(warn('who hides from whom could not be looked up'))
  })
  bus.onReconnect(() => void poll())

  const warn = (what: string) => (error: unknown) => logger.warn({ err: error }, what)

  /** Makes good what the bus has lost. */
  function poll(): Promise<void> {
    polling ??= look()
      .catch(warn('could not look for changes of presence'))
      .finally(() => {
        polling = null
      })
    return polling
  }

  async function look() {
    if (watching.size === 0) since = null
    while (since && !closed) {
      const found = await store.since(since, watching.size <= batch ? watching.userIds() : null)
      setImmediate(() => watching.learn(found.changes))
      // Nobody may watch any more.
      since &&= found.since
      if (!found.cut) break
    }
  }

  async function refreshBlocks(watcherIds: string[]) {
    for (const watcherId of watcherIds) {
      for (const watcher of [...watching.of(watcherId)]) {
        const targets = [...watcher.targets].filter(([, state]) => state !== 'pending').map(([target]) => target)
        const hiders = await people.blockersOf(watcherId, targets)
        if (closed) return
        watching.hide(watcher, targets, hiders)
      }
    }
  }

  return {
    /** A socket watches nobody any more, because it is gone. */
    forget(socket: { id: string }) {
      watching.remove(socket)
    },

    /** A device of a user has connected here. */
    connected: registration.connected,

    /** A device that had connected is gone. */
    disconnected: registration.disconnected,

    /** A user has done something; noted once a minute. */
    active: registration.active,

    /** Sets how one wants to be seen; the text stays where none is given. */
    set: async (actor: Actor, status: ChosenStatus, text: string | undefined): Promise<PresenceWire> =>
      ownPresence(await registration.set(actor.userId, status, text)),

    /** How users are now; the socket is told of each change from here on. Throws `invalid` beyond the bound. */
    async watch(actor: Actor, socket: SocketHandle, userIds: string[]): Promise<PresenceWire[]> {
      const targets = [...new Set(userIds)]
      if (!socket.connected) return []
      const takeBack = watching.add(actor.userId, socket, targets)
      try {
        since ??= (await store.latest()) ?? new Date(0)
        const [states, hiders] = await Promise.all([store.read(targets), people.blockersOf(actor.userId, targets)])
        return watching.reveal(socket, states, targets, hiders)
      } catch (error) {
        takeBack()
        throw error
      }
    },

    unwatch(socket: SocketHandle, userIds: string[]): void {
      watching.remove(socket, userIds)
    },

    stats: () => ({ watched: watching.size, ...registration.stats() }),

    async start() {
      await registration.start()
      timers.push(setInterval(() => void poll(), ms.poll))
      timers.push(
        setInterval(() => {
          refreshBlocks(watching.watcherIds()).catch(warn('who hides from whom could not be looked up'))
        }, ms.blocks),
      )
      for (const timer of timers) timer.unref()
    },

    /** Takes this instance's users off at once. */
    async close() {
      closed = true
      for (const timer of timers) clearInterval(timer)
      await registration.close((changes) => bus.publish('presence', JSON.stringify(changes)))
    },
  }
}

export type PresenceService = ReturnType<typeof createPresence>
