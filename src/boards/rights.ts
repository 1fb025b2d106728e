import { Project } from '../../models/Project.ts'
import { UserProject } from '../../models/UserProject.ts'
import type { Database } from '../infra/mongo.ts'
import type { Logger } from '../kernel/ports.ts'
import type { Access, BoardAccess } from './types.ts'

export interface RightsDeps {
  database: Database
  access: BoardAccess
  logger: Logger
  /** Who is at which board here, as userIds by projectId. */
  present(): Map<string, Set<string>>
  apply(projectId: string, userId: string, access: Access): void
  everyMs?: number
}

/** Projects that one query asks for. */
const projectsAtOnce = 1_000

/**
 * Watches the rights of those who are at boards: by the service's hints at once, and by looking at what rights derive
 * from again and again, in one query for all, so that a lost hint is made good within a second too. Only where
 * something has changed is the service asked what it means.
 */
export function createRights({ database, access, logger, present, apply, everyMs = 400 }: RightsDeps) {
  /** What rights derived from when they were last asked for, by project and user. */
  let known = new Map<string, string>()
  let timer: NodeJS.Timeout | undefined
  let looking: Promise<void> | null = null
  let closed = false

  async function ask(projectId: string, userId: string) {
    apply(projectId, userId, await access.accessOf(userId, projectId))
  }

  async function look() {
    const held = present()
    const seen = new Map<string, string>()
    const ids = [...held.keys()]
    for (let index = 0; index < ids.length; index += projectsAtOnce) {
      const some = ids.slice(index, index + projectsAtOnce)
      const userIds = [...new Set(some.flatMap((id) => [...held.get(id)!]))]
      const rows = await readRows(database, some, userIds)
      const texts = new Map(
        rows.map((row) => [row['userId'] ? `${row['projectId']} ${row['userId']}` : row['_id'], JSON.stringify(row)]),
      )
      for (const projectId of some) {
        for (const userId of held.get(projectId)!) {
          const key = `${projectId} ${userId}`
          seen.set(key, `${texts.get(projectId)} ${texts.get(key)}`)
        }
      }
    }
    const changed = [...seen].filter(([key, text]) => known.get(key) !== text)
    // Asked for before it is known: one that fails is asked for again.
    await Promise.all(
      changed.map(async ([key]) => {
        const [projectId, userId] = key.split(' ') as [string, string]
        try {
          await ask(projectId, userId)
        } catch (error) {
          seen.delete(key)
          logger.warn({ err: error, projectId }, 'rights at a board could not be asked for; trying again')
        }
      }),
    )
    known = seen
  }

  function next() {
    if (closed) return
    timer = setTimeout(() => {
      looking = look()
        .catch((error) => logger.warn({ err: error }, 'looking at rights at boards failed; trying again'))
        .finally(next)
    }, everyMs)
    timer.unref()
  }

  access.onChanged((projectId, changedId) => {
    for (const userId of present().get(projectId) ?? []) {
      if (changedId !== null && changedId !== userId) continue
      ask(projectId, userId).catch((error) =>
        logger.warn({ err: error, projectId }, 'rights at a board could not be asked for; the next look does'),
      )
    }
  })

  return {
    start: next,
    async close() {
      closed = true
      clearTimeout(timer)
      await looking
    },
  }
}

/** What rights at these projects derive from, in one round trip: the projects, and who of these users is in them. */
function readRows(database: Database, projectIds: string[], userIds: string[]) {
  const pipeline = [
    { $match: { _id: { $in: projectIds } } },
    { $project: { title: 0, description: 0 } },
    {
      $unionWith: {
        coll: UserProject.spec.collection,
        pipeline: [{ $match: { projectId: { $in: projectIds }, userId: { $in: userIds } } }],
      },
    },
  ]
  return database.aggregate(Project, pipeline, { maxTimeMS: 5_000 }) as Promise<Record<string, string>[]>
}
