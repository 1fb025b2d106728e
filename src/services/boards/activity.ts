import type * as Y from 'yjs'
import {
  type BoardAct,
  BoardActivity,
  type BoardActivityDoc,
  type BoardActivityWire,
} from '../../../models/BoardActivity.ts'
import { cardsOf, columnsOf, isDoneColumn, mapOf, notesOf, textOf } from '../../boards/content/shape.ts'
import type { Database } from '../../infra/mongo.ts'
import type { Actor } from '../../kernel/actor.ts'
import { newId } from '../../kernel/ids.ts'
import type { Page, PageRequest } from '../../kernel/page.ts'
import type { Logger } from '../../kernel/ports.ts'
import { pageById } from '../shared/pages.ts'
import type { Gate } from './gate.ts'
import type { BoardChange, Touch } from './live.ts'

/** How many acts wait to be stored at most; what comes while that many wait is left out. */
const mostWaiting = 10_000
const batch = 1_000

type Act = Pick<BoardActivityDoc, 'act' | 'subjectId' | 'title' | 'fromColumnId' | 'toColumnId'>

/** Who did what on boards, kept from what was committed. */
export function createBoardActivity({ database, gate, logger }: { database: Database; gate: Gate; logger: Logger }) {
  const activities = database.collection(BoardActivity)
  const waiting: BoardActivityDoc[] = []
  let dropped = 0
  let storing: Promise<void> | null = null

  async function store() {
    while (waiting.length > 0) {
      const taken = waiting.splice(0, batch)
      try {
        await activities.insertMany(taken as never, { ordered: false })
      } catch (error) {
        logger.warn({ err: error, acts: taken.length }, 'acts on boards could not be stored')
      }
      if (dropped > 0) logger.warn({ acts: dropped }, 'too many acts on boards at once; some are left out')
      dropped = 0
    }
  }

  return {
    /** Takes note of a change that was just committed to the document. */
    note(projectId: string, { by, touched }: BoardChange, doc: Y.Doc): void {
      const at = new Date()
      const add = (act: Act) => {
        if (waiting.length >= mostWaiting) dropped++
        else waiting.push({ _id: newId(), projectId, userId: by?.userId ?? null, ...act, createdAt: at } as never)
      }
      for (const [id, touch] of touched.columns) noteThing('column', id, touch, columnsOf(doc), add)
      for (const [id, touch] of touched.notes) noteThing('note', id, touch, notesOf(doc), add)
      for (const [id, touch] of touched.cards) noteCard(id, touch, doc, add)
      if (waiting.length > 0) {
        storing ??= store().finally(() => {
          storing = null
        })
      }
    },

    /** A page of what was done on a board, newest first. */
    async list(actor: Actor, projectId: string, { limit, cursor }: PageRequest): Promise<Page<BoardActivityWire>> {
      await gate.reader(actor, projectId)
      return pageById(activities, { projectId }, { limit, cursor }, (activity) => BoardActivity.toWire(activity))
    },

    async close() {
      await storing
    },
  }
}

function noteThing(kind: 'column' | 'note', id: string, touch: Touch, map: Y.Map<unknown>, add: (act: Act) => void) {
  const now = mapOf(map, id)
  const acts = { add: 'added', remove: 'removed', update: 'renamed' } as const
  if (touch.action === 'update' && !touch.keys.has('title')) return
  const title = touch.action === 'remove' ? touch.old['title'] : now && textOf(now, 'title')
  add({ act: `${kind}.${acts[touch.action]}`, subjectId: id, title: shortText(title) })
}

function noteCard(id: string, { action, keys, old }: Touch, doc: Y.Doc, add: (act: Act) => void) {
  const card = mapOf(cardsOf(doc), id)
  const from = typeof old['columnId'] === 'string' ? old['columnId'] : undefined
  if (action === 'remove') {
    add({ act: 'card.removed', subjectId: id, title: shortText(old['title']), ...(from && { fromColumnId: from }) })
    return
  }
  // Removed again by a later change of the same commit, which is told by itself.
  if (!card) return
  const subject = { subjectId: id, title: shortText(textOf(card, 'title')) }
  const to = textOf(card, 'columnId')
  if (action === 'add') {
    add({ act: 'card.added', ...subject, toColumnId: to })
    return
  }
  if (keys.has('title')) add({ act: 'card.renamed', ...subject })
  if (keys.has('columnId') && from !== to) {
    const isFinished = isDoneColumn(doc, to) && !(from !== undefined && isDoneColumn(doc, from))
    const act: BoardAct = isFinished ? 'card.finished' : 'card.moved'
    add({ act, ...subject, ...(from !== undefined && { fromColumnId: from }), toColumnId: to })
  }
}

const shortText = (value: unknown): string => (typeof value === 'string' ? value.slice(0, 500) : '')
