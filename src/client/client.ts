import type {
  ClientEmissions,
  ClientState,
  MessageFilter,
  RequestOptions,
  RoomSendOptions,
  SendOptions,
} from './api.ts'
import type { Board } from './boards.ts'
import { type Change, isSending, messageOf, refOf } from './changes.ts'
import { Connection } from './connection.ts'
import { CursorKeeper } from './cursor-keeper.ts'
import { Emitter } from './emitter.ts'
import { PhantomError, toPhantomError } from './errors.ts'
import { Feed } from './feed.ts'
import { Listening } from './listening.ts'
import { LogFollower } from './log-follower.ts'
import type { MessageSight } from './message-sight.ts'
import { type ConnectOptions, createClientId, resolveOptions, type Settings } from './options.ts'
import { Outbox } from './outbox.ts'
import type { ChatMessage, ChatRoom, ClientEvents, Id, ListenState, Message } from './protocol.ts'
import { Requests } from './requests.ts'
import { ServerClock } from './server-clock.ts'

/** Connects for good, until `close` or a refusal that waiting can't mend. Throws `invalid` for unusable options. */
export function connect(options: ConnectOptions): PhantomClient {
  return new PhantomClient(resolveOptions(options))
}

/** A connection to the server that follows all of its user's rooms and conversations without loss; see `connect`. */
export class PhantomClient {
  readonly direct: {
    /** Sends to a user as `send` does to a room. */
    send(userId: Id, content: string, options?: SendOptions): Promise<Message>
  }
  /** Listening together: what rooms listen to, and where the track is now. */
  readonly listen: Listening
  readonly #settings: Settings
  readonly #connection: Connection
  readonly #requests: Requests
  readonly #outbox: Outbox
  readonly #events = new Emitter<ClientEmissions>()
  readonly #feeds = new Set<Feed<unknown>>()
  readonly #over = new AbortController()
  readonly #follower: LogFollower
  #keeper: CursorKeeper | null = null
  #state: ClientState = 'connecting'
  #closing: Promise<void> | null = null
  #error: PhantomError | null = null

