/** The line between instances. What it carries is a hint; the truth is in MongoDB. */
export interface Bus {
  /** Names this process among the instances. */
  readonly instanceId: string
  readonly state: 'alone' | 'up' | 'down'
  /** Tells the other instances, at most once, in order for one sender unless something is lost. */
  publish(topic: string, message: string): void
  /** Tells the other instances and this one's own subscribers. */
  announce(topic: string, message: string): void
  subscribe(topic: string, handler: (message: string) => void): void
  /** After a time in which messages may have been lost. */
  onReconnect(handler: () => void): void
  close(): Promise<void>
}

/**
 * Binary messages between instances by channel, received only where the channel is subscribed to. Hints as the bus's are:
 * at most once, and only while both sides reach Redis.
 */
export interface ChannelBus {
  /** Tells the other instances that are subscribed. */
  publish(channel: string, message: Uint8Array): void
  /** One handler a channel. Resolves once messages arrive, or after a second where Redis does not answer. */
  subscribe(channel: string, handler: (message: Buffer) => void): Promise<void>
  unsubscribe(channel: string): void
  /** After a time in which messages may have been lost. */
  onReconnect(handler: () => void): void
  close(): Promise<void>
}

export interface Mail {
  to: string
  subject: string
  text: string
}

export interface Mailer {
  send(mail: Mail): Promise<void>
}

/** The part of pino's logger that the server uses. */
export interface Logger {
  debug(details: object, message: string): void
  info(details: object, message: string): void
  warn(details: object, message: string): void
  error(details: object, message: string): void
  child(bindings: object): Logger
}

/** Sends events to connected sockets, on this instance and the others. */
export interface Emitter {
  /** To all sockets in a server room, here and elsewhere; `encoded` is a Socket.IO packet's text. */
  emit(room: string, event: string, payload: unknown): void
  /** To this instance's sockets alone. */
  emitLocal(room: string, event: string, payload: unknown): void
  /** An event already encoded by `encode`, to this instance's sockets alone. */
  emitEncoded(room: string, packet: string): void
  encode(event: string, payload: unknown): string
  /** Whether a room has sockets on this instance. */
  has(room: string): boolean
}

/** Lets sockets in and out of logs: who receives what, on this instance. */
export interface Audience {
  /** A user's sockets here receive a log from now on, positioned at `live`'s rev; they are told by `payload`. */
  attach(userId: string, live: { logId: string; rev: number }, event: string, payload: () => object): void
  /** A user's sockets here receive a conversation anyway; it stays open for them, so that nothing is told twice. */
  keep(userId: string, live: { logId: string; rev: number }): void
  /** A user's sockets here receive the log no more; they are told by `payload`. */
  detach(userId: string, logId: string, event: string, payload: () => object): void
  /** Users with sockets on this instance that are among those given. */
  present(userIds: Iterable<string>): string[]
}
