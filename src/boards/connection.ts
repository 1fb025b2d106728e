import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import type { Actor } from '../kernel/actor.ts'
import { toAppError } from '../kernel/errors.ts'
import type { Board } from './board.ts'
import { type ClientMessage, frames, readMessage } from './protocol.ts'
import { type Access, BrokenFrame, type CloseCode, closeCodes, TooLarge } from './types.ts'

/** Where a connection stands. Only a live one is listened to. */
export type ConnectionState =
  | { type: 'arriving' }
  | { type: 'live'; actor: Actor; access: 'read' | 'write'; board: Board }
  | { type: 'closed'; code: number }

export interface ConnectionLimits {
  /** Messages and bytes a second, and how many may come at once; a faster client is read more slowly. */
  messages: number
  messageBurst: number
  bytes: number
  byteBurst: number
  /** Bytes that may wait for a client that does not read. */
  bufferedBytes: number
  /** How long a client may take to bring what its updates build on, in milliseconds. */
  resyncMs: number
  enabled: boolean
}

export const standardLimits: ConnectionLimits = {
  messages: 200,
  messageBurst: 1_000,
  bytes: 1024 * 1024,
  byteBurst: 32 * 1024 * 1024,
  bufferedBytes: 16 * 1024 * 1024,
  resyncMs: 5_000,
  enabled: true,
}

/** Updates without their predecessors that are forgiven a client which owes nothing, and one that is yet to answer. */
const mostGaps = 3
const mostEarly = 5_000
/** What the ping behind a question carries. */
const gapPing = 'gap'
/** A timer that is later than this tells that this process stood still, and nothing of a client; in milliseconds. */
const stillMs = 1_000
/** Updates larger than this are tried in a worker first. */
const largeBytes = 64 * 1024

export interface ConnectionGround {
  limits: ConnectionLimits
  /** Tries a large update elsewhere; throws as `BoardDocument.accept` does. */
  prove(board: Board, update: Uint8Array): Promise<void>
  gone(connection: BoardConnection): void
  onSlow(): void
}

/** A socket at a board. */
export class BoardConnection {
  state: ConnectionState = { type: 'arriving' }
  user = { id: '', name: '' }
  /** The client id that it may speak for in the awareness. */
  clientId: number | null = null
  sessionId: string | null = null
  heardAt = Date.now()
  readonly ws: WebSocket
  readonly #socket: Duplex
  readonly #ground: ConnectionGround
  #messages: number
  #bytes: number
  #refilledAt = performance.now()
  /** What it is to bring; `isHeard` once it has answered a ping that went behind the question. */
  #gap: { missing: Map<number, number>; isHeard: boolean } | null = null
  #gapTimer: NodeJS.Timeout | undefined
  #gaps = 0
  #early = 0
  #isBlamed = false
  /** Sync steps that the client owes us. */
  #owed = 0
  /** What came in behind an update that is still being tried. */
  #held: Buffer[] | null = null
  /** Reasons for which nothing is read. */
  #pauses = 0

