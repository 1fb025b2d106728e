/** Where news of a log lead a user. */
export interface NewsPlace {
  /** What the news are about: one unread notification of it is enough. */
  about: string
  /** The ids that open it. */
  ids: { roomId: string } | { userId: string }
  /** The room that can be muted. */
  mutedBy?: string
}

/** The place of a room's log, or, where `peerId` is given, of the conversation with that user. */
export const newsPlace = (logId: string, peerId: string | null): NewsPlace =>
  peerId === null
    ? { about: `room:${logId}`, ids: { roomId: logId }, mutedBy: logId }
    : { about: `dm:${peerId}`, ids: { userId: peerId } }
