import { type BoardHistory, type Final, STORED } from './history.ts'

/**
 * The anomalies:
 * - lostSeen: another client saw an edit, and what MongoDB holds has it no more.
 * - lost: an edit of a client that was still there at the end is not in what MongoDB holds.
 * - unseen: an edit that MongoDB holds is missing in a client's document at the end.
 * - diverged: a client's document, its state vector or its content, is another than what MongoDB holds.
 * - invented: a document holds, or a client saw, an edit that nobody made, or that was made on another board.
 * - unread: nobody could read a board at the end, or a client's document was not looked at.
 * - stuck: a client did not come to rest, with everything up.
 * - refused: a client was turned away for good, though its rights were never touched.
 */
export const BOARD_KINDS = ['lostSeen', 'lost', 'unseen', 'diverged', 'invented', 'unread', 'stuck', 'refused'] as const
export type BoardKind = (typeof BOARD_KINDS)[number]

export interface BoardVerdict {
  counts: Record<BoardKind, number>
  total: number
  /** The first few of each kind. */
  examples: { kind: BoardKind; detail: string }[]
}

const MAX_EXAMPLES = 8

/** Counts the anomalies in what was written down of boards. Pure: reads the history, changes nothing. */
export function checkBoards(history: BoardHistory): BoardVerdict {
  const counts = Object.fromEntries(BOARD_KINDS.map((kind) => [kind, 0])) as Record<BoardKind, number>
  const verdict: BoardVerdict = { counts, total: 0, examples: [] }
  const report = (kind: BoardKind, detail: string) => {
    counts[kind]++
    verdict.total++
    if (counts[kind] <= MAX_EXAMPLES) verdict.examples.push({ kind, detail })
  }
  const boards = new Set([...history.edits, ...history.finals].map(({ board }) => board))
  for (const board of boards) checkBoard(board, history, report)
  for (const { kind, client, detail } of history.notices) report(kind, `${client}: ${detail}`)
  return verdict
}

function checkBoard(board: string, history: BoardHistory, report: (kind: BoardKind, detail: string) => void) {
  const of = <T extends { board: string }>(items: T[]) => items.filter((item) => item.board === board)
  const edits = of(history.edits)
  const sightings = of(history.sightings)
  const finals = of(history.finals)
  const made = new Set(edits.map(({ id }) => id))

  for (const { edit, client } of sightings) if (!made.has(edit)) report('invented', `${client} saw ${edit} on ${board}`)
  for (const { reader, edits: held } of finals) {
    for (const id of held) if (!made.has(id)) report('invented', `${reader} holds ${id} on ${board}`)
  }
  const read = new Set(finals.map(({ reader }) => reader))
  for (const client of new Set(edits.map((edit) => edit.client))) {
    if (!read.has(client)) report('unread', `what ${client} held of ${board} in the end`)
  }
  const stored = finals.find(({ reader }) => reader === STORED)
  if (!stored) return report('unread', `what MongoDB holds of ${board}`)
  const held = new Set(stored.edits)
  const seen = new Map<string, string>()
  for (const { edit, client } of sightings) if (!seen.has(edit)) seen.set(edit, client)
  for (const { id, client } of edits) {
    if (held.has(id)) continue
    const witness = seen.get(id)
    if (witness !== undefined) report('lostSeen', `${id} of ${client} on ${board}, which ${witness} saw`)
    else report('lost', `${id} of ${client} on ${board}`)
  }
  for (const final of finals) if (final !== stored) compare(final, stored, report)
}

function compare(final: Final, stored: Final, report: (kind: BoardKind, detail: string) => void) {
  const { reader, board } = final
  const held = new Set(final.edits)
  for (const id of stored.edits) if (!held.has(id)) report('unseen', `${id} on ${board} by ${reader}`)
  if (final.stateVector !== stored.stateVector) report('diverged', `the state vector of ${reader} on ${board}`)
  if (final.content !== stored.content) report('diverged', `the content of ${reader} on ${board}`)
}
