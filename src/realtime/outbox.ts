import { type EngineConnection, type PacketOptions, WS_OPEN } from './engine-internals.ts'
import type { Frame } from './frame.ts'
import { type Link, linkConnection, stockSendPacket } from './link.ts'
import { type Group, type Links, type Members, merge, type Parcel, write } from './parcel.ts'

export interface OutboxOptions {
  /** Bytes that may wait for one connection before it is cut off. Default 1 MiB. */
  maxBufferedBytes?: number
  /** Told of each connection that was cut off at the cap, with the bytes that it was to hold. */
  onSlow?: (socketId: string, bytes: number) => void
  /** Told of what failed while writing to one connection, which is then cut off. Default: a process warning. */
  onError?: (socketId: string, error: unknown) => void
}

/** A turn's frames are written at once when they pass this, so that the outbox itself stays bounded. */
const MAX_TURN_BYTES = 256 * 1024
/**
 * Where hardly anyone receives, waiting for the end of a long turn saves little and keeps the receiver idle meanwhile:
 * a turn of at most this many recipients is written each time that it has this many frames.
 */
const FEW_RECIPIENTS = 2
const FEW_FRAMES = 8

/**
 * Collects one event-loop turn's frames for all connections, and writes each connection once.
 *
 * Shared frames are kept once a room. A connection of which nothing special is to be said takes its room's bytes as
 * they are; one that has frames of its own, was left out of a frame, or changed its rooms within the turn, gets its
 * own merge. Nothing overtakes: whatever else a connection is to send passes `send`, which keeps the turn's order.
 */
export class Outbox {
  readonly maxBufferedBytes: number
  private readonly onSlow: NonNullable<OutboxOptions['onSlow']>
  private readonly onError: NonNullable<OutboxOptions['onError']>
  private turn = 0
  private next = 0
  private bytes = 0
  /** Connections that the turn's frames are for; one that counts twice does no harm. */
  private recipients = 0
  private groups = new Map<Members, Group>()
  /** Connections of which this turn holds something of their own. */
  private odd: Link[] = []
  private scheduled = false
  private flushing = false

  constructor(options: OutboxOptions = {}) {
    this.maxBufferedBytes = options.maxBufferedBytes ?? 1024 * 1024
    this.onSlow = options.onSlow ?? (() => {})
    this.onError = options.onError ?? ((id, error) => process.emitWarning(`Writing to socket ${id} failed: ${error}`))
  }

  /** Ties a socket's connection to this outbox, from this place in the turn on. */
  attach(socketId: string, connection: EngineConnection): Link {
    const link = linkConnection(connection, this)
    this.settle(link)
    link.ids.push(socketId)
    return link
  }

  /** The socket is gone from its namespace; what was meant for it goes out first. */
  detach(socketId: string, link: Link): void {
    this.settle(link)
    const index = link.ids.indexOf(socketId)
    if (index >= 0) link.ids.splice(index, 1)
  }

  /** Adds a frame for all members, as of now. Returns its place in the turn, for `skip`. */
  addShared(members: Members, links: Links, frame: Frame): number {
    this.makeRoom(frame)
    let group = this.groups.get(members)
    if (!group) {
      group = { ordinal: this.groups.size, members, links, frames: [], at: [], bytes: 0, joined: null }
      this.groups.set(members, group)
      this.recipients += members.size
    }
    group.frames.push(frame)
    group.at.push(this.next)
    group.bytes += frame.bytes.length
    return this.next++
  }

  /** Leaves one connection out of the shared frame at this place. */
  skip(link: Link, at: number): void {
    const { skips } = this.single(link)
    if (skips) skips.push(at)
    else link.skips = [at]
  }

  /** Adds a frame for one connection. */
  addOwn(link: Link, frame: Frame): void {
    if (link.cut || link.conn.readyState !== 'open') return
    this.makeRoom(frame)
    const { own } = this.single(link)
    const at = this.next++
    if (own) {
      own.frames.push(frame)
      own.at.push(at)
    } else link.own = { frames: [frame], at: [at] }
  }

  /** Whether a shared frame for these members waits in this turn. */
  holds(members: Members | undefined): boolean {
    return members !== undefined && this.next > 0 && this.groups.has(members)
  }

  /** Sends now what this turn holds for one connection; it gets shared frames from here on. */
  settle(link: Link): void {
    const due = link.due
    if (due) {
      // Called from within a flush that has not come to this connection yet: what is older goes first.
      link.due = null
      this.deliver(link, due)
    }
    if (this.next === 0) return
    const groups: Group[] = []
    for (const group of this.groups.values()) {
      for (const id of link.ids) if (group.members.has(id) && group.links.get(id) === link) groups.push(group)
    }
    const parcel = merge(this.single(link), groups)
    link.from = this.next
    link.own = null
    link.skips = null
    this.deliver(link, parcel)
  }

