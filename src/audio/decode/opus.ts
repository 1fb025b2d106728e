import { OpusDecoder } from 'opus-decoder'
import type { AudioFile } from './file.ts'
import { type OggPage, type OggReader, readLastPage, readPages } from './ogg.ts'
import { DecodeError, MAX_CHANNELS, type PcmChunk, type PcmSource } from './pcm.ts'

/** Opus always decodes to this; the file's own rate is only a remark (RFC 7845, section 5.1). */
const RATE = 48_000
const BATCH_FRAMES = 16_384
/** What the decoder's buffer holds, a channel; longer packets are not made by any encoder and are left out. */
const MAX_PACKET_BYTES = 3_840
/** Of a packet that spans pages. */
const MAX_OPEN_BYTES = 256 * 1024

interface Head {
  channels: number
  preSkip: number
  gain: number
  streams: number
  coupled: number
  mapping: number[]
}

/** Ogg Opus (RFC 7845): pages are read and checked here, packets decoded by libopus. */
export async function openOpus(file: AudioFile, start: number): Promise<PcmSource> {
  const pages = readPages(file, start)
  const page = pages.next()
  const head = findHead(page)
  if (!page || !head) throw new DecodeError('malformed', 'the Opus header is broken')
  const decoder = new OpusDecoder({
    channels: head.channels,
    streamCount: head.streams,
    coupledStreamCount: head.coupled,
    channelMappingTable: head.mapping,
    preSkip: 0,
  })
  await decoder.ready
  const stream = createStream(pages, page, head)
  let lost = 0

  function decode(packets: Uint8Array[]): PcmChunk {
    try {
      const { channelData, samplesDecoded, errors } = quietly(() => decoder.decodeFrames(packets))
      lost += errors.length
      return { channels: channelData, frames: samplesDecoded }
    } catch (error) {
      throw new DecodeError('malformed', 'the decoder gave up on it', { cause: error })
    }
  }

  function next(): PcmChunk | null {
    for (;;) {
      const batch = stream.next()
      if (!batch) return null
      const sound = stream.trim(batch, decode(batch.packets))
      if (sound.frames === 0) continue
      if (head!.gain !== 1) {
        for (const plane of sound.channels) {
          for (let index = 0; index < plane.length; index++) plane[index]! *= head!.gain
        }
      }
      return sound
    }
  }

  let first: PcmChunk | null
  try {
    first = next()
    if (!first) throw new DecodeError('no_audio', 'there is a header, but no sound that can be decoded')
  } catch (error) {
    decoder.free()
    throw error
  }
  const last = readLastPage(file)
  const whole = last && last.serial === stream.serial() && last.granule > 0
  return {
    container: 'ogg',
    codec: 'opus',
    sampleRate: RATE,
    channels: head.channels,
    claimedFrames: whole ? Math.max(0, last.granule - stream.origin() - head.preSkip) : null,
    tolerance: 0,
    lead: 0,
    keep: Number.POSITIVE_INFINITY,
    next() {
      const chunk = first ?? next()
      first = null
      return chunk
    },
    problem: () => (lost > 0 ? `${lost} packets could not be decoded` : stream.problem()),
    close: () => decoder.free(),
  }
}

interface Batch {
  packets: Uint8Array[]
  /** What the last page says of the stream's end, where it is the last. */
  endGranule: number | null
}

