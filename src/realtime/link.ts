import type { EngineConnection, PacketOptions, SendPacket } from './engine-internals.ts'
import { createFrame } from './frame.ts'
import type { Outbox } from './outbox.ts'
import type { Group, Parcel, Run } from './parcel.ts'

/** What the outbox knows of one Engine.IO connection. */
export interface Link {
  readonly conn: EngineConnection
  readonly outbox: Outbox
  /** Ids of its sockets, one a namespace. */
  readonly ids: string[]
  /** The turn that from, own and skips belong to; in any other they are void. */
  turn: number
  /** Shared frames before this place are not for it: it got them already, or joined later. */
  from: number
  own: Run | null
  skips: number[] | null
  /** Marks of the flush under way: the first group that it was found in, the further ones, what it is to get. */
  mark: number
  first: Group | null
  more: Group[] | null
  due: Parcel | null
  /** Bytes in Engine.IO's writeBuffer. */
  queued: number
  cut: boolean
}

const LINK = Symbol('link')
type LinkedConnection = EngineConnection & { [LINK]?: Link }

/** The connection's link; made, and its packets led through the outbox, at the first call. */
export function linkConnection(connection: EngineConnection, outbox: Outbox): Link {
  const conn = connection as LinkedConnection
  let link = conn[LINK]
  if (!link) {
    link = {
      conn,
      outbox,
      ids: [],
      turn: -1,
      from: 0,
      own: null,
      skips: null,
      mark: -1,
      first: null,
      more: null,
      due: null,
      queued: 0,
      cut: false,
    }
    conn[LINK] = link
    // Own properties over the prototype's methods, shared by all connections: no closure for each.
    conn.sendPacket = sendPacket
    conn.close = close
  }
  return link
}

/** Engine.IO's own method, under the one put in its place. */
export const stockSendPacket = (conn: EngineConnection): SendPacket => Object.getPrototypeOf(conn).sendPacket

/** In the place of Engine.IO's: text messages join the batch, everything else keeps its place behind them. */
function sendPacket(
  this: LinkedConnection,
  type: string,
  data?: unknown,
  options?: PacketOptions,
  callback?: (transport: unknown) => void,
): void {
  const link = this[LINK]!
  // Heartbeats are Engine.IO's own and have no order with messages.
  if (type !== 'message') stockSendPacket(this).call(this, type, data, options, callback)
  else if (typeof data === 'string' && typeof options !== 'function' && !callback) {
    link.outbox.addOwn(link, createFrame(data, options?.compress !== false))
  } else link.outbox.sendPast(link, type, data, options, callback)
}

/** In the place of Engine.IO's: what was emitted before a connection is closed goes out before. */
function close(this: LinkedConnection, discard?: boolean): unknown {
  const link = this[LINK]!
  if (this.readyState === 'open') link.outbox.settle(link)
  return Object.getPrototypeOf(this).close.call(this, discard)
}
