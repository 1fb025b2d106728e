import type { Entry } from './entry.ts'

/** What can be done with a message of a list. */
export interface MessageActions {
  reply(entry: Entry): void
  edit(entry: Entry): void
  delete(entry: Entry): void
  pin(entry: Entry): void
  react(entry: Entry, emoji: string, on: boolean): void
  copy(text: string): void
  copyLink(entry: Entry): void
  /** Has the room listen to an attached recording together. */
  listen(audioFileId: string): void
  report(entry: Entry): void
  /** Shows who somebody is. */
  person(userId: string): void
  /** Goes to a message by its id. */
  jump(id: string): void
  resend(clientId: string): void
  discard(clientId: string): void
  /** A message by its id, where it is known; null where it cannot be had. */
  find(id: string): Entry | null | undefined
  /** Fetches one that is not known. */
  fetch(id: string): void
}
