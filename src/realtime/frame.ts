/** One Socket.IO text packet, ready for every transport. */
export interface Frame {
  /** The Socket.IO packet as text, such as `2["room:message",{…}]`. */
  readonly packet: string
  /** The whole WebSocket frame that carries it: header, Engine.IO's `4`, packet. */
  readonly bytes: Buffer
  /** Whether a polling response that carries it may be compressed. */
  readonly compress: boolean
}

const FIN_TEXT = 0x81
const ENGINE_MESSAGE = 0x34 // the character 4: "message" in Engine.IO

/**
 * Encodes an event of the namespace `/` as Socket.IO packet text, to be emitted any number of times.
 * The payload must be plain JSON: binary values are not looked for.
 */
export function encodeEvent(event: string, payload: unknown): string {
  return `2${JSON.stringify([event, payload])}`
}

/**
 * Frames Socket.IO packet text as one unmasked, unfragmented WebSocket text frame (RFC 6455, 5.2).
 * Header and payload share one Buffer, so that a frame is one chunk to write.
 */
export function frameText(packet: string): Buffer {
  const length = Buffer.byteLength(packet) + 1
  const offset = length < 126 ? 2 : length < 65536 ? 4 : 10
  const bytes = Buffer.allocUnsafe(offset + length)
  bytes[0] = FIN_TEXT
  if (offset === 2) bytes[1] = length
  else if (offset === 4) {
    bytes[1] = 126
    bytes.writeUInt16BE(length, 2)
  } else {
    bytes[1] = 127
    bytes.writeUInt32BE(Math.floor(length / 2 ** 32), 2)
    bytes.writeUInt32BE(length >>> 0, 6)
  }
  bytes[offset] = ENGINE_MESSAGE
  bytes.write(packet, offset + 1)
  return bytes
}

/** Makes a Frame of Socket.IO packet text. */
export function createFrame(packet: string, compress = true): Frame {
  return { packet, bytes: frameText(packet), compress }
}