  constructor(ws: WebSocket, socket: Duplex, ground: ConnectionGround) {
    this.ws = ws
    this.#socket = socket
    this.#ground = ground
    this.#messages = ground.limits.messageBurst
    this.#bytes = ground.limits.byteBurst
    // Nothing is read before it is known who speaks.
    ws.pause()
    ws.on('error', () => {})
    ws.on('close', () => this.#left())
  }

  get canWrite(): boolean {
    return this.state.type === 'live' && this.state.access === 'write'
  }

  get isClosed(): boolean {
    return this.state.type === 'closed'
  }

  /** Comes in at a board that is at rest: greets, and begins to listen. */
  enter(board: Board, actor: Actor, access: 'read' | 'write'): void {
    if (this.state.type !== 'arriving') return
    this.state = { type: 'live', actor, access, board }
    board.connections.add(this)
    this.#askForSync(board)
    const awareness = board.awarenessFrame()
    if (awareness) this.write([awareness])
    this.ws.on('message', (data, isBinary) => this.#hear(data as Buffer, isBinary))
    this.ws.on('pong', (data) => {
      this.heardAt = Date.now()
      if (!this.#gap || this.#gap.isHeard || data.toString() !== gapPing) return
      this.#gap.isHeard = true
      this.#waitForGap()
    })
    this.ws.resume()
  }

  /** Rights have changed. */
  setAccess(access: Access): void {
    if (this.state.type !== 'live') return
    if (access === 'missing') this.end(closeCodes.missing, 'the project is gone')
    else if (access === 'none') this.end(closeCodes.forbidden, 'access was taken away')
    else this.state.access = access
  }

  /** Writes whole frames as one, unless too much waits for this client already. */
  write(chunks: readonly Buffer[]): void {
    if (this.state.type !== 'live' || this.ws.readyState !== this.ws.OPEN) return
    const socket = this.#socket
    if (socket.writableLength > this.#ground.limits.bufferedBytes) {
      this.#ground.onSlow()
      this.end(closeCodes.unavailable, 'it does not read')
      // A goodbye would wait behind all that was not read.
      this.ws.terminate()
      return
    }
    if (chunks.length === 1) {
      socket.write(chunks[0]!)
      return
    }
    socket.cork()
    for (const chunk of chunks) socket.write(chunk)
    socket.uncork()
  }

  /** An update builds on what the board lacks: asks for it, a few times. */
  lacks(missing: Map<number, number>): void {
    if (this.state.type !== 'live') return
    // Who comes in may have been writing for a while before it learns what is missing here.
    const isEarly = this.#owed > 0
    if (this.#isBlamed) return
    if (isEarly ? ++this.#early > mostEarly : ++this.#gaps > mostGaps) {
      if (this.#gap) this.#gap.missing = missing
      else this.#gap = { missing, isHeard: true }
      this.#blame()
      return
    }
    const { board } = this.state
    if (!isEarly) board.atRest(() => this.#askForSync(board))
    if (this.#gap) this.#gap.missing = missing
    else {
      this.#gap = { missing, isHeard: false }
      this.#waitForGap()
      board.atRest(() => {
        if (this.state.type === 'live') this.ws.ping(gapPing)
      })
    }
  }

  /**
   * Ends who does not bring what is missing: as broken where it has heard the question, else so that it comes again, as
   * it may be the network that is slow.
   */
  #waitForGap() {
    const { resyncMs } = this.#ground.limits
    const gap = this.#gap
    if (!gap) return
    clearTimeout(this.#gapTimer)
    const due = performance.now() + resyncMs
    this.#gapTimer = setTimeout(() => {
      if (performance.now() - due > stillMs) this.#waitForGap()
      else if (gap.isHeard) this.#blame()
      else this.end(closeCodes.unavailable, 'it does not answer')
    }, resyncMs)
    this.#gapTimer.unref()
  }

  /**
   * Ends who did not bring what is missing. What another instance has stored may be on its way here, and its clients have
   * seen it: such a one is to come again, and only what is stored nowhere is the client's own fault.
   */
  #blame() {
    if (this.state.type !== 'live' || this.#isBlamed) return
    const { board } = this.state
    const missing = this.#gap?.missing ?? new Map<number, number>()
    this.#isBlamed = true
    this.#pause()
    clearTimeout(this.#gapTimer)
    void board.catchUp().then((isRead) => {
      const lacks = [...missing].some(([client, clock]) => board.document.clockOf(client) <= clock)
      // Others' edits, which it can only have got from a board, are to be had again by coming again.
      const isOwn = this.clientId === null || missing.has(this.clientId)
      if (isRead && lacks && isOwn) this.end(closeCodes.broken, 'updates without their predecessors')
      else this.end(closeCodes.unavailable, 'the board was behind')
    })
  }

  /** The client has told all that it has: what was missing must be there now. */
  hasSynced(clockOf: (client: number) => number): void {
    if (!this.#gap) return
    for (const [client, clock] of this.#gap.missing) {
      if (clockOf(client) <= clock) {
        this.#blame()
        return
      }
    }
    clearTimeout(this.#gapTimer)
    this.#gap = null
    this.#gaps = 0
    this.#early = 0
  }

  /** Reads nothing more: what it sends from here on stays with it, for the instance that it goes to. */
  hush(): void {
    if (this.state.type === 'live') this.#pause()
  }

  /** Closes it, once; clients learn why from the code. */
  end(code: CloseCode, reason: string): void {
    if (this.state.type === 'closed') return
    this.#leave(code)
    this.ws.resume()
    this.ws.close(code, reason)
    // Who does not answer is not waited for.
    const timer = setTimeout(() => this.ws.terminate(), 3_000)
    timer.unref()
    this.ws.once('close', () => clearTimeout(timer))
  }

  #left() {
    if (this.state.type !== 'closed') this.#leave(1006)
  }

  #leave(code: number) {
    const { state } = this
    this.state = { type: 'closed', code }
    clearTimeout(this.#gapTimer)
    this.#gap = null
    if (state.type === 'live') {
      state.board.connections.delete(this)
      state.board.usedAt = Date.now()
      if (state.board.hasAwareness) {
        state.board.awareness.leave(this)
        state.board.spreadAwareness()
      }
    }
    this.#ground.gone(this)
  }

  #askForSync(board: Board) {
    this.#owed++
    this.write([frames.step1(board.document.stateVector())])
  }

  #hear(data: Buffer, isBinary: boolean) {
    if (this.state.type !== 'live') return
    this.heardAt = Date.now()
    this.#charge(data.length)
    // A paused socket still gives what was read with the last chunk.
    if (this.#held && isBinary) this.#held.push(data)
    else this.#take(data, isBinary)
  }

  #take(data: Buffer, isBinary: boolean) {
    if (this.state.type !== 'live') return
    try {
      if (!isBinary) throw new BrokenFrame('text')
      this.#handle(readMessage(data), this.state.board)
    } catch (error) {
      this.#refuse(error)
    }
  }

  #refuse(error: unknown) {
    if (error instanceof BrokenFrame) this.end(closeCodes.broken, error.message)
    else if (error instanceof TooLarge) this.end(closeCodes.tooLarge, error.message)
    else if (toAppError(error).code === 'unavailable') this.end(closeCodes.unavailable, 'it could not be tried')
    else if (this.state.type === 'live') this.state.board.fail(error)
  }

  #handle(message: ClientMessage, board: Board) {
    switch (message.type) {
      case 'step1': {
        const { stateVector, isEmpty } = message
        const answer = () => {
          if (this.state.type !== 'live') return
          try {
            const { document } = board
            this.write([frames.step2(isEmpty ? document.encode() : document.diff(stateVector))])
          } catch (error) {
            board.fail(error)
          }
        }
        // The whole of what is committed can be sent at any time, where it is at hand.
        if (isEmpty && board.document.isEncoded) answer()
        else board.atRest(answer)
        return
      }
      case 'step2':
        this.#owed = Math.max(0, this.#owed - 1)
        this.#submit(board, message.update, true)
        return
      case 'update':
        this.#submit(board, message.update, false)
        return
      case 'awareness':
        board.awareness.receive(this, message.entries, Date.now())
        board.spreadAwareness()
        return
      case 'queryAwareness': {
        const frame = board.awarenessFrame()
        if (frame) this.write([frame])
      }
    }
  }

  #submit(board: Board, update: Uint8Array, isStep2: boolean) {
    // A viewer's are ignored.
    if (!this.canWrite) return
    if (update.length <= largeBytes) {
      board.submit(this, update, isStep2)
      return
    }
    // What comes behind it must wait.
    this.#held = []
    this.#pause()
    const proven = new Promise<void>((resolve, reject) => {
      board.atRest(() => this.#ground.prove(board, update).then(resolve, reject))
    })
    proven
      .then(
        () => board.submit(this, update, isStep2),
        (error) => this.#refuse(error),
      )
      .finally(() => this.#unhold())
  }

  /** Takes what has waited, up to the next update that is to be tried. */
  #unhold() {
    const held = this.#held ?? []
    this.#held = null
    while (held.length > 0 && !this.#held) this.#take(held.shift()!, true)
    if (this.#held) (this.#held as Buffer[]).push(...held)
    this.#resume()
  }

  #pause() {
    this.#pauses++
    this.ws.pause()
  }

  #resume() {
    if (--this.#pauses === 0 && this.state.type === 'live') this.ws.resume()
  }

  /** Takes what a message costs; who has nothing left is not read for a while. */
  #charge(bytes: number) {
    const { limits } = this.#ground
    if (!limits.enabled) return
    const now = performance.now()
    const seconds = (now - this.#refilledAt) / 1000
    this.#refilledAt = now
    this.#messages = Math.min(limits.messageBurst, this.#messages + seconds * limits.messages) - 1
    this.#bytes = Math.min(limits.byteBurst, this.#bytes + seconds * limits.bytes) - bytes
    const wait = Math.max(-this.#messages / limits.messages, -this.#bytes / limits.bytes) * 1000
    if (wait <= 0) return
    this.#pause()
    const timer = setTimeout(() => this.#resume(), Math.min(wait, 10_000))
    timer.unref()
  }
}
