import type { Server } from 'socket.io'
import type { Bus, Emitter } from '../kernel/ports.ts'
import { type BatchingAdapter, encodeEvent } from './batching-adapter.ts'

const separator = '\u001f'

/** Sends events to sockets: here through the batching adapter, elsewhere over the bus. Encodes each event once. */
export function createEmitter(io: Server, bus: Bus): Emitter {
  const adapter = io.of('/').adapter as BatchingAdapter

  bus.subscribe('emit', (message) => {
    const end = message.indexOf(separator)
    adapter.emitEncoded(message.slice(0, end), message.slice(end + 1))
  })

  return {
    emit(room, event, payload) {
      const packet = encodeEvent(event, payload)
      adapter.emitEncoded(room, packet)
      bus.publish('emit', room + separator + packet)
    },
    emitLocal(room, event, payload) {
      if (adapter.rooms.has(room)) adapter.emitEncoded(room, encodeEvent(event, payload))
    },
    emitEncoded: (room, packet) => void adapter.emitEncoded(room, packet),
    encode: encodeEvent,
    has: (room) => adapter.rooms.has(room),
  }
}
