import fc from 'fast-check'
import type { Operation } from '../../src/boards/content/operations.ts'

const columnId = fc.constantFrom('todo', 'doing', 'done', 'extra')
const cardId = fc.constantFrom('a', 'b', 'c', 'd', 'e')
const noteId = fc.constantFrom('n', 'm')
const title = fc.constantFrom('Bass', 'Drums', 'Mix')
const text = fc.constantFrom('', 'one', 'one\ntwo', '\n', 'one\n\ntwo\n')
const labels = fc.subarray(['x', 'y', 'z'])
const items = fc.array(
  fc.record(
    { id: fc.constantFrom('i', 'j', 'k'), text: title, done: fc.boolean() },
    { requiredKeys: ['text', 'done'] },
  ),
  { maxLength: 3 },
)
const place = (id: fc.Arbitrary<string>) =>
  fc.oneof(
    { weight: 3, arbitrary: fc.constant({}) },
    fc.record({ index: fc.nat(5) }),
    fc.record({ beforeId: id }),
    fc.record({ afterId: id }),
  )
const op = <T extends object>(name: string, fields: fc.Arbitrary<T>, at: fc.Arbitrary<object> = fc.constant({})) =>
  fc.tuple(fields, at).map(([own, where]) => ({ op: name, ...own, ...where }))
const card = { title, description: text, labels, checklist: items }

/** Any operation on a small board, also one that is not possible. */
export const randomOperation = fc.oneof(
  op('column.add', fc.record({ columnId, title }), place(columnId)),
  op('column.update', fc.record({ columnId, title }), place(columnId)),
  op('column.remove', fc.record({ columnId, moveCardsTo: columnId }, { requiredKeys: ['columnId'] })),
  {
    weight: 6,
    arbitrary: op(
      'card.add',
      fc.record({ cardId, columnId, ...card }, { requiredKeys: ['columnId', 'title'] }),
      place(cardId),
    ),
  },
  { weight: 3, arbitrary: op('card.update', fc.record({ cardId, ...card }, { requiredKeys: ['cardId'] })) },
  op(
    'card.update',
    fc.record({
      cardId,
      check: fc.array(fc.record({ itemId: fc.constantFrom('i', 'j', 'k'), done: fc.boolean() }), { maxLength: 2 }),
    }),
  ),
  {
    weight: 4,
    arbitrary: op('card.move', fc.record({ cardId, columnId }, { requiredKeys: ['cardId'] }), place(cardId)),
  },
  op('card.remove', fc.record({ cardId })),
  op('note.add', fc.record({ noteId, title, body: text }), place(noteId)),
  op('note.update', fc.record({ noteId, body: text }), place(noteId)),
  op('note.remove', fc.record({ noteId })),
) as fc.Arbitrary<Operation>
