import { Message, type MessageWire } from '../../../models/Message.ts'
import { channels } from '../../kernel/channels.ts'
import type { Audience, Emitter } from '../../kernel/ports.ts'
import type { LogKind, LogRecord } from '../../log/types.ts'
import type { Marks } from '../marks.ts'
import { conversationSides } from '../shared/conversation.ts'

/** A direct message as clients get it. */
export const presentDirect = (record: LogRecord, readAt: Date | null = null): MessageWire =>
  Message.toWire({ ...record, readAt })

/** What a conversation's log does with its entries: all go to all sockets of both people. */
export function createDirectKind(deps: { marks: Marks; emitter: Emitter; audience: Audience }): LogKind<null> {
  const { marks, emitter, audience } = deps
  return {
    open: async (logIds) => new Map(logIds.map((logId) => [logId, null])),
    apply() {},
    async prepare(records) {
      const logId = records[0]!.logId
      const [a, b] = conversationSides(logId)
      const [readByA, readByB] = await Promise.all([marks.readAt(logId, a), marks.readAt(logId, b)])
      return records.map((record) => (record.senderId === a ? readByB : readByA)(record.seq ?? 0))
    },
    render(record, since, context) {
      const event = record.firstRev > since ? 'dm:message' : record.event
      return { event, payload: presentDirect(record, (context as Date | null | undefined) ?? null) }
    },
    deliver(logId, packet) {
      for (const userId of conversationSides(logId)) emitter.emitEncoded(channels.dms(userId), packet)
    },
    settle(live) {
      for (const userId of conversationSides(live.logId)) audience.keep(userId, live)
    },
    isControl: () => false,
    wanted: (logId) => conversationSides(logId).some((userId) => emitter.has(channels.dms(userId))),
  }
}
