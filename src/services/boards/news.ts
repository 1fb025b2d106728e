import { channels } from '../../kernel/channels.ts'
import type { Bus, Emitter, Logger } from '../../kernel/ports.ts'
import type { BoardChange } from './live.ts'

/** How long changes of a board are collected before its members' sockets are told, in milliseconds. */
const collectMs = 200
/** Ids of a kind that one event names at most. */
const mostIds = 2_000
const topic = 'board.changed'

interface Gathered {
  cardIds: Set<string>
  noteIds: Set<string>
  columnIds: Set<string>
}

/**
 * Tells the sockets of a project's members, on every instance, what has changed on its board and by whom: at most five
 * times a second for each who changes it. A lost hint does no harm: who wants the board itself follows the document.
 */
export function createBoardNews(deps: {
  bus: Bus
  emitter: Emitter
  memberIds(projectId: string): Promise<string[]>
  logger: Logger
}) {
  const { bus, emitter, memberIds, logger } = deps
  /** By project, then by who did it. */
  const gathered = new Map<string, Map<string, Gathered>>()
  const timers = new Map<string, NodeJS.Timeout>()

  function flush(projectId: string) {
    timers.delete(projectId)
    const byActor = gathered.get(projectId)
    gathered.delete(projectId)
    for (const [by, { cardIds, noteIds, columnIds }] of byActor ?? []) {
      const payload = {
        projectId,
        cardIds: [...cardIds],
        noteIds: [...noteIds],
        columnIds: [...columnIds],
        by: by || null,
      }
      bus.announce(topic, `${projectId} ${JSON.stringify(payload)}`)
    }
  }

  bus.subscribe(topic, (message) => {
    const end = message.indexOf(' ')
    const projectId = message.slice(0, end)
    memberIds(projectId)
      .then((ids) => {
        let packet: string | undefined
        for (const userId of ids) {
          const channel = channels.boards(userId)
          if (!emitter.has(channel)) continue
          packet ??= emitter.encode('board:changed', JSON.parse(message.slice(end + 1)))
          emitter.emitEncoded(channel, packet)
        }
      })
      .catch((error) => logger.warn({ err: error, projectId }, 'could not tell of changes of a board'))
  })

  return {
    note(projectId: string, { by, touched }: BoardChange): void {
      if (touched.cards.size + touched.notes.size + touched.columns.size === 0) return
      let byActor = gathered.get(projectId)
      if (!byActor) {
        byActor = new Map()
        gathered.set(projectId, byActor)
      }
      const actor = by?.userId ?? ''
      let ids = byActor.get(actor)
      if (!ids) {
        ids = { cardIds: new Set(), noteIds: new Set(), columnIds: new Set() }
        byActor.set(actor, ids)
      }
      for (const id of touched.cards.keys()) if (ids.cardIds.size < mostIds) ids.cardIds.add(id)
      for (const id of touched.notes.keys()) if (ids.noteIds.size < mostIds) ids.noteIds.add(id)
      for (const id of touched.columns.keys()) if (ids.columnIds.size < mostIds) ids.columnIds.add(id)
      if (!timers.has(projectId)) timers.set(projectId, setTimeout(flush, collectMs, projectId))
    },
    /** Tells what was collected. */
    close() {
      for (const [projectId, timer] of [...timers]) {
        clearTimeout(timer)
        flush(projectId)
      }
    },
  }
}
