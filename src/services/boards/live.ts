import type * as Y from 'yjs'

/** What happened to a card, note or column within a change. */
export interface Touch {
  action: 'add' | 'update' | 'remove'
  /** Paths that changed, such as `columnId` or `checklist/{itemId}/done`. */
  keys: ReadonlySet<string>
  /** Texts, numbers and truth values that were there before, by such a path; of a removed thing its own. */
  old: Record<string, unknown>
}

export interface BoardChange {
  by: { userId: string } | null
  touched: { cards: Map<string, Touch>; notes: Map<string, Touch>; columns: Map<string, Touch> }
}

/** The live documents of boards, as this service needs them; `src/boards` has them. */
export interface LiveBoards {
  /** Reads the committed document, which `read` must not change. */
  read<T>(projectId: string, read: (doc: Y.Doc) => T): Promise<T>
  /** Changes the document by `change`, all or nothing; resolves once that is stored. `update` is null for no change. */
  transact<T>(
    projectId: string,
    by: { userId: string; name?: string },
    change: (doc: Y.Doc) => T,
  ): Promise<{ result: T; update: Uint8Array | null }>
  /** What this instance has stored; `doc` is to be read within the call alone. */
  onCommitted(listener: (commit: { projectId: string; changes: BoardChange[]; doc: Y.Doc }) => void): void
  /** Deletes the document of a project that is gone. */
  remove(projectId: string): Promise<void>
}