/** Follows one Opus stream through its pages, and others of the same shape behind it. */
function createStream(pages: OggReader, firstPage: OggPage, head: Head) {
  let { serial, sequence } = firstPage
  let origin: number | null = null
  let skip = head.preSkip
  let decoded = 0
  let open: Uint8Array | null = null
  let headers = 1
  let ended = false
  let problem: string | null = null

  function begin(page: OggPage): void {
    serial = page.serial
    sequence = page.sequence
    origin = null
    decoded = 0
    open = null
    headers = 1
    ended = false
  }

  /** The packets that end on a page. */
  function complete(page: OggPage): Uint8Array[] {
    const pieces = [...page.pieces]
    if (page.continued) {
      const rest = pieces.shift()
      if (rest && open && open.length + rest.length <= MAX_OPEN_BYTES) pieces.unshift(Buffer.concat([open, rest]))
    }
    open = page.open ? (pieces.pop() ?? null) : null
    return pieces
  }

  function take(page: OggPage): Uint8Array[] | null {
    if (page.first) {
      const other = findHead(page)
      if (!other) return null
      if (!ended) problem ??= 'a stream in it has no end'
      if (other.channels !== head.channels || `${other.mapping}` !== `${head.mapping}`) {
        problem ??= 'its channels change on the way'
        return null
      }
      skip = other.preSkip
      begin(page)
      return null
    }
    if (page.serial !== serial) return null
    if (page.sequence !== sequence + 1) problem ??= 'pages are missing or damaged'
    sequence = page.sequence
    const packets = complete(page)
    if (headers < 2 && packets[0] && Buffer.from(packets[0]).toString('latin1', 0, 8) === 'OpusTags') {
      headers = 2
      packets.shift()
    }
    const frames = packets.reduce((sum, packet) => sum + packetFrames(packet), 0)
    if (origin === null && packets.length > 0 && page.granule >= 0)
      origin = page.last ? 0 : Math.max(0, page.granule - frames)
    return packets.filter((packet) => {
      if (packet.length <= MAX_PACKET_BYTES * head.channels) return packet.length > 0
      problem ??= 'a packet is too long'
      return false
    })
  }

  return {
    serial: () => serial,
    origin: () => origin ?? 0,
    problem: () => problem ?? (ended ? null : 'the file ends before its stream does'),
    next(): Batch | null {
      const packets: Uint8Array[] = []
      let frames = 0
      while (frames < BATCH_FRAMES) {
        const page = pages.next()
        if (!page) {
          if (pages.skipped() > 0) problem ??= 'pages are missing or damaged'
          return packets.length > 0 ? { packets, endGranule: null } : null
        }
        for (const packet of take(page) ?? []) {
          packets.push(packet)
          frames += packetFrames(packet)
        }
        if (page.last && page.serial === serial) {
          ended = true
          return { packets, endGranule: page.granule }
        }
      }
      return { packets, endGranule: null }
    },
    /** Leaves out the frames before the sound and, at the end of the stream, those behind it. */
    trim(batch: Batch, chunk: PcmChunk): PcmChunk {
      const from = Math.min(skip, chunk.frames)
      skip -= from
      decoded += chunk.frames
      let to = chunk.frames
      if (batch.endGranule !== null && batch.endGranule >= 0) {
        const excess = decoded - (batch.endGranule - (origin ?? 0))
        to = Math.max(from, Math.min(to, chunk.frames - excess))
      }
      return { channels: chunk.channels.map((plane) => plane.subarray(from, to)), frames: to - from }
    },
  }
}

/** Whether a first page begins an Opus stream. */
export function isOpus(page: OggPage | null): boolean {
  return page?.pieces[0] !== undefined && Buffer.from(page.pieces[0]).toString('latin1', 0, 8) === 'OpusHead'
}

/** RFC 7845, section 5.1; null where the page begins no Opus stream, or a broken one. */
function findHead(page: OggPage | null): Head | null {
  if (!page || !isOpus(page)) return null
  const bytes = Buffer.from(page.pieces[0]!)
  if (bytes.length < 19 || bytes[8]! > 15) return null
  const channels = bytes[9]!
  const family = bytes[18]!
  if (channels < 1 || channels > MAX_CHANNELS) throw new DecodeError('unsupported', `${channels} channels`)
  const common = { channels, preSkip: bytes.readUInt16LE(10), gain: 10 ** (bytes.readInt16LE(16) / (20 * 256)) }
  if (family === 0)
    return channels > 2 ? null : { ...common, streams: 1, coupled: channels - 1, mapping: [0, 1].slice(0, channels) }
  if (bytes.length < 21 + channels) return null
  const [streams, coupled] = [bytes[19]!, bytes[20]!]
  const mapping = [...bytes.subarray(21, 21 + channels)]
  const sound =
    streams > 0 && coupled <= streams && mapping.every((index) => index === 255 || index < streams + coupled)
  return sound ? { ...common, streams, coupled, mapping } : null
}

/** Frames a packet decodes to, by its first bytes (RFC 6716, section 3.1). */
function packetFrames(packet: Uint8Array): number {
  const toc = packet[0]
  if (toc === undefined) return 0
  const mode = toc >> 3
  const size =
    mode >= 16 ? 120 << (mode & 3) : mode >= 12 ? 480 << (mode & 1) : (mode & 3) === 3 ? 2_880 : 480 << (mode & 3)
  const code = toc & 3
  const count = code === 0 ? 1 : code < 3 ? 2 : (packet[1] ?? 0) & 63
  return size * count
}

/** The decoder tells of every broken packet on the console too; they are counted instead. */
function quietly<T>(work: () => T): T {
  const told = console.error
  console.error = () => {}
  try {
    return work()
  } finally {
    console.error = told
  }
}
