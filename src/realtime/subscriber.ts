import type { Audience, Bus, Logger } from '../kernel/ports.ts'
import type { Log } from '../log/log.ts'
import type { Memberships } from '../services/memberships.ts'
import { isConversation } from '../services/shared/conversation.ts'
import { presentRoom, type RoomLive } from '../services/shared/room-state.ts'

export interface SubscriberDeps {
  bus: Bus
  log: Log
  memberships: Memberships
  audience: Audience
  logger: Logger
  /** How often missed membership changes are looked for, in milliseconds. */
  everyMs?: number
}

/**
 * Lets the sockets of people who came into a log on another instance in here. The bus tells at once; what it loses,
 * a look at the database every few seconds finds.
 */
export function createSubscriber({ bus, log, memberships, audience, logger, everyMs = 3_000 }: SubscriberDeps) {
  let timer: NodeJS.Timeout | undefined
  let looking = false

  async function follow(userId: string, logId: string) {
    if (audience.present([userId]).length === 0) return
    // Opening a conversation that people here wait for delivers it from its beginning; see the tail.
    await log.using(logId, (live) => {
      if (isConversation(logId)) return audience.keep(userId, live)
      const room = live as RoomLive
      if (room.state.members.has(userId)) audience.attach(userId, room, 'room:joined', () => presentRoom(room))
    })
  }

  bus.subscribe('member', (message) => {
    const [userId, logId] = message.split(' ')
    if (!userId || !logId) return
    follow(userId, logId).catch((error) => logger.warn({ err: error, logId }, 'could not follow a new membership'))
  })
  bus.onReconnect(() => void look())

  async function look() {
    if (looking) return
    looking = true
    try {
      for (const { userId, logId } of await memberships.recent()) await follow(userId, logId)
    } catch (error) {
      logger.warn({ err: error }, 'could not look for new memberships')
    } finally {
      looking = false
    }
  }

  return {
    async start() {
      await look()
      timer = setInterval(() => void look(), everyMs)
      timer.unref()
    },
    close() {
      clearInterval(timer)
    },
  }
}