  /** Writes everything that waits: each connection once. */
  flush(): void {
    if (this.flushing || this.next === 0) return
    const { groups, odd, turn } = this
    this.groups = new Map()
    this.odd = []
    this.next = 0
    this.bytes = 0
    this.recipients = 0
    this.turn++

    // All that is due is settled before the first write: a write can run others' handlers, which change rooms.
    const list: Link[] = []
    for (const group of groups.values()) {
      for (const id of group.members.keys()) {
        const link = group.links.get(id)
        if (!link) continue
        if (link.mark !== turn) {
          link.mark = turn
          link.first = group
          list.push(link)
        } else if (link.more) link.more.push(group)
        else link.more = [group]
      }
    }
    for (const link of odd) {
      if (link.mark === turn) continue
      link.mark = turn
      list.push(link)
    }
    const merged = new Map<string, Parcel>()
    for (const link of list) {
      const { first, more } = link
      link.first = null
      link.more = null
      if (link.turn === turn) {
        link.due = merge(link, first ? (more ? [first, ...more] : [first]) : [])
        link.own = null
        link.skips = null
      } else if (more) {
        const inGroups = [first!, ...more]
        const key = inGroups.map((group) => group.ordinal).join()
        let parcel = merged.get(key)
        if (!parcel) {
          parcel = merge(null, inGroups)
          merged.set(key, parcel)
        }
        link.due = parcel
      } else link.due = first
    }

    this.flushing = true
    try {
      for (const link of list) {
        const { due } = link
        if (!due) continue
        link.due = null
        this.deliver(link, due)
      }
    } finally {
      this.flushing = false
    }
  }

  /** Sends past the batch what it cannot carry (binary, with a callback), after what is pending. */
  sendPast(link: Link, type: string, data: unknown, options?: PacketOptions, callback?: (t: unknown) => void): void {
    this.settle(link)
    const bytes = typeof data === 'string' ? Buffer.byteLength(data) : ((data as Buffer | undefined)?.byteLength ?? 0)
    this.enqueue(link, bytes, type, data, options, callback)
  }

  private makeRoom(frame: Frame): void {
    const full = this.bytes > 0 && this.bytes + frame.bytes.length > MAX_TURN_BYTES
    if (full || (this.next >= FEW_FRAMES && this.recipients <= FEW_RECIPIENTS)) this.flush()
    this.bytes += frame.bytes.length
    if (this.scheduled) return
    this.scheduled = true
    setImmediate(() => {
      this.scheduled = false
      this.flush()
    })
  }

  private single(link: Link): Link {
    if (link.turn !== this.turn) {
      link.turn = this.turn
      link.from = 0
      link.own = null
      link.skips = null
      this.odd.push(link)
      this.recipients++
    }
    return link
  }

  private deliver(link: Link, parcel: Parcel): void {
    const { conn } = link
    if (parcel.frames.length === 0 || link.cut || conn.readyState !== 'open') return
    try {
      const { transport } = conn
      const socket = transport.socket
      if (
        socket &&
        transport.name === 'websocket' &&
        transport.writable &&
        conn.writeBuffer.length === 0 &&
        !conn.upgrading &&
        !transport.perMessageDeflate &&
        socket.readyState === WS_OPEN &&
        socket._sender._state === 0
      ) {
        const tcp = socket._socket
        const waiting = tcp.writableLength
        // What finds an empty queue always goes, however large: only who fails to read is cut off.
        if (waiting > 0 && waiting + parcel.bytes > this.maxBufferedBytes) this.cutOff(link, waiting + parcel.bytes)
        else write(tcp, parcel)
      } else {
        for (const { packet, bytes, compress } of parcel.frames) {
          this.enqueue(link, bytes.length, 'message', packet, { compress, wsPreEncodedFrame: [bytes] })
        }
      }
    } catch (error) {
      this.fail(link, error)
    }
  }

  /** Engine.IO's own path, which queues while the transport is busy or being upgraded. */
  private enqueue(
    link: Link,
    bytes: number,
    type: string,
    data: unknown,
    options?: PacketOptions,
    callback?: (transport: unknown) => void,
  ): void {
    if (link.cut) return
    const { conn } = link
    if (conn.writeBuffer.length === 0) link.queued = 0
    const waiting = link.queued + (conn.transport.socket?._socket?.writableLength ?? 0)
    if (waiting > 0 && waiting + bytes > this.maxBufferedBytes) {
      this.cutOff(link, waiting + bytes)
      return
    }
    stockSendPacket(conn).call(conn, type, data, options, callback)
    link.queued = conn.writeBuffer.length === 0 ? 0 : link.queued + bytes
  }

  private cutOff(link: Link, bytes: number): void {
    link.cut = true
    const { conn } = link
    const id = link.ids[0] ?? conn.id
    if (conn.transport.socket) conn.transport.socket.terminate()
    else conn.close(true)
    this.onSlow(id, bytes)
  }

  private fail(link: Link, error: unknown): void {
    link.cut = true
    // Later, as the others' frames still wait to be written.
    setImmediate(() => {
      if (link.conn.transport.socket) link.conn.transport.socket.terminate()
      else link.conn.close(true)
    })
    this.onError(link.ids[0] ?? link.conn.id, error)
  }
}
