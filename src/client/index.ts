export type { Change, ChangeEvent, LogKey } from './changes.ts'
export {
  type ClientEmissions,
  type ClientState,
  connect,
  type LocalEvents,
  type MessageFilter,
  type PhantomClient,
  type RequestOptions,
  type RoomSendOptions,
  type SendOptions,
} from './client.ts'
export {
  type CursorStore,
  localStorageCursors,
  memoryCursors,
  parseCursors,
  type StoredCursor,
  type StoredCursors,
} from './cursor-store.ts'
export { type ErrorCode, PhantomError } from './errors.ts'
export type { ConnectOptions } from './options.ts'
export type * from './protocol.ts'
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