  constructor(settings: Settings) {
    this.#settings = settings
    this.#connection = new Connection({ ...settings, maxPending: 1_000 })
    this.#requests = new Requests(this.#connection, settings, {
      over: this.#over.signal,
      closedError: () => this.#closedError(),
      onTrouble: (error) => this.#events.emit('trouble', error),
    })
    this.#follower = new LogFollower((payload) => this.#requests.call('log:sync', payload), settings.backoff)
    this.#outbox = new Outbox({
      call: (event, payload) => this.#requests.call(event, payload),
      up: this.#connection.up,
      backoff: settings.backoff,
      limit: settings.sendLimit,
    })
    this.direct = {
      send: (userId, content, { clientId = createClientId(), signal, deadlineMs = settings.sendDeadlineMs } = {}) =>
        this.#outbox.send(`dm:${userId}`, 'dm:send', { userId, clientId, content }, { signal, deadlineMs }),
    }
    this.listen = new Listening({
      request: (event, payload) => this.request(event, payload),
      clock: new ServerClock({
        ask: (payload) => this.#requests.call('time:sync', payload),
        up: this.#connection.up,
        over: this.#over.signal,
      }),
      onState: (state) => this.#events.emit('listen:state', state),
      onTrouble: (error) => this.#events.emit('trouble', error),
    })
    this.#wire()
    void this.#start()
  }

  get state(): ClientState {
    return this.#state
  }

  /** Whose client this is; null before the first `ready`. */
  get userId(): Id | null {
    return this.#follower.userId
  }

  /** Why the client closed by itself; null while it has not. */
  get error(): PhantomError | null {
    return this.#error
  }

  /** How many sends wait for their answer. */
  get unsent(): number {
    return this.#outbox.size
  }

  /** Adds a handler for an emission of the server or of this client; returns the function that removes it. */
  on<E extends keyof ClientEmissions>(event: E, handler: (payload: ClientEmissions[E]) => void): () => void {
    return this.#events.on(event, handler)
  }

  /**
   * Emits an event, once connected, and resolves with its ack's data. Never tried twice: after `disconnected` or
   * `timeout` the server may have done it. Rejects with the ack's error, or the signal's reason.
   */
  async request<E extends keyof ClientEvents>(
    event: E,
    payload: ClientEvents[E]['payload'],
    options: RequestOptions = {},
  ): Promise<ClientEvents[E]['data']> {
    const data = await this.#requests.request(event, payload, options)
    if (event === 'room:create' || event === 'room:join') this.#follower.join(data as ChatRoom)
    return data
  }

  /** Sends to a room: resolves with the message as stored, however often the connection breaks meanwhile. */
  send(roomId: Id, content: string, options: RoomSendOptions = {}): Promise<ChatMessage> {
    const { clientId = createClientId(), signal, deadlineMs = this.#settings.sendDeadlineMs, ...fields } = options
    const payload = { ...fields, roomId, clientId, content }
    return this.#outbox.send(`room:${roomId}`, 'room:send', payload, { signal, deadlineMs })
  }

  /**
   * Answers a message where it was said. The answer is named after the message, so that answering it again, as after a
   * restart, stores nothing twice (`conflict` where the text differs); give a `clientId` for a second answer.
   */
  reply(message: ChatMessage | Message, content: string, options: SendOptions = {}): Promise<ChatMessage | Message> {
    const named = { clientId: `re-${message.id}`, ...options }
    if ('chatRoomId' in message) return this.send(message.chatRoomId, content, { ...named, replyToId: message.id })
    const peer = message.senderId === this.userId ? message.receiverId : message.senderId
    return this.direct.send(peer, content, named)
  }

  /** All changes of all logs from now on, or from the stored cursors where called right after `connect`. */
  changes(): AsyncIterableIterator<Change, undefined> {
    return this.#feed((change) => change)
  }

  /** New messages, each once, as they are when read: an edit made meanwhile is in them, a deleted one is left out. */
  messages({ rooms, own = false }: MessageFilter = {}): AsyncIterableIterator<ChatMessage | Message, undefined> {
    const wanted = rooms && new Set(rooms)
    return this.#feed((change, sight: MessageSight) => {
      const message = messageOf(change)
      if (!message || !sight.see(message, isSending(change)) || message.deletedAt) return undefined
      if (wanted && !wanted.has(refOf(change.log).roomId ?? '')) return undefined
      return own || message.senderId !== this.userId ? message : undefined
    })
  }

  /**
   * Opens a project's board: resolves once it is in sync, and stays so until it or this client is closed. Rejects where
   * it can't be opened. What boards need is loaded with the first one.
   */
  async openBoard(projectId: Id): Promise<Board> {
    const { Board } = await import('./boards.ts')
    if (this.#over.signal.aborted) throw this.#closedError()
    return Board.open(projectId, this.#settings, this.#over.signal)
  }

  /** Closes for good: iterators end, what is unsent is rejected with `closed`. Resolves once the cursors are saved. */
  close(): Promise<void> {
    return this.#close(null)
  }

  #feed<T>(pick: (change: Change, sight: MessageSight) => T | undefined): Feed<T> {
    const feed: Feed<T> = new Feed<T>({
      follower: this.#follower,
      fetch: (log, rev) => this.#requests.fetchLog(log, rev),
      limit: this.#settings.bufferLimit,
      pick,
      onTurn: () => this.#keeper?.touch(),
      onEnd: () => this.#feeds.delete(feed as Feed<unknown>),
    })
    if (this.#state === 'closed') feed.end(this.#error)
    else this.#feeds.add(feed as Feed<unknown>)
    return feed
  }

  #wire(): void {
    const { events: link } = this.#connection
    const { events: logs } = this.#follower
    link.on('attempt', () => this.#setState('connecting'))
    link.on('ready', (ready) => {
      this.#follower.connected(ready)
      this.#settle()
      this.#events.emit('ready', ready)
      void this.listen.connected()
      this.#keeper?.touch()
    })
    link.on('emission', ({ event, payload }) => {
      if (this.#follower.take(event, payload)) return
      if (event === 'listen:state') return this.listen.take(payload as ListenState)
      this.#events.emit(event as 'ready', payload as never)
    })
    link.on('down', ({ reason, delayMs }) => {
      this.#follower.disconnected()
      this.#setState('offline', { reason, retryInMs: delayMs })
    })
    link.on('fatal', (error) => void this.#close(error))
    logs.on('change', (change) => {
      for (const feed of this.#feeds) feed.push(change)
      this.#events.emit('change', change)
      this.#events.emit(change.event, change.payload as never)
      this.#keeper?.touch()
    })
    logs.on('opened', (opened) => {
      for (const feed of this.#feeds) feed.open(opened.log, this.#follower.logs.get(opened.log)!)
      this.#events.emit('log:opened', opened)
      this.#keeper?.touch()
    })
    logs.on('dropped', (dropped) => {
      for (const feed of this.#feeds) feed.drop(dropped.log)
      const { roomId } = refOf(dropped.log)
      if (roomId !== undefined) this.listen.forget(roomId)
      this.#events.emit('log:dropped', dropped)
      this.#keeper?.touch()
    })
    logs.on('syncing', () => this.#settle())
    logs.on('trouble', (error) => this.#events.emit('trouble', error))
  }

  async #start(): Promise<void> {
    const store = this.#settings.cursors
    if (store) {
      try {
        const stored = await store.load()
        if (this.#closing) return
        this.#follower.resume(stored)
      } catch (error) {
        // Going on without them would pass over what they are kept for.
        return this.#close(toPhantomError(error, 'unavailable'))
      }
      const report = (error: unknown) => this.#events.emit('trouble', toPhantomError(error, 'unavailable'))
      this.#keeper = new CursorKeeper(store, this.#follower, this.#feeds, report)
    } else {
      // `connect` returns first, so that handlers added next see the first state.
      await Promise.resolve()
      if (this.#closing) return
    }
    this.#connection.open()
  }

  #settle(): void {
    if (this.#connection.up.isOpen) this.#setState(this.#follower.syncing ? 'syncing' : 'live')
  }

  #setState(state: ClientState, details: { reason?: PhantomError; retryInMs?: number } = {}): void {
    const previous = this.#state
    if (previous === 'closed' || (previous === state && state !== 'offline')) return
    this.#state = state
    this.#events.emit('state', { state, previous, ...details })
  }

  #closedError(): PhantomError {
    return this.#error ?? new PhantomError('closed', 'the client is closed')
  }

  #close(error: PhantomError | null): Promise<void> {
    this.#closing ??= this.#shut(error)
    return this.#closing
  }

  async #shut(error: PhantomError | null): Promise<void> {
    this.#error = error
    this.#over.abort()
    this.#connection.close()
    this.#follower.disconnected()
    this.#outbox.close(this.#closedError())
    // Before the consumers end: what they hold is not dealt with yet.
    const saved = this.#keeper?.close()
    for (const feed of [...this.#feeds]) feed.end(error)
    this.#setState('closed', error ? { reason: error } : {})
    await saved
  }
}
