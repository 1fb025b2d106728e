import type { LogRecord } from '../../log/types.ts'

/** What is kept of all that was said. */
const maxSenders = 64
const maxMentions = 1_000

export interface Mention {
  userId: string
  message: Told
}

/** What news need to know of a message. */
interface Told {
  id: string
  seq: number
  senderId: string
}

/** What was said in a log lately: the last message of each sender, the oldest first, and the mentions. */
export interface Said {
  senders: Map<string, Told>
  mentions: Mention[]
  toSeq: number
}

export const nothingSaid = (): Said => ({ senders: new Map(), mentions: [], toSeq: 0 })

/** Notes a message; returns false where not all of it could be kept. */
export function note(said: Said, record: LogRecord): boolean {
  const message = { id: record._id, seq: record.seq!, senderId: record.senderId }
  said.toSeq = Math.max(said.toSeq, message.seq)
  const last = said.senders.get(message.senderId)
  if (!last || last.seq < message.seq) {
    said.senders.delete(message.senderId)
    said.senders.set(message.senderId, message)
    // For a notification the latest of them are enough.
    if (said.senders.size > maxSenders) said.senders.delete(said.senders.keys().next().value!)
  }
  const mentions = record['mentions'] as string[] | undefined
  if (!mentions?.length) return true
  if (said.mentions.length + mentions.length > maxMentions) return false
  for (const userId of mentions) said.mentions.push({ userId, message })
  return true
}
