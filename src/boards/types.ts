import type * as Y from 'yjs'

/** What a user may do with a project's board. */
export type Access = 'write' | 'read' | 'none' | 'missing'

/** Who may see and change which board. */
export interface BoardAccess {
  /** `missing` for an unknown project, `none` for one that the user may not see. */
  accessOf(userId: string, projectId: string): Promise<Access>
  /** Something that access derives from has changed; without a user, for all of the project. A hint: it may be lost. */
  onChanged(listener: (projectId: string, userId: string | null) => void): void
}

/** The codes that connections are closed with; stock clients stop on 44xx and try again on all others. */
export const closeCodes = {
  broken: 4400,
  unauthenticated: 4401,
  forbidden: 4403,
  missing: 4404,
  tooLarge: 4413,
  failed: 4500,
  unavailable: 4503,
} as const
export type CloseCode = (typeof closeCodes)[keyof typeof closeCodes]

/** What a client sent that can't be what a Yjs client sends. */
export class BrokenFrame extends Error {}

/** A board that lacks what is stored: it is to be read on first. */
export class Incomplete extends Error {}

/** More than a board may hold. */
export class TooLarge extends Error {}

/** What happened to an entry of `cards`, `notes` or `columns` within a commit. */
export interface Touch {
  action: 'add' | 'update' | 'remove'
  /** What has changed in it, as paths such as `columnId`, `checklist/{itemId}/done` or `description`. */
  keys: Set<string>
  /** Texts, numbers and truth values that were there before, by such a path; of a removed entry its own. */
  old: Record<string, unknown>
}

export interface Touched {
  cards: Map<string, Touch>
  notes: Map<string, Touch>
  columns: Map<string, Touch>
}

/** Who changed a board: a user, or nobody where the server did. */
export interface Author {
  userId: string
  name?: string
}

/** One change that has been stored. */
export interface Change {
  update: Uint8Array
  by: Author | null
  touched: Touched
}

/** What was stored at once for a board by this instance. */
export interface Commit {
  projectId: string
  changes: Change[]
  /** The committed document: to be read, within the call alone. */
  doc: Y.Doc
}
