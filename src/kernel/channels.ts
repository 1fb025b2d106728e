/** Names of the server rooms that sockets are in: who receives what. */
export const channels = {
  /** The sockets of a session, to end them with it. */
  session: (sessionId: string) => `session:${sessionId}`,
  /** A user's sockets that may know of the user's rooms. */
  rooms: (userId: string) => `rooms:${userId}`,
  /** A user's sockets that receive direct messages. */
  dms: (userId: string) => `dms:${userId}`,
  /** A user's sockets that receive notifications. */
  news: (userId: string) => `news:${userId}`,
  /** A user's sockets that may know of the boards of the user's projects. */
  boards: (userId: string) => `boards:${userId}`,
  /** The sockets of bots that analyse recordings. */
  analysts: 'analysts',
  /** The sockets that receive a room's log. */
  log: (logId: string) => `log:${logId}`,
  /** The sockets that watch a user's presence. */
  presence: (userId: string) => `presence:${userId}`,
  /** A user's own sockets that watch that user, and see more. */
  ownPresence: (userId: string) => `presence-own:${userId}`,
}
