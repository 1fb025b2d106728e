import type { Namespace } from 'socket.io'
import { Adapter, type BroadcastOptions, type Room, type SocketId } from 'socket.io-adapter'
import { type EngineConnection, verifyEngineInternals } from './engine-internals.ts'
import { createFrame } from './frame.ts'
import type { Link } from './link.ts'
import { Outbox, type OutboxOptions } from './outbox.ts'

export { encodeEvent } from './frame.ts'
export type BatchingAdapterOptions = OutboxOptions

const NOBODY: ReadonlySet<Room> = new Set()

/**
 * Socket.IO's in-memory adapter with one write a socket and event-loop turn.
 *
 * Same order, same members, same semantics as the stock adapter, with two differences: `onAnyOutgoing` listeners and
 * Engine.IO's `packetCreate`, `flush` and `drain` events are not run for batched frames, and a volatile event is
 * dropped only where bytes of earlier turns wait.
 */
export class BatchingAdapter extends Adapter {
  private readonly outbox: Outbox
  private readonly links = new Map<SocketId, Link>()

  constructor(nsp: Namespace, outbox: Outbox) {
    super(nsp)
    this.outbox = outbox
  }

  /**
   * Emits packet text made by `encodeEvent` to a room's local sockets, in the turn's batch.
   * Returns how many sockets are in the room here.
   */
  emitEncoded(room: Room, packet: string): number {
    const members = this.rooms.get(room)
    if (!members) return 0
    const { name } = this.nsp
    const text = name === '/' ? packet : `${packet[0]}${name},${packet.slice(1)}`
    this.outbox.addShared(members, this.links, createFrame(text))
    return members.size
  }

  /** Writes now what the present turn holds, for all namespaces of the server. */
  flush(): void {
    this.outbox.flush()
  }

  override addAll(id: SocketId, rooms: Set<Room>): void {
    let link = this.links.get(id)
    if (!link) {
      // A socket that joins rooms in a middleware is not connected yet, and is sent nothing until it is.
      const socket = this.nsp.sockets.get(id)
      if (socket) {
        link = this.outbox.attach(id, socket.client.conn as unknown as EngineConnection)
        this.links.set(id, link)
      }
    } else {
      for (const room of rooms) {
        const members = this.rooms.get(room)
        if (!this.outbox.holds(members) || members!.has(id)) continue
        this.outbox.settle(link)
        break
      }
    }
    super.addAll(id, rooms)
  }

  override del(id: SocketId, room: Room): void {
    const link = this.links.get(id)
    if (link && this.outbox.holds(this.rooms.get(room))) this.outbox.settle(link)
    super.del(id, room)
  }

  override delAll(id: SocketId): void {
    const link = this.links.get(id)
    if (link) {
      this.outbox.detach(id, link)
      this.links.delete(id)
    }
    super.delAll(id)
  }

  override broadcast(packet: any, opts: BroadcastOptions): void {
    packet.nsp = this.nsp.name
    const encoded = (this as any).encoder.encode(packet) as unknown[]
    const text = encoded[0]
    // The stock way passes each connection's hook, which keeps the order there too.
    if (encoded.length !== 1 || typeof text !== 'string') {
      super.broadcast(packet, opts)
      return
    }
    const { rooms, except = NOBODY, flags } = opts
    const frame = createFrame(text, flags?.compress !== false)
    const { outbox, links } = this

    if (rooms.size > 1) {
      const left = new Set<SocketId>()
      for (const room of except) for (const id of this.rooms.get(room) ?? []) left.add(id)
      for (const room of rooms) {
        for (const id of this.rooms.get(room) ?? []) {
          if (left.has(id)) continue
          left.add(id)
          const link = links.get(id)
          if (link && !(flags?.volatile && isBusy(link))) outbox.addOwn(link, frame)
        }
      }
      return
    }

    const [room] = rooms
    const members = room === undefined ? this.sids : this.rooms.get(room)
    if (!members || members.size === 0) return
    const at = outbox.addShared(members, links, frame)
    for (const room of except) {
      for (const id of this.rooms.get(room) ?? []) {
        const link = members.has(id) && links.get(id)
        if (link) outbox.skip(link, at)
      }
    }
    if (flags?.volatile) {
      for (const id of members.keys()) {
        const link = links.get(id)
        if (link && isBusy(link)) outbox.skip(link, at)
      }
    }
  }

  override close(): void {
    this.outbox.flush()
  }
}

/**
 * Makes the `adapter` option of a Socket.IO server; all its namespaces share one batch.
 * @throws Error when the installed engine.io or ws is not what the adapter was written against.
 */
export function createBatchingAdapter(options: BatchingAdapterOptions = {}): (nsp: Namespace) => BatchingAdapter {
  verifyEngineInternals()
  const outbox = new Outbox(options)
  // Socket.IO calls it with `new`, which an arrow function does not bear.
  return function batchingAdapter(nsp: Namespace) {
    return new BatchingAdapter(nsp, outbox)
  }
}

function isBusy({ conn }: Link): boolean {
  const { transport } = conn
  return !transport.writable || conn.writeBuffer.length > 0 || (transport.socket?._socket.writableLength ?? 0) > 0
}
