import { z } from 'zod'

const id = z.string().describe('A key of the document; any text')
const order = z.string().describe('Lists sort by this and the id')
const textOrNull = z.string().nullable()

const CheckItem = z.object({ id, text: z.string(), done: z.boolean(), order })

export const BoardCard = z
  .object({
    id,
    columnId: z.string(),
    order,
    title: z.string(),
    description: z.string().describe('As plain text'),
    assignees: z.array(z.string()).describe('Ids of users'),
    labels: z.array(z.string()),
    dueAt: textOrNull,
    checklist: z.array(CheckItem),
    audioFileId: textOrNull,
    createdBy: textOrNull,
    createdAt: textOrNull,
  })
  .meta({ id: 'BoardCard', title: 'BoardCard' })
export type BoardCard = z.infer<typeof BoardCard>

const Column = z.object({ id, title: z.string(), order, cards: z.array(BoardCard) })
export type BoardColumn = z.infer<typeof Column>

const Note = z.object({ id, title: z.string(), order, body: z.string().describe('As plain text') })
export type BoardNote = z.infer<typeof Note>

const content = {
  title: z.string(),
  columns: z.array(Column),
  unplaced: z.array(BoardCard).describe('Cards whose column is gone'),
  notes: z.array(Note),
}

/** What a board holds, without its place in the document's history. */
export const BoardContent = z.object(content).meta({ id: 'BoardContent', title: 'BoardContent' })
export type BoardContent = z.infer<typeof BoardContent>

/** A board as JSON, made from its shared document. */
export const BoardPicture = z
  .object({ ...content, stateVector: z.string().describe('Of the Yjs document that this is a picture of, in base64') })
  .meta({ id: 'Board', title: 'Board' })
export type BoardPicture = z.infer<typeof BoardPicture>
