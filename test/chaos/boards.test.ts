import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BOARD_KINDS, type BoardKind, checkBoards } from '../../scripts/chaos/boards/checker.ts'
import { type BoardHistory, createBoardHistory, STORED } from '../../scripts/chaos/boards/history.ts'

const BOARDS = ['tracks', 'lyrics']
const CLIENTS = 3

/** A run as a right server makes it: everybody gets every edit of its board, and all documents are the same. */
function playRun(authors: number[]): BoardHistory {
  const history = createBoardHistory()
  for (const board of BOARDS) {
    const names = Array.from({ length: CLIENTS }, (_, index) => `${board}.${index}`)
    const ids: string[] = []
    authors.forEach((author, index) => {
      const client = names[author % CLIENTS]!
      const id = `${client}/${index}`
      ids.push(id)
      history.edits.push({ id, board, client })
      // Some are seen by some only: the others had them with the state that they came in with.
      for (const other of names) {
        if (other !== client && (author + index) % 3 > 0) history.sightings.push({ edit: id, board, client: other })
      }
    })
    for (const reader of [...names, STORED]) {
      history.finals.push({ board, reader, stateVector: `${authors.length}`, content: '{}', edits: [...ids] })
    }
  }
  return history
}

const runs = fc.array(fc.nat({ max: 30 }), { minLength: 6, maxLength: 60 })
const storedOf = (history: BoardHistory) => history.finals.find(({ reader }) => reader === STORED)!
const clientOf = (history: BoardHistory) => history.finals.find(({ reader }) => reader !== STORED)!

/** Takes an edit out of all documents of the first board, one that was seen by another or one that was not. */
function forget(history: BoardHistory, wasSeen: boolean): boolean {
  const { board } = storedOf(history)
  const seen = new Set(history.sightings.map(({ edit }) => edit))
  const edit = history.edits.find((each) => each.board === board && seen.has(each.id) === wasSeen)
  if (!edit) return false
  for (const final of history.finals) final.edits = final.edits.filter((id) => id !== edit.id)
  return true
}

const PLANTS: { kind: BoardKind; what: string; plant(history: BoardHistory): unknown }[] = [
  { kind: 'lostSeen', what: 'an edit that another client saw and MongoDB has not', plant: (run) => forget(run, true) },
  { kind: 'lost', what: 'an edit that nobody saw and MongoDB has not', plant: (run) => forget(run, false) },
  { kind: 'unseen', what: 'an edit that one client has not', plant: (run) => clientOf(run).edits.pop() },
  {
    kind: 'diverged',
    what: 'another state vector',
    plant: (run) => Object.assign(clientOf(run), { stateVector: 'other' }),
  },
  {
    kind: 'diverged',
    what: 'another content under the same state vector',
    plant: (run) => Object.assign(clientOf(run), { content: '{"cards":{}}' }),
  },
  { kind: 'invented', what: 'a stored edit of nobody', plant: (run) => storedOf(run).edits.push('nobody/1') },
  {
    kind: 'invented',
    what: 'an edit seen on another board than its own',
    plant: (run) => run.sightings.push({ ...run.sightings[0]!, board: BOARDS[1]! }),
  },
  {
    kind: 'unread',
    what: 'a board that nobody could read',
    plant: (run) => run.finals.splice(run.finals.indexOf(storedOf(run)), 1),
  },
  {
    kind: 'unread',
    what: 'a client that was not looked at',
    plant(run) {
      const { client } = run.edits[0]!
      run.finals = run.finals.filter(({ reader }) => reader !== client)
      return true
    },
  },
  {
    kind: 'stuck',
    what: 'a client that does not come to rest',
    plant: (run) => run.notices.push({ client: 'tracks.0', kind: 'stuck', detail: 'not synced' }),
  },
  {
    kind: 'refused',
    what: 'a client turned away',
    plant: (run) => run.notices.push({ client: 'tracks.0', kind: 'refused', detail: '4400' }),
  },
]

describe('Chaos: the checker of boards', () => {
  it('[CHAOS-10] finds nothing in runs as a right server makes them, and changes nothing in them', () => {
    fc.assert(
      fc.property(runs, (authors) => {
        const history = playRun(authors)
        const before = structuredClone(history)
        expect(checkBoards(history)).toMatchObject({ total: 0, examples: [] })
        expect(history).toEqual(before)
      }),
    )
  })

  for (const { kind, what, plant } of PLANTS)
    it(`[CHAOS-11] finds ${what} (${kind})`, () => {
      let planted = 0
      fc.assert(
        fc.property(runs, (authors) => {
          const history = playRun(authors)
          if (plant(history) === false) return
          planted++
          expect(checkBoards(history).counts[kind]).toBeGreaterThan(0)
        }),
      )
      expect(planted).toBeGreaterThan(3)
    })

  it('[CHAOS-12] has a planted fault for every kind of anomaly of boards', () => {
    expect(new Set(PLANTS.map(({ kind }) => kind))).toEqual(new Set(BOARD_KINDS))
  })
})
