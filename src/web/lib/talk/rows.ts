import type { Snippet } from 'svelte'
import { type Entry, isSameDay, togetherMs } from './entry.ts'
import type { Pending } from './outbox.svelte.ts'

/** A row of the list: a message that is stored, or one on its way, with what separates it from the one before. */
export interface Row {
  key: string
  entry: Entry | null
  pending: Pending | null
  replyToId: string | null
  /** The day that begins here. */
  day: string | null
  /** The first that is new. */
  isNew: boolean
  /** Goes on where the same person just spoke. */
  isCompact: boolean
  /** The first of all. */
  isStart: boolean
  start?: Snippet
}

interface Input {
  items: Entry[]
  pending: Pending[]
  me: string
  newFrom: number | null
  atStart: boolean
  start?: Snippet
}

/** The rows of what is loaded and of what is on its way. */
export function rowsOf({ items, pending, me, newFrom, atStart, start }: Input): Row[] {
  const rows: Row[] = []
  const stored = new Set<string>()
  for (const [index, entry] of items.entries()) {
    const before = items[index - 1]
    const isMine = entry.senderId === me
    if (isMine && entry.clientId) stored.add(entry.clientId)
    const day = before && isSameDay(before.sentAt, entry.sentAt) ? null : entry.sentAt
    const isNew = newFrom !== null && entry.seq >= newFrom && (before ? before.seq < newFrom : entry.seq === newFrom)
    rows.push({
      // The same as while it was on its way, so that it stays what it is on the page.
      key: isMine && entry.clientId ? entry.clientId : entry.id,
      entry,
      pending: null,
      replyToId: entry.isDeleted ? null : entry.replyToId,
      day,
      isNew,
      isCompact:
        !day && !isNew && !entry.replyToId && !entry.isPinned && before !== undefined && isTogether(before, entry),
      isStart: atStart && index === 0,
      ...(start && { start }),
    })
  }
  let before = items.at(-1)
  let beforeAt = before?.sentAt
  for (const each of pending) {
    if (stored.has(each.clientId)) continue
    const follows = before ? before.senderId === me : rows.length > 0
    const day = beforeAt && isSameDay(beforeAt, each.at) ? null : each.at
    const isClose = beforeAt !== undefined && Date.parse(each.at) - Date.parse(beforeAt) < togetherMs
    rows.push({
      key: each.clientId,
      entry: null,
      pending: each,
      replyToId: each.replyToId ?? null,
      day,
      isNew: false,
      isCompact: !day && follows && isClose && !each.replyToId,
      isStart: false,
    })
    before = undefined
    beforeAt = each.at
  }
  return rows
}

function isTogether(before: Entry, entry: Entry): boolean {
  return (
    before.senderId === entry.senderId &&
    !before.isDeleted &&
    Date.parse(entry.sentAt) - Date.parse(before.sentAt) < togetherMs
  )
}
