import type { BoardConnection } from './connection.ts'

interface Sent {
  frame: Buffer
  /** Who wrote it, and does not get it back. */
  writer: BoardConnection | null
}

/** What goes to the sockets of a board: frames are gathered for a turn of the event loop, and each socket gets one write. */
export class BoardOutbox {
  readonly #connections: ReadonlySet<BoardConnection>
  readonly #last: () => Buffer | null
  #sent: Sent[] = []
  #isSending = false

  /** `last` is asked at each sending for a frame that goes behind the others, to all. */
  constructor(connections: ReadonlySet<BoardConnection>, last: () => Buffer | null) {
    this.#connections = connections
    this.#last = last
  }

  get isEmpty(): boolean {
    return this.#sent.length === 0
  }

  /** Queues a frame for all but its writer. */
  send(frame: Buffer, writer: BoardConnection | null): void {
    this.#sent.push({ frame, writer })
    this.wake()
  }

  /** Sends what there is once this turn of the event loop is over. */
  wake(): void {
    if (this.#isSending) return
    this.#isSending = true
    setImmediate(() => {
      this.#isSending = false
      this.#flush()
    })
  }

  #flush() {
    const sent = this.#sent
    this.#sent = []
    const last = this.#last()
    if (last) sent.push({ frame: last, writer: null })
    if (sent.length === 0 || this.#connections.size === 0) return
    const all = sent.length === 1 ? sent[0]!.frame : Buffer.concat(sent.map(({ frame }) => frame))
    const own = new Map<BoardConnection, [from: number, to: number][]>()
    let at = 0
    for (const { frame, writer } of sent) {
      if (writer) {
        const ranges = own.get(writer)
        if (ranges) ranges.push([at, at + frame.length])
        else own.set(writer, [[at, at + frame.length]])
      }
      at += frame.length
    }
    for (const connection of this.#connections) {
      const ranges = own.get(connection)
      connection.write(ranges ? around(all, ranges) : [all])
    }
  }
}

/** What is left of the bytes without these ranges. */
function around(all: Buffer, ranges: [from: number, to: number][]): Buffer[] {
  const rest: Buffer[] = []
  let at = 0
  for (const [from, to] of ranges) {
    if (from > at) rest.push(all.subarray(at, from))
    at = to
  }
  if (at < all.length) rest.push(all.subarray(at))
  return rest
}
