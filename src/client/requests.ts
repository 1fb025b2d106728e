import type { RequestOptions } from './api.ts'
import { type LogKey, refOf } from './changes.ts'
import type { Connection } from './connection.ts'
import { PhantomError, toPhantomError } from './errors.ts'
import type { Settings } from './options.ts'
import type { ClientEvents, SyncedLog } from './protocol.ts'
import { abortable, backoffDelay, sleep } from './waiting.ts'

export interface RequestsOptions {
  /** Aborted when the client closes. */
  over: AbortSignal
  closedError: () => PhantomError
  onTrouble: (error: PhantomError) => void
}

/** Calls to the server that wait for a connection where there is none. */
export class Requests {
  readonly #connection: Connection
  readonly #settings: Settings
  readonly #options: RequestsOptions

  constructor(connection: Connection, settings: Settings, options: RequestsOptions) {
    this.#connection = connection
    this.#settings = settings
    this.#options = options
  }

  /** One try over the present connection. */
  call<E extends keyof ClientEvents>(event: E, payload: ClientEvents[E]['payload']): Promise<ClientEvents[E]['data']> {
    return this.#connection.call(event, payload, this.#settings.requestTimeoutMs)
  }

  /** One try, once connected. `timeoutMs` holds for the wait and for the answer, each. */
  async request<E extends keyof ClientEvents>(
    event: E,
    payload: ClientEvents[E]['payload'],
    { timeoutMs = this.#settings.requestTimeoutMs, signal }: RequestOptions,
  ): Promise<ClientEvents[E]['data']> {
    await this.#whenUp(event, timeoutMs, signal)
    return abortable(this.#connection.call(event, payload, timeoutMs), signal)
  }

  /** One page of one log, for a consumer that lags; tried until the client closes. */
  async fetchLog(log: LogKey, rev: number): Promise<SyncedLog | undefined> {
    for (let attempt = 0; ; attempt += 1) {
      await this.#connection.up.wait(this.#options.over)
      if (this.#options.over.aborted) throw this.#options.closedError()
      try {
        const { logs } = await this.call('log:sync', { logs: [{ ...refOf(log), rev }], limit: 200 })
        return logs[0]
      } catch (error) {
        const reason = toPhantomError(error, 'internal')
        if (reason.code !== 'disconnected') this.#options.onTrouble(reason)
        const delay = (reason.retryAfterMs ?? 0) + backoffDelay(attempt, this.#settings.backoff)
        await sleep(delay, this.#options.over)
      }
    }
  }

  async #whenUp(event: string, timeoutMs: number, signal: AbortSignal | undefined): Promise<void> {
    const { up } = this.#connection
    if (!up.isOpen && !this.#options.over.aborted) {
      await up.wait(AbortSignal.any([this.#options.over, AbortSignal.timeout(timeoutMs), ...(signal ? [signal] : [])]))
    }
    signal?.throwIfAborted()
    if (this.#options.over.aborted) throw this.#options.closedError()
    if (!up.isOpen) throw new PhantomError('timeout', `${event}: not connected within ${timeoutMs} ms`)
  }
}
