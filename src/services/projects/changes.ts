import { setTimeout as sleep } from 'node:timers/promises'
import type { mongo } from 'mongoose'
import { ProjectChange } from '../../../models/ProjectChange.ts'
import type { Database } from '../../infra/mongo.ts'
import type { Bus, Logger } from '../../kernel/ports.ts'

/** `userId` names whose rights changed; null: anybody's may have. */
export type ProjectListener = (projectId: string, userId: string | null) => void

const topic = 'project'
/** How far a poll looks back beyond the last: a write's time is taken before its transaction ends, in milliseconds. */
const overlapMs = 5_000
/** How many changes are kept in mind as told, the oldest forgotten first. */
const mostTold = 20_000
/** Longest wait for a look under way at the end, in milliseconds. */
const closeMs = 2_000

/**
 * Tells every instance who may do what no more, or from now on: by the bus at once, and by asking the database again
 * and again, so that it also holds while the bus is down or loses a message.
 */
export function createProjectChanges(deps: { database: Database; bus: Bus; logger: Logger; pollMs?: number }) {
  const { database, bus, logger, pollMs = 500 } = deps
  const changes = database.collection(ProjectChange)
  const listeners: ProjectListener[] = []
  /** The newest rev of each project that was told here. */
  const told = new Map<string, number>()
  let polledAt = performance.now()
  let timer: NodeJS.Timeout | undefined
  let polling: Promise<void> | undefined
  let closed = false

  function tell(projectId: string, rev: number, userId: string | null) {
    const before = told.get(projectId)
    if (before !== undefined && before >= rev) return
    // A rev that was left out could have been about anybody.
    const whose = (before ?? 0) + 1 === rev ? userId : null
    told.delete(projectId)
    told.set(projectId, rev)
    if (told.size > mostTold) told.delete(told.keys().next().value as string)
    for (const listener of listeners) {
      try {
        listener(projectId, whose)
      } catch (error) {
        logger.error({ err: error, projectId }, 'a listener to changes of projects failed')
      }
    }
  }

  bus.subscribe(topic, (message) => {
    const [projectId, rev, userId] = message.split(' ')
    if (projectId && rev) tell(projectId, Number(rev), userId || null)
  })
  bus.onReconnect(() => void look())

  async function poll() {
    const startedAt = performance.now()
    const lookBack = Math.ceil(Math.min(startedAt - polledAt, 24 * 3600_000) + overlapMs)
    const found = await database.find(
      ProjectChange,
      { $expr: { $gt: ['$changedAt', { $subtract: ['$$NOW', lookBack] }] } },
      { projection: { rev: 1 }, maxTimeMS: 5_000 },
    )
    for (const { _id, rev } of found) tell(_id, rev, null)
    polledAt = startedAt
  }

  /** One look at a time; who asks during one waits for it. */
  function look(): Promise<void> {
    polling ??= poll()
      .catch((error) => logger.warn({ err: error }, 'asking for changes of projects failed; trying again'))
      .finally(() => {
        polling = undefined
      })
    return polling
  }

  function next() {
    if (closed) return
    timer = setTimeout(() => void look().finally(next), pollMs)
    timer.unref()
  }

  return {
    onChanged: (listener: ProjectListener): void => void listeners.push(listener),

    /**
     * Runs a change of who may do what in a project: changes of one project take turns, and all instances are told
     * before it resolves. `work` can throw to change nothing.
     */
    async run<T>(
      projectId: string,
      userId: string | null,
      work: (session: mongo.ClientSession) => Promise<T>,
      { isEnd = false } = {},
    ): Promise<T> {
      const { result, rev } = await database.transaction(async (session) => {
        // First, so that another change under way makes this one wait before it looks at anything.
        const turn = await changes.findOneAndUpdate(
          { _id: projectId },
          { $inc: { rev: 1 }, $currentDate: { changedAt: true, ...(isEnd && { goneAt: true }) } } as never,
          { upsert: true, returnDocument: 'after', session, projection: { rev: 1 } },
        )
        return { result: await work(session), rev: turn!.rev }
      })
      bus.announce(topic, `${projectId} ${rev} ${userId ?? ''}`)
      return result
    },

    start() {
      polledAt = performance.now()
      next()
    },
    async close() {
      closed = true
      clearTimeout(timer)
      // A look into a database that is away could take half a minute.
      await Promise.race([polling, sleep(closeMs, undefined, { ref: false })])
    },
  }
}

export type ProjectChanges = ReturnType<typeof createProjectChanges>
