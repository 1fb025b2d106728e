import { MessageChannel } from 'node:worker_threads'

/** A port that nobody listens at. */
const { port1: nowhere } = new MessageChannel()
nowhere.close()

/**
 * Gives back the memory of bytes that nobody needs any more, at once: they are empty afterwards. Memory outside the heap
 * counts as pressure on it, so that bytes which wait for the collector have it collect the whole heap each 16 MiB or so,
 * which takes from everybody for a moment. A view of a part of its buffer is left alone, as others may have the rest.
 */
export function release(chunk: Uint8Array): void {
  const { buffer } = chunk
  if (!(buffer instanceof ArrayBuffer) || buffer.byteLength !== chunk.length || chunk.length === 0) return
  // What is sent to a closed port is taken from the sender all the same (HTML, "message port post message steps").
  nowhere.postMessage(null, [buffer])
}
