import { setTimeout as sleep } from 'node:timers/promises'
import type { mongo } from 'mongoose'
import { Permission } from '../../../models/Permission.ts'
import { mostRightsChanges, RightsState } from '../../../models/RightsState.ts'
import { RolePermission } from '../../../models/RolePermission.ts'
import type { Database } from '../../infra/mongo.ts'
import type { Bus, Logger } from '../../kernel/ports.ts'
import { isDuplicate } from '../shared/duplicates.ts'

/** Told whose rights changed; null: anybody's may have. */
export type RightsHandler = (userIds: ReadonlySet<string> | null) => void

export interface Rights {
  /** What roles permit together, as `action:resource`, by what is known now. */
  permitsOf(roleIds: readonly string[]): ReadonlySet<string>
  /** Goes up with each change of users' rights that this instance has noticed. */
  generation(): number
  /** Whether the database was asked within `trustMs`. */
  upToDate(): boolean
  trustMs: number
  /**
   * Notes within a transaction that the rights of these users change, or with null what roles permit. Call `tell` once it
   * has committed.
   */
  note(userIds: string[] | null, transaction: mongo.ClientSession): Promise<void>
  /** Looks at once, here and on every instance; here it is in force when this resolves. */
  tell(): Promise<void>
  /** Called after each change of users' rights, on whichever instance it was made, within a second. */
  onChanged(handler: RightsHandler): void
  start(): Promise<void>
  close(): Promise<void>
}

export interface RightsDeps {
  database: Database
  bus: Bus
  log: Logger
  /** How often the database is asked for changes, in milliseconds. */
  pollMs: number
}

const topic = 'rights.changed'
const stateId = 'rights'
/** Stands among the changes for what roles permit. */
const everybody = '*'
const trustMs = 1_000
/** Longest wait for a look under way at the end, in milliseconds. */
const closeMs = 2_000
/** Links of roles and permissions that are read; creation is bounded far below. */
const mostLinks = 100_000
const nothing: ReadonlySet<string> = new Set()

/**
 * Knows what roles permit, and notices every change of it and of who has which role: by a hint over the bus at once, and
 * by asking for the version again and again, so that it also holds while the bus is down or loses a message. The version
 * is raised in the transaction of the change, so whoever sees the one sees the other.
 */
export function createRights({ database, bus, log, pollMs }: RightsDeps): Rights {
  const states = database.collection(RightsState)
  const handlers: RightsHandler[] = []
  let table = new Map<string, ReadonlySet<string>>()
  /** Unions of the table by their roles; of as many combinations as people have. */
  let unions = new Map<string, ReadonlySet<string>>()
  const mostUnions = 1_000
  let seen = -1
  let generation = 0
  let polledAt = Number.NEGATIVE_INFINITY
  let timer: NodeJS.Timeout | undefined
  let looking: Promise<void> | undefined
  let nextLook: Promise<void> | undefined
  let closed = false

  async function readTable() {
    const [links, permissions] = await Promise.all([
      database.collection(RolePermission).find({}).limit(mostLinks).toArray(),
      database.collection(Permission).find({}).limit(mostLinks).toArray(),
    ])
    const keys = new Map(permissions.map(({ _id, action, resource }) => [_id, `${action}:${resource}`]))
    const next = new Map<string, Set<string>>()
    for (const { roleId, permissionId } of links) {
      const key = keys.get(permissionId)
      if (key === undefined) continue
      const permitted = next.get(roleId) ?? new Set()
      next.set(roleId, permitted.add(key))
    }
    table = next
    unions = new Map()
  }

  async function poll() {
    const startedAt = performance.now()
    const state = await states.findOne({ _id: stateId }, { maxTimeMS: 5_000 })
    const version = state?.version ?? 0
    if (version !== seen) {
      const missed = version - seen
      const changes = state?.changes ?? []
      // What is not known by name may be anything; so it is after a restore of the database, when versions go back.
      const named = seen >= 0 && missed > 0 && missed <= changes.length ? changes.slice(-missed) : null
      if (named === null || named.includes(everybody)) await readTable()
      seen = version
      const userIds = named && new Set(named.filter((userId) => userId !== everybody))
      if (userIds === null || userIds.size > 0) tellHandlers(userIds)
    }
    polledAt = startedAt
  }

  function tellHandlers(userIds: ReadonlySet<string> | null) {
    generation++
    for (const handler of handlers) {
      try {
        handler(userIds)
      } catch (error) {
        log.error({ err: error }, 'A handler of changed rights failed')
      }
    }
  }

  /** A look that begins after this call: one under way may have read too early. */
  function look(): Promise<void> {
    if (!looking) {
      looking = poll().finally(() => {
        looking = undefined
      })
      return looking
    }
    nextLook ??= looking
      .catch(() => {})
      .then(() => {
        nextLook = undefined
        return look()
      })
    return nextLook
  }

  function next() {
    if (closed) return
    timer = setTimeout(() => {
      look()
        .catch((error) => log.warn({ err: error }, 'Asking for changed rights failed; trying again'))
        .finally(next)
    }, pollMs)
    timer.unref()
  }

  bus.subscribe(topic, () => {
    if (closed) return
    look().catch((error) => log.warn({ err: error }, 'Asking for changed rights failed; trying again'))
  })

  return {
    permitsOf(roleIds) {
      if (roleIds.length === 0) return nothing
      if (roleIds.length === 1) return table.get(roleIds[0]!) ?? nothing
      const key = roleIds.join(' ')
      let union = unions.get(key)
      if (!union) {
        union = new Set(roleIds.flatMap((roleId) => [...(table.get(roleId) ?? nothing)]))
        if (unions.size >= mostUnions) unions.clear()
        unions.set(key, union)
      }
      return union
    },
    generation: () => generation,
    upToDate: () => performance.now() - polledAt < trustMs + pollMs,
    trustMs,
    async note(userIds, session) {
      const changes = userIds ?? [everybody]
      if (changes.length === 0) return
      await states.updateOne(
        { _id: stateId },
        {
          $inc: { version: changes.length },
          $push: { changes: { $each: changes.slice(-mostRightsChanges), $slice: -mostRightsChanges } },
        } as never,
        { session, upsert: true },
      )
    },
    async tell() {
      bus.publish(topic, '')
      try {
        await look()
      } catch (error) {
        // It is stored, and the next look is due soon.
        log.warn({ err: error }, 'Asking for changed rights failed; trying again')
      }
    },
    onChanged: (handler) => void handlers.push(handler),
    async start() {
      // So that two first changes at once don't race to make it.
      await states
        .updateOne({ _id: stateId }, { $setOnInsert: { version: 0, changes: [] } }, { upsert: true })
        .catch((error) => {
          if (!isDuplicate(error)) throw error
        })
      await look()
      next()
    },
    async close() {
      closed = true
      clearTimeout(timer)
      // A look into a database that is away could take half a minute.
      await Promise.race([looking, sleep(closeMs, undefined, { ref: false })])
    },
  }
}
