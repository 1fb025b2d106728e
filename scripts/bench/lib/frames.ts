/** Just enough of RFC 6455 to load a server: frames out (masked with a zero key, so nothing is copied twice), frames in. */

export const OPCODE = { text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const

/** A client's frame. Masking is required of clients; a zero key is a legal one and leaves the bytes as they are. */
export function encodeFrame(body: string | Uint8Array, opcode: number = OPCODE.text): Buffer {
  const length = typeof body === 'string' ? Buffer.byteLength(body) : body.length
  const header = length < 126 ? 6 : length < 65_536 ? 8 : 14
  const frame = Buffer.allocUnsafe(header + length)
  frame[0] = 0x80 | opcode
  if (length < 126) {
    frame[1] = 0x80 | length
  } else if (length < 65_536) {
    frame[1] = 0x80 | 126
    frame.writeUInt16BE(length, 2)
  } else {
    frame[1] = 0x80 | 127
    frame.writeUInt32BE(0, 2)
    frame.writeUInt32BE(length, 6)
  }
  frame.writeUInt32BE(0, header - 4)
  if (typeof body === 'string') frame.write(body, header)
  else frame.set(body, header)
  return frame
}

/** The length of a server's frame that begins at `at`, or what of its head there has to be at least. */
export function frameLength(bytes: Buffer, at: number, end: number): number {
  if (end - at < 10) return end - at + 1
  const length = bytes[at + 1]! & 0x7f
  if (length < 126) return 2 + length
  if (length === 126) return 4 + bytes.readUInt16BE(at + 2)
  return 10 + bytes.readUInt32BE(at + 2) * 2 ** 32 + bytes.readUInt32BE(at + 6)
}

export interface FrameSink {
  /** One whole frame's payload: bytes `start` to `end` of `bytes`, valid only during the call. */
  frame(opcode: number, bytes: Buffer, start: number, end: number): void
}

/** Walks the frames in bytes `start` to `end`; returns where the first incomplete one begins. */
export function walkFrames(bytes: Buffer, start: number, end: number, sink: FrameSink): number {
  let at = start
  while (end - at >= 2) {
    const first = bytes[at]!
    let length = bytes[at + 1]! & 0x7f
    let header = 2
    if (length === 126) {
      if (end - at < 4) break
      length = bytes.readUInt16BE(at + 2)
      header = 4
    } else if (length === 127) {
      if (end - at < 10) break
      length = bytes.readUInt32BE(at + 2) * 2 ** 32 + bytes.readUInt32BE(at + 6)
      header = 10
    }
    if (end - at < header + length) break
    sink.frame(first & 0x0f, bytes, at + header, at + header + length)
    at += header + length
  }
  return at
}
