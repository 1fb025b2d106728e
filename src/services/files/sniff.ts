import { fileTypeFromBuffer } from 'file-type'
import { AppError } from '../../kernel/errors.ts'

/** How much of a file is looked at to tell what it is. */
export const sniffBytes = 16 * 1024

/** What recordings can be, by what the detector calls the format, as their bytes are served. */
const audioTypes: Record<string, string> = {
  mp3: 'audio/mpeg',
  wav: 'audio/wav',
  flac: 'audio/flac',
  ogg: 'audio/ogg',
  opus: 'audio/ogg; codecs=opus',
  m4a: 'audio/mp4',
  m4b: 'audio/mp4',
  f4a: 'audio/mp4',
  aac: 'audio/aac',
}

/** The media types of recordings. */
export const audioMediaTypes = [...new Set(Object.values(audioTypes).map((type) => type.split(';')[0]!))]

/** The media type of a recording by its first bytes, whatever it is called. Throws `unsupported_media`. */
export async function audioTypeOf(head: Uint8Array): Promise<string> {
  const found = await fileTypeFromBuffer(head)
  // The detector also knows Ogg with video or speech in it, which go by other names.
  const type = found && audioTypes[found.ext]
  if (type && (found.ext !== 'ogg' || found.mime === 'audio/ogg')) return type
  throw new AppError(
    'unsupported_media',
    'The file must be MP3, WAV, FLAC, Ogg Vorbis, Opus, M4A or AAC, by its content',
  )
}

/** The first bytes of a stream, and the stream as if nothing had been taken from it. */
export async function peek(
  source: AsyncIterable<Uint8Array>,
  bytes: number,
): Promise<{ head: Buffer; whole: AsyncIterable<Uint8Array> }> {
  const iterator = source[Symbol.asyncIterator]()
  const chunks: Uint8Array[] = []
  let size = 0
  while (size < bytes) {
    const { done, value } = await iterator.next()
    if (done) break
    chunks.push(value)
    size += value.length
  }
  async function* whole() {
    try {
      yield* chunks
      while (true) {
        const { done, value } = await iterator.next()
        if (done) return
        yield value
      }
    } finally {
      await iterator.return?.()
    }
  }
  return { head: Buffer.concat(chunks), whole: whole() }
}
