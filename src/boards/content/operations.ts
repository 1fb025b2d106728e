import { z } from 'zod'
import { f } from '../../kernel/fields.ts'

/** A thing of the document, by its key; keys of stock clients can be any text. */
const ref = z.string().min(1).max(200)
/** A key for a new thing. */
const newKey = z
  .string()
  .regex(/^[\w-]{1,64}$/, 'must be 1 to 64 letters, digits, _ or -')
  .optional()
  .describe('Chosen by the client; without it the server makes one')

const title = f.name(500)
const text = f.text(0, 50_000).describe('Plain text, a paragraph for each line')
const label = f.name(60)
const assignees = z.array(f.ref('User')).max(50).describe('Members of the project')
const labels = z.array(label).max(50)
const dueAt = z.iso.datetime({ offset: true }).nullable()
const itemText = f.name(500)
const checklist = z
  .array(z.object({ id: newKey, text: itemText, done: z.boolean().default(false) }))
  .max(200)
  .describe('The whole list in its order: items with a known id are changed, others added, those left out removed')
const audioFileId = f.ref('AudioFile').nullable()

const position = {
  beforeId: ref.optional().describe('Before this one of the same list'),
  afterId: ref.optional().describe('Behind this one of the same list'),
  index: z.int().min(0).max(100_000).optional().describe('At this place among the others, from 0; else at the end'),
}
type Placing = { beforeId?: unknown; afterId?: unknown; index?: unknown }
const isOnePlace = ({ beforeId, afterId, index }: Placing) =>
  [beforeId, afterId, index].filter((each) => each !== undefined).length <= 1

const card = {
  description: text.optional(),
  assignees: assignees.optional(),
  labels: labels.optional(),
  dueAt: dueAt.optional(),
  checklist: checklist.optional(),
  audioFileId: audioFileId.optional(),
}

const op = <const N extends string, T extends z.ZodRawShape>(name: N, shape: T) =>
  z.strictObject({ op: z.literal(name), ...shape })

export const Operation = z
  .discriminatedUnion('op', [
    op('column.add', { columnId: newKey, title, ...position }),
    op('column.update', { columnId: ref, title: title.optional(), ...position }),
    op('column.remove', {
      columnId: ref,
      moveCardsTo: ref.optional().describe('The column that its cards go to; without it they are removed with it'),
    }),
    op('card.add', { cardId: newKey, columnId: ref, title, ...card, ...position }),
    op('card.update', {
      cardId: ref,
      title: title.optional(),
      ...card,
      check: z
        .array(z.object({ itemId: ref, done: z.boolean() }))
        .max(200)
        .optional()
        .describe('Ticks items of the checklist off, or on again, and leaves the others alone'),
    }),
    op('card.move', {
      cardId: ref,
      columnId: ref.optional().describe('Where to; else within its column'),
      ...position,
    }),
    op('card.remove', { cardId: ref }),
    op('note.add', { noteId: newKey, title, body: text.optional(), ...position }),
    op('note.update', { noteId: ref, title: title.optional(), body: text.optional(), ...position }),
    op('note.remove', { noteId: ref }),
  ])
  .refine((operation) => isOnePlace(operation as Placing), 'takes one of beforeId, afterId and index')
  .meta({ id: 'BoardOperation', title: 'BoardOperation' })
export type Operation = z.output<typeof Operation>

/** All of them happen, or none. */
export const Operations = z.array(Operation).min(1).max(200)

const ids = z.array(z.string())

export const Operated = z
  .object({
    ids: ids.describe('What each operation was about: the id of the column, card or note, also of a new one'),
    columnIds: ids.describe('All columns that changed, also by getting another order'),
    cardIds: ids,
    noteIds: ids,
  })
  .meta({ id: 'BoardOperated', title: 'BoardOperated' })
export type Operated = z.infer<typeof Operated>
