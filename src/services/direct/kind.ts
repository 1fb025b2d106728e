import { Message, type MessageWire } from '../../../models/Message.ts'
import { channels } from '../../kernel/channels.ts'
import type { Emitter } from '../../kernel/ports.ts'
import type { LogKind, LogRecord } from '../../log/types.ts'
import type { Marks } from '../marks.ts'

const prefix = 'dm:'

/** The log of two people's conversation. */
export const conversationId = (a: string, b: string) => (a < b ? `${prefix}${a}:${b}` : `${prefix}${b}:${a}`)

export const isConversation = (logId: string) => logId.startsWith(prefix)

/** The two people of a conversation. */
export function conversationSides(logId: string): [string, string] {
  const [, a, b] = logId.split(':')
  return [a!, b!]
}

/** A direct message as clients get it. */
export const presentDirect = (record: LogRecord, readAt: Date | null = null): MessageWire =>
  Message.toWire({ ...record, readAt })

/** What a conversation's log does with its entries: all go to all sockets of both people. */
export function createDirectKind({ marks, emitter }: { marks: Marks; emitter: Emitter }): LogKind<null> {
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
    settle() {},
    isControl: () => false,
    wanted: (logId) => conversationSides(logId).some((userId) => emitter.has(channels.dms(userId))),
  }
}
