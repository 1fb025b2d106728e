import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'
import { BoardDocument } from './board-document.ts'
import { Emitter } from './emitter.ts'
import { type ErrorCode, PhantomError, toPhantomError } from './errors.ts'
import { type ConnectOptions, resolveOptions, type Settings } from './options.ts'
import { backoffDelay } from './waiting.ts'

export { type BoardCardView, BoardDocument, type CardPlace, type ChecklistItem } from './board-document.ts'

export type BoardState = 'connecting' | 'live' | 'offline' | 'closed'

export interface BoardEvents {
  /** `reason` with a `closed` that was not asked for. */
  state: { state: BoardState; reason?: PhantomError }
}

/** What the server means by the codes on which coming back is of no use. */
const codes: Record<number, [code: ErrorCode, message: string]> = {
  4400: ['invalid', 'the server could not read what this client sent'],
  4401: ['unauthenticated', 'the token is refused, or the session has ended'],
  4403: ['forbidden', 'no access to this board'],
  4404: ['not_found', 'no such project'],
  4413: ['too_large', 'more than a board may hold'],
}

/** The WebSocket of browsers and newer Node versions; older ones get it from `ws`. */
async function webSocket(): Promise<typeof WebSocket> {
  if (typeof globalThis.WebSocket === 'function') return globalThis.WebSocket
  // Under a name that bundlers for browsers don't follow.
  const name = 'ws'
  return (await import(/* @vite-ignore */ name)).WebSocket
}

/** Opens a board without a socket to the server; see `PhantomClient.openBoard`. Throws `invalid` for unusable options. */
export function openBoard(projectId: string, options: ConnectOptions): Promise<Board> {
  return Board.open(projectId, resolveOptions(options))
}

/**
 * A project's board, in sync with everybody who has it open. Edits made while it is offline are kept and sent later. It
 * reconnects by itself, with a new token where there can be one, until `close` or a refusal that waiting can't mend.
 */
export class Board extends BoardDocument {
  readonly provider: WebsocketProvider
  readonly #events = new Emitter<BoardEvents>()
  readonly #settings: Settings
  #state: BoardState = 'connecting'
  #error: PhantomError | null = null
  #attempts = 0
  #renew = false
  #timer: ReturnType<typeof setTimeout> | undefined

  private constructor(projectId: string, settings: Settings, polyfill: typeof WebSocket) {
    super(new Y.Doc())
    this.#settings = settings
    const url = new URL('/boards', settings.url).href.replace(/^http/, 'ws')
    this.provider = new WebsocketProvider(url, projectId, this.doc, {
      connect: false,
      disableBc: true,
      WebSocketPolyfill: polyfill,
      // Always by `#again`: each attempt asks for its token.
      shouldReconnect: () => false,
    })
    this.provider.on('sync', (isSynced: boolean) => {
      if (!isSynced) return
      this.#attempts = 0
      this.#renew = false
      this.#setState('live')
    })
    this.provider.on('closed', ({ code }) => this.#lost(code))
  }

  /** Resolves once the board is in sync; rejects with a PhantomError where it can't be opened. */
  static async open(projectId: string, settings: Settings, signal?: AbortSignal): Promise<Board> {
    const board = new Board(projectId, settings, await webSocket())
    signal?.addEventListener('abort', () => board.close(), { once: true })
    if (signal?.aborted) board.close()
    else void board.#attempt()
    return new Promise((resolve, reject) => {
      const settle = (state: BoardState) => {
        if (state !== 'live' && state !== 'closed') return
        stop()
        if (state === 'live') resolve(board)
        else reject(board.#error ?? new PhantomError('closed', 'the board is closed'))
      }
      const stop = board.on('state', ({ state }) => settle(state))
      settle(board.state)
    })
  }

  get state(): BoardState {
    return this.#state
  }

  /** Why the board closed by itself; null while it has not. */
  get error(): PhantomError | null {
    return this.#error
  }

  on<E extends keyof BoardEvents>(event: E, handler: (payload: BoardEvents[E]) => void): () => void {
    return this.#events.on(event, handler)
  }

  /** Closes for good. What was edited in this turn is sent before. */
  close(): void {
    this.#end(null)
  }

  async #attempt(): Promise<void> {
    try {
      const token = await this.#settings.token({ renew: this.#renew })
      if (this.#state === 'closed') return
      this.provider.protocols = ['phantom-power', `bearer.${token}`]
      this.#setState('connecting')
      this.provider.connect()
    } catch (error) {
      const reason = toPhantomError(error, 'unavailable')
      if (reason.code === 'unauthenticated') this.#end(reason)
      else this.#again()
    }
  }

  #lost(code: number): void {
    if (this.#state === 'closed') return
    const refusal = codes[code]
    // A token may lapse while we are away: once, another is asked for.
    const isRenewed = code === 4401 && this.#settings.renewable && !this.#renew
    if (refusal && !isRenewed) {
      this.#end(new PhantomError(...refusal))
      return
    }
    this.#renew = isRenewed
    this.#again()
  }

  #again(): void {
    if (this.#state === 'closed') return
    this.#setState('offline')
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.#attempt(), backoffDelay(this.#attempts++, this.#settings.backoff))
  }

  #end(error: PhantomError | null): void {
    if (this.#state === 'closed') return
    this.#error = error
    clearTimeout(this.#timer)
    this.provider.destroy()
    this.provider.awareness.destroy()
    this.#setState('closed', error ?? undefined)
  }

  #setState(state: BoardState, reason?: PhantomError): void {
    if (this.#state === state || this.#state === 'closed') return
    this.#state = state
    this.#events.emit('state', { state, ...(reason && { reason }) })
  }
}
