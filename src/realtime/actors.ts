import type { Server } from 'socket.io'
import type { Actor } from '../kernel/actor.ts'
import { toAppError } from '../kernel/errors.ts'
import type { Logger } from '../kernel/ports.ts'
import type { LiveSocket } from './audience.ts'

export interface ActorRenewal {
  /** Gives the sockets of these users, or all with null, who they are now. */
  renew(userIds: ReadonlySet<string> | null): void
  close(): void
}

export interface ActorRenewalDeps {
  io: Server
  /** Who a session makes its bearer now. Throws `unauthenticated` where it has ended. */
  actor(sessionId: string): Promise<Actor>
  logger: Logger
}

/** Sessions asked for at once. */
const atOnce = 50
const retryMs = 500

/** Keeps what connected sockets may do in step with their users' roles. What a role permits follows by itself. */
export function createActorRenewal({ io, actor, logger }: ActorRenewalDeps): ActorRenewal {
  /** Sockets to be renewed; as many as are connected, at most. */
  const due = new Set<LiveSocket>()
  let running = 0
  let timer: NodeJS.Timeout | undefined
  let closed = false

  async function work() {
    running++
    try {
      for (const socket of due) {
        due.delete(socket)
        if (closed || !socket.connected) continue
        try {
          const renewed = await actor(socket.data.actor.sessionId)
          // Changed again meanwhile: it is due again, and the later look counts.
          if (!due.has(socket)) socket.data.actor = renewed
        } catch (cause) {
          // A session that has ended ends its sockets by itself.
          if (toAppError(cause).code === 'unauthenticated') continue
          due.add(socket)
          throw cause
        }
      }
    } catch (error) {
      logger.warn({ err: error, waiting: due.size }, 'Rights of sockets could not be renewed; trying again')
      if (!closed) {
        clearTimeout(timer)
        timer = setTimeout(spread, retryMs)
        timer.unref()
      }
    } finally {
      running--
    }
  }

  function spread() {
    while (running < Math.min(atOnce, due.size)) void work()
  }

  return {
    renew(userIds) {
      for (const raw of io.of('/').sockets.values()) {
        const socket = raw as LiveSocket
        if (userIds === null || userIds.has(socket.data.actor.userId)) due.add(socket)
      }
      spread()
    },
    close() {
      closed = true
      clearTimeout(timer)
      due.clear()
    },
  }
}
