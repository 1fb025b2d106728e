import * as Y from 'yjs'
import { inspectUpdate } from './inspection.ts'
import { createTouched, watchTouched } from './touched.ts'
import { BrokenFrame, Incomplete, TooLarge, type Touched } from './types.ts'

/** What became of an update. */
export type Verdict =
  | { type: 'accepted'; touched: Touched }
  /** All of it was there already. */
  | { type: 'known' }
  /** It builds on what is not here. */
  | { type: 'gap'; missing: Map<number, number> }

/**
 * Updates since the last encoding are kept as they are up to this many, or as many bytes as the encoding has. Encoding
 * takes as long as the board is large, so that a large one has more of them.
 */
const leastTail = 128
const mostTail = 4_000
const bytesAPiece = 512
const leastTailBytes = 256 * 1024
/** A document that is built from more pieces than this is kept as one. */
const mostPieces = 16

/**
 * A board's state: what is committed as bytes (`base` and, newer, `tail`), and a Y.Doc only while there is need of one.
 * That document may be ahead by updates that were accepted and are being stored (`ahead`). A failure, of an update that
 * throws half way or of the store, costs nothing but the Y.Doc, which is built again from the bytes.
 */
export class BoardDocument {
  #base: Uint8Array
  #tail: Uint8Array[] = []
  #tailBytes = 0
  #ahead: Uint8Array[] = []
  #aheadBytes = 0
  #stateVector: Uint8Array | null
  #doc: Y.Doc | null = null
  #touched: Touched | null = null
  /** Whether the first transaction since it was reset has changed something. */
  #changed: boolean | null = null
  /** How much smaller the state is than the sum of its parts, when it was last encoded with something ahead. */
  #slack = 0
  readonly #maxBytes: number

  constructor(base: Uint8Array, tail: Uint8Array[], stateVector: Uint8Array | null, maxBytes: number) {
    this.#base = base
    this.#stateVector = tail.length === 0 ? stateVector : null
    this.#maxBytes = maxBytes
    for (const update of tail) this.#push(update)
  }

  /** Whether nothing is ahead of what is stored. */
  get isAtRest(): boolean {
    return this.#ahead.length === 0
  }

  /** Whether the committed state is at hand in one piece. */
  get isEncoded(): boolean {
    return this.#tail.length === 0
  }

  get hasDoc(): boolean {
    return this.#doc !== null
  }

  /** About the size of the state, in bytes; never less than it is. */
  get bytes(): number {
    return this.#base.length + this.#tailBytes + this.#aheadBytes - this.#slack
  }

