import type { Database } from '../../infra/mongo.ts'
import type { Actor } from '../../kernel/actor.ts'
import { createBatcher } from '../../kernel/batcher.ts'
import type { SocketHandle } from '../../kernel/event.ts'
import type { Bus, Emitter, Logger } from '../../kernel/ports.ts'
import type { People } from '../people.ts'
import { createInstances } from './instances.ts'
import { type ChosenStatus, type KnownPresence, ownPresence, type PresenceWire } from './status.ts'
import { createPresenceStore, type PresenceWrite } from './store.ts'
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

/** The most presences in one write or one message to the other instances. */
const batch = 1_000

/** A user with devices here, or who had some until a moment ago. */
interface Local {
  sockets: number
  /** Whether this instance stands in the user's stored presence; null where a write's outcome is not known. */
  registered: boolean | null
  /** Choices under way, which write this instance into the presence, too. */
  setting: number
  /** When it stops counting as here, by the steady clock; only without sockets. */
  leavesAt: number
  activeAt: number
}

/** Where users are connected, over all devices and instances, and who watches that. */
export function createPresence({ database, bus, emitter, people, logger, times }: PresenceDeps) {
  const ms = { ...standard, ...times }
  const store = createPresenceStore({ database })
  const watching = createWatching({ emitter })
  const locals = new Map<string, Local>()
  /** Users whose stored presence may not be what it should, and those whose activity is to be noted. */
  const dirty = new Set<string>()
  const active = new Set<string>()
  /** Users without a device, in the order in which their grace ends. */
  const leaving = new Map<string, Local>()
  const timers: NodeJS.Timeout[] = []
  let collecting: NodeJS.Timeout | undefined
  let flushing: Promise<void> | null = null
  let polling: Promise<void> | null = null
  let since: Date | null = null
  let closed = false
  const counts = { writes: 0, flushes: 0 }

  const instances = createInstances({
    database,
    logger,
    everyMs: ms.heartbeat,
    deadMs: ms.dead,
    onSwept() {
      for (const [userId, local] of locals) {
        local.registered = false
        dirty.add(userId)
      }
      collect()
    },
    onRound: sweep,
  })

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

  function localOf(userId: string): Local {
    let local = locals.get(userId)
    if (!local) {
      local = { sockets: 0, registered: false, setting: 0, leavesAt: 0, activeAt: performance.now() }
      locals.set(userId, local)
    }
    return local
  }

  function collect() {
    if (collecting || closed) return
    collecting = setTimeout(() => {
      collecting = undefined
      flushing = flush()
        .catch(warn('presences could not be stored; trying again'))
        .finally(() => {
          flushing = null
          if (dirty.size + active.size + leaving.size > 0) collect()
        })
    }, ms.collect)
    collecting.unref()
  }

  async function flush() {
    const now = performance.now()
    for (const [userId, local] of leaving) {
      if (local.leavesAt > now) break
      leaving.delete(userId)
      dirty.add(userId)
    }
    while (dirty.size > 0 || active.size > 0) {
      const instanceId = instances.id
      const writes: PresenceWrite[] = []
      const changes: { userId: string; local: Local; here: boolean }[] = []
      for (const userId of dirty) {
        if (changes.length >= batch) break
        dirty.delete(userId)
        const local = locals.get(userId)
        // What is being set marks the user again when it is done.
        if (!local || local.setting > 0) continue
        const here = local.sockets > 0 || leaving.has(userId)
        if (here !== local.registered) {
          changes.push({ userId, local, here })
          writes.push({ type: here ? 'on' : 'off', userId, instanceId })
        } else if (!here) locals.delete(userId)
      }
      for (const userId of active) {
        if (writes.length >= batch) break
        active.delete(userId)
        if (locals.get(userId)?.registered) writes.push({ type: 'active', userId })
      }
      if (writes.length === 0) continue
      try {
        await store.write(writes)
        counts.flushes++
        counts.writes += writes.length
      } catch (error) {
        for (const { userId, local } of changes) {
          local.registered = null
          dirty.add(userId)
        }
        throw error
      }
      for (const { userId, local, here } of changes) {
        // Swept meanwhile: what was written is of a life that is over.
        if (instances.id === instanceId) local.registered = here
        if (!here) dirty.add(userId)
      }
      if (changes.length > 0) announce(await store.read(changes.map((change) => change.userId)))
    }
  }

  /** Takes off the users of instances that died. */
  async function sweep() {
    const holders = await store.holders()
    const living = await instances.living(holders)
    for (const instanceId of holders) {
      if (living.has(instanceId) || instanceId === instances.id) continue
      let swept = 0
      for (;;) {
        const userIds = await store.heldBy(instanceId, batch)
        if (userIds.length === 0 || closed) break
        await store.write(userIds.map((userId) => ({ type: 'off', userId, instanceId })))
        announce(await store.read(userIds))
        swept += userIds.length
      }
      logger.info({ instanceId, users: swept }, 'took off the users of an instance that died')
    }
  }

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

  const sets = createBatcher<Extract<PresenceWrite, { type: 'set' }>, KnownPresence>(async (writes) => {
    await store.write(writes)
    counts.writes += writes.length
    const states = new Map(
      (await store.read(writes.map((write) => write.userId))).map((known) => [known.userId, known]),
    )
    announce([...states.values()])
    return writes.map((write) => states.get(write.userId)!)
  })

  return {
    /** A device of a user has connected here. */
    connected(userId: string) {
      const local = localOf(userId)
      local.sockets++
      leaving.delete(userId)
      if (local.registered || closed) return
      dirty.add(userId)
      collect()
    },

    /** A device that had connected is gone. */
    disconnected(userId: string) {
      const local = locals.get(userId)
      if (!local || local.sockets === 0) return
      local.sockets--
      if (local.sockets > 0 || closed) return
      local.leavesAt = performance.now() + ms.grace
      leaving.delete(userId)
      leaving.set(userId, local)
      collect()
    },

    /** A socket watches nobody any more, because it is gone. */
    forget(socket: { id: string }) {
      watching.remove(socket)
    },

    /** A user has done something; noted once a minute. */
    active(userId: string) {
      const local = locals.get(userId)
      const now = performance.now()
      if (!local || now - local.activeAt < ms.activity) return
      local.activeAt = now
      active.add(userId)
      collect()
    },

    /** Sets how one wants to be seen; the text stays where none is given. */
    async set(actor: Actor, status: ChosenStatus, text: string | undefined): Promise<PresenceWire> {
      const { userId } = actor
      // One that takes the user off must not pass this one by.
      await flushing
      const local = localOf(userId)
      local.setting++
      const instanceId = instances.id
      let known: KnownPresence | undefined
      try {
        known = await sets.add({ type: 'set', userId, instanceId, status, text })
      } finally {
        local.setting--
        if (instances.id === instanceId) local.registered = known ? true : null
        // Whoever is gone by now has to be taken off again.
        dirty.add(userId)
        collect()
      }
      return ownPresence(known)
    },

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

    stats: () => ({ users: locals.size, watched: watching.size, ...counts }),

    async start() {
      await instances.start()
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
      clearTimeout(collecting)
      await instances.stop()
      await flushing
      await sets.idle()
      const instanceId = instances.id
      for (;;) {
        const userIds = await store.heldBy(instanceId, batch)
        if (userIds.length === 0) break
        await store.write(userIds.map((userId) => ({ type: 'off', userId, instanceId })))
        bus.publish('presence', JSON.stringify(await store.read(userIds)))
      }
      await instances.leave()
    },
  }
}

export type PresenceService = ReturnType<typeof createPresence>
