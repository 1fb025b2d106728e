import type { AudioFile } from './file.ts'

export type Container = 'wav' | 'flac' | 'ogg' | 'mp4' | 'mp3' | 'adts'

/** How far junk before the first MPEG or ADTS frame is passed over. */
const SCAN_BYTES = 128 * 1024
const MAX_TAGS = 8

/**
 * Tells by its first bytes what a file is and where the sound begins, after ID3v2 tags; null where it is nothing known.
 * Names and media types are not believed.
 */
export function sniff(file: AudioFile): { container: Container; start: number } | null {
  const start = skipId3(file)
  const head = file.slice(start, 12)
  const at = (offset: number, text: string) =>
    head.length >= offset + text.length && head.toString('latin1', offset, offset + text.length) === text
  if ((at(0, 'RIFF') || at(0, 'RF64') || at(0, 'BW64')) && at(8, 'WAVE')) return { container: 'wav', start }
  if (at(0, 'fLaC')) return { container: 'flac', start }
  if (at(0, 'OggS')) return { container: 'ogg', start }
  if (at(4, 'ftyp')) return { container: 'mp4', start }
  return findFrames(file, start)
}

/** Tags may follow each other; each says how long it is (id3.org, ID3v2.4, section 3.1). */
function skipId3(file: AudioFile): number {
  let start = 0
  for (let tags = 0; tags < MAX_TAGS; tags++) {
    const head = file.slice(start, 10)
    if (head.length < 10 || head.toString('latin1', 0, 3) !== 'ID3') break
    const size = [6, 7, 8, 9].reduce((sum, index) => (sum << 7) | (head[index]! & 0x7f), 0)
    const footer = head[5]! & 0x10 ? 10 : 0
    if (start + 10 + size + footer >= file.size) break
    start += 10 + size + footer
  }
  return start
}

/** The first place where a frame of MPEG layer III or ADTS is followed by another of its kind, or by the end. */
function findFrames(file: AudioFile, from: number): { container: Container; start: number } | null {
  const bytes = file.slice(from, SCAN_BYTES)
  const left = file.size - from
  for (let at = 0; at + 7 <= bytes.length; at++) {
    if (bytes[at] !== 0xff || bytes[at + 1]! < 0xe0) continue
    for (const [container, read] of [
      ['mp3', readMpegHeader],
      ['adts', readAdtsHeader],
    ] as const) {
      const first = read(bytes, at)
      if (!first) continue
      const next = at + first.length
      if (next === left) return { container, start: from + at }
      const second = next + 7 <= bytes.length ? bytes.subarray(next, next + 7) : file.slice(from + next, 7)
      if (second.length === 7 && read(second, 0)?.kind === first.kind) return { container, start: from + at }
    }
  }
  return null
}

interface FrameHeader {
  length: number
  /** What stays the same from frame to frame. */
  kind: string
}

const MPEG1_KBITS = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320]
const MPEG2_KBITS = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160]
const MPEG1_RATES = [44_100, 48_000, 32_000]

/** ISO/IEC 11172-3, section 2.4.1.3, layer III only. */
function readMpegHeader(bytes: Uint8Array, at: number): FrameHeader | null {
  const [b1, b2] = [bytes[at + 1]!, bytes[at + 2]!]
  if (bytes[at] !== 0xff || (b1 & 0xe6) !== 0xe2) return null
  const version = (b1 >> 3) & 3
  const bitrate = b2 >> 4
  const rateIndex = (b2 >> 2) & 3
  if (version === 1 || bitrate === 0 || bitrate === 15 || rateIndex === 3) return null
  const mpeg1 = version === 3
  const rate = MPEG1_RATES[rateIndex]! / (mpeg1 ? 1 : version === 2 ? 2 : 4)
  const kbits = (mpeg1 ? MPEG1_KBITS : MPEG2_KBITS)[bitrate]!
  const length = Math.floor(((mpeg1 ? 144_000 : 72_000) * kbits) / rate) + ((b2 >> 1) & 1)
  return { length, kind: `${version} ${rate}` }
}

/** ISO/IEC 13818-7, section 6.2. */
function readAdtsHeader(bytes: Uint8Array, at: number): FrameHeader | null {
  if (bytes[at] !== 0xff || (bytes[at + 1]! & 0xf6) !== 0xf0) return null
  const rateIndex = (bytes[at + 2]! >> 2) & 15
  const length = ((bytes[at + 3]! & 3) << 11) | (bytes[at + 4]! << 3) | (bytes[at + 5]! >> 5)
  if (rateIndex > 12 || length < 8) return null
  return { length, kind: `${bytes[at + 1]} ${bytes[at + 2]! & 0xfd}` }
}