  /** The committed parts, the oldest first. */
  parts(): Uint8Array[] {
    return [this.#base, ...this.#tail]
  }

  /** The Y.Doc, with what is ahead. Throws what Yjs throws where stored bytes can't be applied. */
  open(): Y.Doc {
    if (this.#doc) return this.#doc
    const doc = new Y.Doc()
    for (const update of this.parts()) Y.applyUpdate(doc, update)
    // Whoever breaks it again would have everybody wait for all these pieces again: one is applied in a tenth of the time.
    if (this.#tail.length > mostPieces) this.#fold(doc)
    for (const update of this.#ahead) Y.applyUpdate(doc, update)
    doc.on('afterTransaction', (transaction: Y.Transaction) => {
      this.#changed ??= hasChanged(transaction)
    })
    watchTouched(doc, () => {
      this.#touched ??= createTouched()
      return this.#touched
    })
    this.#doc = doc
    return doc
  }

  /** Takes an update in, ahead of being stored. Throws BrokenFrame, TooLarge or Incomplete, and is then as it was before. */
  accept(update: Uint8Array): Verdict {
    const doc = this.open()
    // Something stored has not come here yet, and what waits for it can't be told from what this update would leave.
    if (doc.store.pendingStructs || doc.store.pendingDs) throw new Incomplete('the board is being read')
    const { structs, missing } = inspectUpdate(update, (client) => Y.getState(doc.store, client))
    if (missing) return { type: 'gap', missing }
    // What only deletes is always let in: it is the way back below the limit.
    if (structs > 0) this.#checkSize(update.length)
    this.#reset()
    try {
      Y.applyUpdate(doc, update, 'remote')
      if (doc.store.pendingStructs || doc.store.pendingDs) throw new BrokenFrame('it builds on itself')
    } catch (error) {
      this.#doc = null
      if (error instanceof BrokenFrame) throw error
      throw new BrokenFrame('it can’t be applied', { cause: error })
    }
    if (!this.#changed) return { type: 'known' }
    this.#goAhead(update)
    return { type: 'accepted', touched: this.#touched ?? createTouched() }
  }

  /**
   * Runs a change on the document, ahead of being stored; its update is null where it changed nothing. What it throws
   * is thrown, and the document is then as it was before. Throws TooLarge.
   */
  change<T>(run: (doc: Y.Doc) => T): { result: T; update: Uint8Array | null; touched: Touched } {
    const doc = this.open()
    const updates: Uint8Array[] = []
    const collect = (update: Uint8Array) => void updates.push(update)
    this.#reset()
    doc.on('update', collect)
    try {
      const result = doc.transact(() => run(doc), 'change')
      const update = updates.length === 0 ? null : updates.length === 1 ? updates[0]! : Y.mergeUpdates(updates)
      if (update) {
        this.#checkSize(update.length)
        this.#goAhead(update)
      }
      return { result, update, touched: this.#touched ?? createTouched() }
    } catch (error) {
      if (updates.length > 0) this.#doc = null
      throw error
    } finally {
      doc.off('update', collect)
    }
  }

  /** What is ahead has been stored as these bytes. */
  commit(stored: Uint8Array[]): void {
    this.#ahead = []
    this.#aheadBytes = 0
    for (const update of stored) this.#push(update)
    this.#trim()
  }

  /** What is ahead could not be stored. */
  rollBack(): void {
    this.#ahead = []
    this.#aheadBytes = 0
    this.#doc = null
  }

  /** Applies what another instance has stored. False where it lacks something that must have been stored before. */
  applyStored(updates: Uint8Array[]): boolean {
    for (const update of updates) this.#push(update)
    const doc = this.#doc
    if (!doc) return true
    try {
      for (const update of updates) Y.applyUpdate(doc, update, 'stored')
    } catch {
      // Built again from the bytes where it is needed; should these not fit together, that is where it shows.
      this.#doc = null
      return false
    }
    this.#trim()
    return doc.store.pendingStructs === null && doc.store.pendingDs === null
  }

  /** The committed state as one update. Only where nothing is ahead, or it is encoded already. */
  encode(): Uint8Array {
    if (this.#tail.length === 0) return this.#base
    const doc = this.open()
    // Building it may have encoded it.
    if (this.#tail.length > 0) this.#fold(doc)
    return this.#base
  }

  /** The committed state vector. Only where nothing is ahead. */
  stateVector(): Uint8Array {
    this.#stateVector ??=
      this.#doc || this.#tail.length > 0 ? Y.encodeStateVector(this.open()) : Y.encodeStateVectorFromUpdate(this.#base)
    return this.#stateVector
  }

  /** What a document with this state vector lacks. Only where nothing is ahead. */
  diff(stateVector: Uint8Array): Uint8Array {
    if (!this.#doc && this.#tail.length === 0) return Y.diffUpdate(this.#base, stateVector)
    return Y.encodeStateAsUpdate(this.open(), stateVector)
  }

  /** The next clock of a client, with what is ahead. */
  clockOf(client: number): number {
    return Y.getState(this.open().store, client)
  }

  /** Lets the Y.Doc go where it is quickly built again. Only where nothing is ahead. */
  shrink(largestBytes: number): void {
    if (!this.#doc && this.#tail.length === 0) return
    if (this.encode().length <= largestBytes) this.#doc = null
  }

  /** The committed state becomes one piece: that of a document that holds nothing else. */
  #fold(doc: Y.Doc) {
    this.#base = Y.encodeStateAsUpdate(doc)
    this.#stateVector = Y.encodeStateVector(doc)
    this.#tail = []
    this.#tailBytes = 0
    this.#slack = 0
  }

  #reset() {
    this.#changed = null
    this.#touched = null
  }

  #goAhead(update: Uint8Array) {
    this.#ahead.push(update)
    this.#aheadBytes += update.length
  }

  #push(update: Uint8Array) {
    this.#tail.push(update)
    this.#tailBytes += update.length
    this.#stateVector = null
  }

  /** Many small pieces become one. */
  #trim() {
    if (!this.isAtRest || !this.#doc) return
    const { length } = this.#base
    const pieces = Math.min(mostTail, Math.max(leastTail, length / bytesAPiece))
    if (this.#tail.length > pieces || this.#tailBytes > Math.max(leastTailBytes, length)) this.encode()
  }

  #checkSize(added: number) {
    if (this.bytes + added <= this.#maxBytes) return
    const exact = Y.encodeStateAsUpdate(this.open()).length
    this.#slack += this.bytes - exact
    if (exact + added > this.#maxBytes) throw new TooLarge('the board is full')
  }
}

function hasChanged({ deleteSet, beforeState, afterState }: Y.Transaction): boolean {
  if (deleteSet.clients.size > 0) return true
  for (const [client, clock] of afterState) if (beforeState.get(client) !== clock) return true
  return false
}
