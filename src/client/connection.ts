import { io, type Socket } from 'socket.io-client'
import { Emitter } from './emitter.ts'
import { isTransient, PhantomError, parseError, toPhantomError } from './errors.ts'
import type { ClientEvents, Ready } from './protocol.ts'
import { type Backoff, backoffDelay, Gate } from './waiting.ts'

/** Gives the access token for the next handshake; `renew` asks for a fresh one, the last having been refused. */
export type TokenSource = (options: { renew: boolean }) => string | Promise<string>

export interface ConnectionOptions {
  url: string
  token: TokenSource
  /** Whether asking again can give another token. */
  renewable: boolean
  backoff: Backoff
  /** Milliseconds from the start of an attempt to the server's `ready`. */
  attemptTimeoutMs: number
  transports: ('websocket' | 'polling')[]
  /** Most calls that may wait for their ack at a time. */
  maxPending: number
}

interface ConnectionEvents {
  attempt: undefined
  ready: Ready
  emission: { event: string; payload: unknown }
  /** Not connected any more, or not yet; another attempt follows after `delayMs`. */
  down: { reason: PhantomError; delayMs: number }
  /** No further attempt will be made. */
  fatal: PhantomError
}

/** After this long a connection counts as good, and the next failure starts again with short delays. */
const stableMs = 5_000

/** One socket, kept connected: attempts with jitter for ever, until closed or refused for good. */
export class Connection {
  readonly events = new Emitter<ConnectionEvents>()
  /** Open from `ready` to the disconnect. */
  readonly up = new Gate()
  readonly #options: ConnectionOptions
  readonly #socket: Socket
  #attempts = 0
  #generation = 0
  #token = ''
  #renew = false
  #readyAt = 0
  #closed = false
  /** Between a failure and the next attempt. */
  #waiting = false
  #pending = 0
  #retryTimer: ReturnType<typeof setTimeout> | undefined
  #attemptTimer: ReturnType<typeof setTimeout> | undefined

  constructor(options: ConnectionOptions) {
    this.#options = options
    this.#socket = io(options.url, {
      autoConnect: false,
      reconnection: false,
      forceNew: true,
      transports: options.transports,
      timeout: options.attemptTimeoutMs,
      auth: (give) => give({ token: this.#token }),
    })
    this.#socket.on('connect_error', (error) => this.#refused(error))
    this.#socket.on('disconnect', (reason) => this.#down(new PhantomError('disconnected', `disconnected: ${reason}`)))
    this.#socket.onAny((event: string, payload: unknown) => this.#receive(event, payload))
  }

  /** Starts the first attempt. */
  open(): void {
    globalThis.addEventListener?.('online', this.#hurry)
    void this.#attempt()
  }

  /** Ends for good; calls that wait are rejected. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#generation += 1
    clearTimeout(this.#retryTimer)
    clearTimeout(this.#attemptTimer)
    globalThis.removeEventListener?.('online', this.#hurry)
    this.up.shut()
    this.#socket.disconnect()
  }

  /**
   * Emits an event and resolves with its ack's data. Rejects with the ack's error, `timeout` after `timeoutMs`, or
   * `disconnected` where the answer was lost (the server may have done the thing) or there is no connection.
   */
  call<E extends keyof ClientEvents>(
    event: E,
    payload: ClientEvents[E]['payload'],
    timeoutMs: number,
  ): Promise<ClientEvents[E]['data']> {
    if (!this.up.isOpen) return Promise.reject(new PhantomError('disconnected', 'not connected'))
    if (this.#pending >= this.#options.maxPending) {
      return Promise.reject(new PhantomError('queue_full', `${this.#pending} calls wait for their answer already`))
    }
    this.#pending += 1
    return new Promise((resolve, reject) => {
      const started = this.#generation
      this.#socket.timeout(timeoutMs).emit(event, payload, (error: Error | null, ack: unknown) => {
        this.#pending -= 1
        if (error) {
          const lost = started !== this.#generation || !this.up.isOpen
          if (lost) reject(new PhantomError('disconnected', `${event}: the connection was lost before the answer`))
          else reject(new PhantomError('timeout', `${event}: no answer within ${timeoutMs} ms`))
          return
        }
        const answer = ack as { ok?: unknown; data?: ClientEvents[E]['data']; error?: unknown } | null
        if (answer?.ok === true) resolve(answer.data as ClientEvents[E]['data'])
        else reject(parseError(answer?.error, 'internal'))
      })
    })
  }

  async #attempt(): Promise<void> {
    const generation = ++this.#generation
    this.#waiting = false
    this.events.emit('attempt', undefined)
    const expire = () => {
      this.#down(new PhantomError('timeout', `not ready within ${this.#options.attemptTimeoutMs} ms`))
    }
    clearTimeout(this.#attemptTimer)
    this.#attemptTimer = setTimeout(expire, this.#options.attemptTimeoutMs)
    try {
      const token = await this.#options.token({ renew: this.#renew })
      if (generation !== this.#generation || this.#closed) return
      this.#token = token
    } catch (error) {
      if (generation !== this.#generation || this.#closed) return
      const reason = toPhantomError(error, 'unavailable')
      if (isTransient(reason) || reason.code === 'internal') this.#down(reason)
      else this.#fail(reason)
      return
    }
    this.#socket.connect()
  }

  #receive(event: string, payload: unknown): void {
    if (this.#closed) return
    if (event === 'session:revoked') {
      this.events.emit('emission', { event, payload })
      this.#fail(new PhantomError('unauthenticated', 'the session was revoked'))
      return
    }
    if (event !== 'ready') {
      this.events.emit('emission', { event, payload })
      return
    }
    clearTimeout(this.#attemptTimer)
    this.#renew = false
    this.#readyAt = Date.now()
    this.up.open()
    this.events.emit('ready', payload as Ready)
  }

  #refused(error: Error & { data?: unknown }): void {
    const reason = parseError(error.data ?? { message: error.message }, 'unavailable')
    if (reason.code !== 'unauthenticated' && reason.code !== 'forbidden') {
      this.#down(reason)
    } else if (!this.#options.renewable || this.#renew) {
      this.#fail(reason)
    } else if (!this.#closed) {
      // Once, and at once: the token lapsed while nobody looked.
      this.#renew = true
      void this.#attempt()
    }
  }

  #down(reason: PhantomError): void {
    // Disconnecting a live socket calls back here.
    if (this.#closed || this.#waiting) return
    this.#waiting = true
    this.#generation += 1
    clearTimeout(this.#attemptTimer)
    if (this.up.isOpen && Date.now() - this.#readyAt >= stableMs) this.#attempts = 0
    this.up.shut()
    if (this.#socket.active) this.#socket.disconnect()
    // Beyond what the server asks for, or all that it turned away would come back at the same moment.
    const delayMs = backoffDelay(this.#attempts, this.#options.backoff) + (reason.retryAfterMs ?? 0)
    this.#attempts += 1
    this.#retryTimer = setTimeout(() => void this.#attempt(), delayMs)
    this.events.emit('down', { reason, delayMs })
  }

  #fail(reason: PhantomError): void {
    this.close()
    this.events.emit('fatal', reason)
  }

  /** The browser's network came back: no use in waiting out the delay. */
  readonly #hurry = (): void => {
    if (this.#closed || !this.#waiting) return
    clearTimeout(this.#retryTimer)
    void this.#attempt()
  }
}
