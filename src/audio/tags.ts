import { open } from 'node:fs/promises'
import { type ICommonTagsResult, type IPicture, parseFile } from 'music-metadata'

/** What a file says of itself. Texts are trimmed and bounded, and empty ones left out. */
export interface AudioTags {
  title: string | null
  artist: string | null
  album: string | null
  genres: string[]
  year: number | null
  cover: { data: Uint8Array; mediaType: string } | null
  /** Why there are no tags, or not all; null where nothing went wrong. */
  problem: string | null
}

const MAX_TEXT = 500
const MAX_GENRES = 10
const MAX_COVER_BYTES = 10 * 2 ** 20
/** Files whose tags are larger are read without their pictures. */
const MAX_TAG_BYTES = 16 * 2 ** 20
const TIME_MS = 10_000

/** Reads the tags of a file; never throws. A picture of more than 10 MiB is left out. Takes at most 10 s. */
export async function readTags(path: string): Promise<AudioTags> {
  const none = { title: null, artist: null, album: null, genres: [], year: null, cover: null }
  let timer: NodeJS.Timeout | undefined
  try {
    const skipCovers = (await tagBytes(path)) > MAX_TAG_BYTES
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`reading the tags took longer than ${TIME_MS / 1000} s`)), TIME_MS)
    })
    const { common } = await Promise.race([parseFile(path, { duration: false, skipCovers }), late])
    const { cover, problem } = findCover(common)
    return {
      title: text(common.title),
      artist: text(common.artist),
      album: text(common.album),
      genres: [...new Set((common.genre ?? []).map(text).filter((genre) => genre !== null))].slice(0, MAX_GENRES),
      year: common.year && common.year > 0 && common.year < 10_000 ? Math.floor(common.year) : null,
      cover,
      problem: skipCovers ? 'the tags are too large: their pictures were left out' : problem,
    }
  } catch (error) {
    return { ...none, problem: `the tags cannot be read: ${error instanceof Error ? error.message : String(error)}` }
  } finally {
    clearTimeout(timer)
  }
}

/** Bytes of the ID3v2 tag or the MP4 box `moov` at the beginning, the places where pictures are large. */
async function tagBytes(path: string): Promise<number> {
  const file = await open(path, 'r')
  try {
    const head = Buffer.alloc(16)
    let position = 0
    // ftyp, free and such, before moov; where mdat comes first, moov is looked for behind it.
    for (let boxes = 0; boxes < 16; boxes++) {
      const { bytesRead } = await file.read(head, 0, 16, position)
      if (bytesRead < 16) return 0
      if (position === 0 && head.toString('latin1', 0, 3) === 'ID3')
        return [6, 7, 8, 9].reduce((sum, index) => (sum << 7) | (head[index]! & 0x7f), 0)
      if (position === 0 && head.toString('latin1', 4, 8) !== 'ftyp') return 0
      const short = head.readUInt32BE(0)
      const size = short === 1 ? Number(head.readBigUInt64BE(8)) : short
      if (head.toString('latin1', 4, 8) === 'moov') return size
      if (size < 8) return 0
      position += size
    }
    return 0
  } finally {
    await file.close()
  }
}

function text(value: unknown): string | null {
  if (typeof value !== 'string') return null
  // Fields of fixed width are filled up with zeros.
  const trimmed = value.replaceAll('\0', '').trim().slice(0, MAX_TEXT)
  return trimmed === '' ? null : trimmed
}

function findCover(common: ICommonTagsResult): Pick<AudioTags, 'cover' | 'problem'> {
  const pictures: IPicture[] = common.picture ?? []
  const front = pictures.find((picture) => /front/i.test(picture.type ?? '')) ?? pictures[0]
  if (!front || front.data.length === 0) return { cover: null, problem: null }
  if (front.data.length > MAX_COVER_BYTES) return { cover: null, problem: 'the cover picture is too large' }
  // A copy, so that it does not hold all that was read.
  return { cover: { data: Uint8Array.from(front.data), mediaType: front.format }, problem: null }
}
