import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import type { Actor } from '../kernel/actor.ts'
import { toAppError } from '../kernel/errors.ts'
import { Allowance } from './allowance.ts'
import type { Board } from './board.ts'
import { GapWatch } from './gap-watch.ts'
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
  readonly #allowance: Allowance
  /** From when an update has lacked something. */
  #gaps: GapWatch | null = null
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
    this.#allowance = new Allowance(ground.limits)
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
    const awareness = board.awareness.frame()
    if (awareness) this.write([awareness])
    this.ws.on('message', (data, isBinary) => this.#hear(data as Buffer, isBinary))
    this.ws.on('pong', (data) => {
      this.heardAt = Date.now()
      this.#gaps?.hears(data)
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

  /** An update builds on what the board lacks. */
  lacks(missing: Map<number, number>): void {
    if (this.state.type !== 'live') return
    const { board } = this.state
    this.#gaps ??= new GapWatch(this, board, this.#ground.limits.resyncMs, () => this.#askForSync(board))
    this.#gaps.lacks(missing, this.#owed > 0)
  }

  /** The client has told all that it has. */
  hasSynced(clockOf: (client: number) => number): void {
    this.#gaps?.hasSynced(clockOf)
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
    this.#gaps?.stop()
    if (state.type === 'live') {
      state.board.connections.delete(this)
      state.board.usedAt = Date.now()
      state.board.awareness.leave(this)
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
        board.awareness.receive(this, message.entries)
        return
      case 'queryAwareness': {
        const frame = board.awareness.frame()
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
    const wait = this.#allowance.take(bytes)
    if (wait <= 0) return
    this.#pause()
    const timer = setTimeout(() => this.#resume(), Math.min(wait, 10_000))
    timer.unref()
  }
}
