export type {
  ClientEmissions,
  ClientState,
  LocalEvents,
  MessageFilter,
  RequestOptions,
  RoomSendOptions,
  SendOptions,
} from './api.ts'
export type { Board, BoardEvents, BoardState } from './boards.ts'
export type { Change, ChangeEvent, LogKey } from './changes.ts'
export { connect, type PhantomClient } from './client.ts'
export {
  type CursorStore,
  localStorageCursors,
  memoryCursors,
  parseCursors,
  type StoredCursor,
  type StoredCursors,
} from './cursor-store.ts'
export { type ErrorCode, PhantomError } from './errors.ts'
export type { Listening } from './listening.ts'
export type { ConnectOptions } from './options.ts'
export type * from './protocol.ts'
export type { ServerClock } from './server-clock.ts'
export {
  type Account,
  createSession,
  login,
  type Profile,
  refresh,
  register,
  type Session,
  type SessionOptions,
  type Tokens,
  type User,
} from './session.ts'
