import type { Database } from '../../infra/mongo.ts'
import { createBatcher } from '../../kernel/batcher.ts'
import type { Logger } from '../../kernel/ports.ts'
import { createInstances } from './instances.ts'
import type { ChosenStatus, KnownPresence } from './status.ts'
import type { PresenceStore, PresenceWrite } from './store.ts'

/** In milliseconds. */
export interface RegistrationTimes {
  /** How long connects and disconnects are collected. */
  collect: number
  /** How long a user may be without a device here before that counts. */
  grace: number
  /** How often a user's activity is noted at most. */
  activity: number
  heartbeat: number
  dead: number
}

export interface RegistrationDeps {
  database: Database
  store: PresenceStore
  logger: Logger
  ms: RegistrationTimes
  /** Tells of presences that have changed. */
  announce(changes: KnownPresence[]): void
}

/** The most presences in one write. */
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

/**
 * Who is connected to this instance, and that it stands so in the stored presences: connects and disconnects are
 * collected and written together, and users of instances that died are taken off.
 */
export function createRegistration({ database, store, logger, ms, announce }: RegistrationDeps) {
  const locals = new Map<string, Local>()
  /** Users whose stored presence may not be what it should, and those whose activity is to be noted. */
  const dirty = new Set<string>()
  const active = new Set<string>()
  /** Users without a device, in the order in which their grace ends. */
  const leaving = new Map<string, Local>()
  let collecting: NodeJS.Timeout | undefined
  let flushing: Promise<void> | null = null
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
        .catch((error) => logger.warn({ err: error }, 'presences could not be stored; trying again'))
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
    // Whoever comes meanwhile is collected for the next time, so that a crowd does not make a write each.
    for (let left = Math.ceil((dirty.size + active.size) / batch); left > 0; left--) {
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
    async set(userId: string, status: ChosenStatus, text: string | undefined): Promise<KnownPresence> {
      // One that takes the user off must not pass this one by.
      await flushing
      const local = localOf(userId)
      local.setting++
      const instanceId = instances.id
      let known: KnownPresence | undefined
      try {
        known = await sets.add({ type: 'set', userId, instanceId, status, text })
        return known
      } finally {
        local.setting--
        if (instances.id === instanceId) local.registered = known ? true : null
        // Whoever is gone by now has to be taken off again.
        dirty.add(userId)
        collect()
      }
    },

    stats: () => ({ users: locals.size, ...counts }),

    start: () => instances.start(),

    /** Takes this instance's users off at once; `tell` gets what that changes. */
    async close(tell: (changes: KnownPresence[]) => void) {
      closed = true
      clearTimeout(collecting)
      await instances.stop()
      await flushing
      await sets.idle()
      const instanceId = instances.id
      for (;;) {
        const userIds = await store.heldBy(instanceId, batch)
        if (userIds.length === 0) break
        await store.write(userIds.map((userId) => ({ type: 'off', userId, instanceId })))
        tell(await store.read(userIds))
      }
      await instances.leave()
    },
  }
}
