/**
 * What the boards' part of a fault run writes down, and all that its checker reads: plain data. Every edit leaves a mark
 * of its own in the document, in the same transaction, which nobody ever takes away: so whether a document holds an
 * edit can be told, whatever later ones have done to the cards.
 */

/** A random edit that a client made to its own document. */
export interface Edit {
  id: string
  board: string
  client: string
}

/** The first time that a client got an edit of another's. */
export interface Sighting {
  edit: string
  board: string
  client: string
}

/** A document as it is when everything has come to rest. */
export interface Final {
  board: string
  /** A client of the run, or `stored`: a new client after all instances had died, so that MongoDB alone can tell it. */
  reader: string
  /** The encoded state vector, in hexadecimal digits. */
  stateVector: string
  /** The content as JSON, with its keys in order. */
  content: string
  /** The marks of edits in it. */
  edits: string[]
}

export interface Notice {
  client: string
  kind: 'stuck' | 'refused'
  detail: string
}

export interface BoardHistory {
  edits: Edit[]
  sightings: Sighting[]
  finals: Final[]
  notices: Notice[]
}

export const createBoardHistory = (): BoardHistory => ({ edits: [], sightings: [], finals: [], notices: [] })

/** The reader of what MongoDB holds. */
export const STORED = 'stored'
