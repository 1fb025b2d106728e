import { hasScope } from '../kernel/actor.ts'
import { AppError, invalid, toAppError, toWireError } from '../kernel/errors.ts'
import type { Ack, AnyEvent, SocketHandle } from '../kernel/event.ts'
import type { Logger } from '../kernel/ports.ts'
import type { Rate } from '../kernel/rate.ts'
import { issuesOf } from '../kernel/validate.ts'
import type { LiveSocket } from './audience.ts'

export interface DispatchDeps<S> {
  events: Map<string, AnyEvent<S>>
  services: S
  /** Throws `rate_limited`. */
  limit(name: string, rate: Rate, key: string): Promise<void>
  observe(event: string, code: string, seconds: number): void
  logger: Logger
  /** Checks acks against their declarations: for tests. */
  checkAcks: boolean
}

/** Events of one socket that may be under way at once. */
const maxInFlight = 1_000

/** The only way from a socket to a handler: look up, check scope, rate and payload, handle, ack once. */
export function createDispatch<S>(deps: DispatchDeps<S>) {
  const { events, services, logger } = deps

  async function run(socket: LiveSocket, name: string, payload: unknown): Promise<unknown> {
    const event = events.get(name)
    // Raw frames can name an event by a number.
    if (!event) throw invalid(`There is no event "${String(name).slice(0, 100)}"`)
    const { actor } = socket.data
    if (!hasScope(actor, event.scope)) {
      throw new AppError(
        'forbidden',
        event.scope ? `The token lacks the scope ${event.scope}` : 'This is for people only',
      )
    }
    if (socket.data.inFlight >= maxInFlight)
      throw new AppError('rate_limited', 'Too many events at once', { retryAfterMs: 100 })
    socket.data.inFlight++
    try {
      await deps.limit(event.name, event.rate, actor.userId)
      const parsed = event.payload.safeParse(payload ?? {})
      if (!parsed.success)
        throw new AppError('invalid', 'The payload is not as it should be', { details: issuesOf(parsed.error) })
      socket.data.handle ??= handleOf(socket)
      const data = await event.handle({ actor, services, socket: socket.data.handle }, parsed.data)
      if (deps.checkAcks) {
        const checked = event.ack.safeParse(data)
        if (!checked.success) throw new Error(`ack of ${name} is not as declared: ${checked.error.message}`)
      }
      return data
    } finally {
      socket.data.inFlight--
    }
  }

  return async (socket: LiveSocket, name: string, args: unknown[]): Promise<void> => {
    const last = args.at(-1)
    const reply = typeof last === 'function' ? (last as (ack: Ack<unknown>) => void) : undefined
    const payload = typeof args[0] === 'function' ? undefined : args[0]
    const started = performance.now()
    let answer: Ack<unknown>
    let code = 'ok'
    try {
      answer = { ok: true, data: (await run(socket, name, payload)) ?? null }
    } catch (cause) {
      const error = toAppError(cause)
      code = error.code
      if (code === 'internal') logger.error({ err: error.cause, event: name }, 'an event failed')
      else if (code === 'unavailable') logger.warn({ err: error.cause, event: name }, 'an event could not be served')
      answer = { ok: false, error: toWireError(error) }
    }
    deps.observe(events.has(name) ? name : 'unknown', code, (performance.now() - started) / 1_000)
    reply?.(answer)
  }
}

function handleOf(socket: LiveSocket): SocketHandle {
  return {
    id: socket.id,
    get connected() {
      return socket.connected
    },
    join: (rooms) => void socket.join(rooms),
    leave: (rooms) => {
      for (const room of rooms) void socket.leave(room)
    },
    emit: (event, payload) => void socket.emit(event, payload),
  }
}
