import { openBoard } from 'phantom-power/client/boards'

const projectId = process.env.PHANTOM_PROJECT ?? ''
const url = process.env.PHANTOM_URL ?? 'http://127.0.0.1:3000'
const board = await openBoard(projectId, { url, token: process.env.PHANTOM_TOKEN })
board.on('state', ({ state, reason }) => console.log(state, reason?.message ?? ''))

/** Moves a card to Done once all of its checklist is. */
function finish(cardId: string) {
  const card = board.card(cardId)
  const done = board.columns().find(({ id, title }) => id === 'done' || title === 'Done')
  if (!card || !done || card.columnId === done.id || card.checklist.length === 0) return
  if (card.checklist.every((item) => item.done)) board.moveCard(cardId, { columnId: done.id, index: 0 })
}

for (const { id } of board.cards()) finish(id)
// Not within the change itself: this is an edit of its own.
board.onCards((cardIds) => queueMicrotask(() => cardIds.forEach(finish)))
