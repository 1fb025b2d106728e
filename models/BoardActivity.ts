import { z } from 'zod'
import { defineEntity, type Stored, type Wire } from '../src/kernel/entity.ts'
import { f } from '../src/kernel/fields.ts'

const keptSeconds = 180 * 24 * 3600

export const boardActs = [
  'card.added',
  'card.moved',
  'card.finished',
  'card.renamed',
  'card.removed',
  'column.added',
  'column.renamed',
  'column.removed',
  'note.added',
  'note.renamed',
  'note.removed',
] as const
export type BoardAct = (typeof boardActs)[number]

export const BoardActivity = defineEntity('BoardActivity', {
  description: 'What somebody did on a project’s board; kept for 180 days',
  collection: 'boardactivities',
  fields: {
    id: f.id(),
    projectId: f.ref('Project', 'cascade'),
    /** null: the server did. */
    userId: f.ref('User', 'keep').nullable(),
    act: z.enum(boardActs),
    /** The card, column or note, by its key in the document. */
    subjectId: z.string(),
    /** What it was called then. */
    title: z.string(),
    /** Of a card: the columns that it went from and to. */
    fromColumnId: z.string().optional(),
    toColumnId: z.string().optional(),
    createdAt: f.time(),
  },
  indexes: [
    { keys: { projectId: 1, _id: -1 }, serves: 'the activity on a board, newest first' },
    { keys: { createdAt: 1 }, options: { expireAfterSeconds: keptSeconds }, serves: 'forgetting what was long ago' },
  ],
})
export type BoardActivityDoc = Stored<typeof BoardActivity>
export type BoardActivityWire = Wire<typeof BoardActivity>
