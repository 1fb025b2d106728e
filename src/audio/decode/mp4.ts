import type { AudioFile } from './file.ts'

/** What of the decoded frames is to be heard, in seconds; `seconds` is null where nothing says it. */
export interface Edit {
  leadSeconds: number
  seconds: number | null
}

interface Box {
  type: string
  body: number
  end: number
}

const MAX_BOXES = 4_096
const MAX_ITEM_BYTES = 4_096

/**
 * Encoders of AAC begin with silence (1,024 frames, or 2,112 with Apple's). The edit list of the audio track
 * (ISO/IEC 14496-12, section 8.6.6) or, where there is none, the tag iTunSMPB says how much; without either nothing is
 * left out. Only whether a few numbers make sense is judged here: a broken file is the demuxer's to refuse.
 */
export function readEdit(file: AudioFile, start: number): Edit {
  const moov = find(file, start, file.size, 'moov')
  const none = { leadSeconds: 0, seconds: null }
  if (!moov) return none
  const movieScale = readTimescale(file, find(file, moov.body, moov.end, 'mvhd'))
  for (const trak of boxes(file, moov.body, moov.end)) {
    if (trak.type !== 'trak') continue
    const mdia = find(file, trak.body, trak.end, 'mdia')
    if (!mdia) continue
    const handler = find(file, mdia.body, mdia.end, 'hdlr')
    if (!handler || file.slice(handler.body + 8, 4).toString('latin1') !== 'soun') continue
    const scale = readTimescale(file, find(file, mdia.body, mdia.end, 'mdhd'))
    const list = find(file, trak.body, trak.end, 'edts', 'elst')
    const edit = list && scale && movieScale ? readEditList(file, list, scale, movieScale) : null
    return edit ?? readGaplessTag(file, moov, scale) ?? none
  }
  return none
}

function* boxes(file: AudioFile, from: number, to: number): Generator<Box> {
  let position = from
  for (let count = 0; count < MAX_BOXES && position + 8 <= to; count++) {
    const head = file.slice(position, 16)
    if (head.length < 8) return
    let size = head.readUInt32BE(0)
    let header = 8
    if (size === 1 && head.length === 16) {
      size = Number(head.readBigUInt64BE(8))
      header = 16
    } else if (size === 0) size = to - position
    if (size < header) return
    const end = Math.min(position + size, to)
    yield { type: head.toString('latin1', 4, 8), body: position + header, end }
    position += size
  }
}

/** The first box of each name inside the one before. */
function find(file: AudioFile, from: number, to: number, ...path: string[]): Box | null {
  let inside = { body: from, end: to }
  let found: Box | null = null
  for (const type of path) {
    found = null
    for (const box of boxes(file, inside.body, inside.end)) {
      if (box.type !== type) continue
      found = box
      break
    }
    if (!found) return null
    inside = found
  }
  return found
}

/** Of `mvhd` and `mdhd`, which begin alike. */
function readTimescale(file: AudioFile, box: Box | null): number {
  if (!box) return 0
  const bytes = file.slice(box.body, 24)
  if (bytes.length < 24) return 0
  return bytes.readUInt32BE(bytes[0] === 1 ? 20 : 12)
}

function readEditList(file: AudioFile, box: Box, scale: number, movieScale: number): Edit | null {
  const bytes = file.slice(box.body, Math.min(box.end - box.body, MAX_ITEM_BYTES))
  if (bytes.length < 8) return null
  const long = bytes[0] === 1
  const width = long ? 20 : 12
  const count = Math.min(bytes.readUInt32BE(4), Math.floor((bytes.length - 8) / width))
  const edits = Array.from({ length: count }, (_, index) => {
    const at = 8 + index * width
    return long
      ? { duration: Number(bytes.readBigUInt64BE(at)), media: Number(bytes.readBigInt64BE(at + 8)) }
      : { duration: bytes.readUInt32BE(at), media: bytes.readInt32BE(at + 4) }
  }).filter((edit) => edit.media >= 0)
  const first = edits[0]
  if (!first) return null
  // The duration is in the movie's coarse ticks: it ends the sound only where it is clearly shorter.
  const seconds = edits.length === 1 && first.duration > 0 ? (first.duration + 1) / movieScale : null
  return { leadSeconds: first.media / scale, seconds }
}

/** ` 00000000 00000840 000001CA 00000000003F31F6 …`: flags, frames before, after, and between. */
function readGaplessTag(file: AudioFile, moov: Box, scale: number): Edit | null {
  const meta = find(file, moov.body, moov.end, 'udta', 'meta')
  if (!meta || !scale) return null
  const items = find(file, meta.body + 4, meta.end, 'ilst')
  if (!items) return null
  for (const item of boxes(file, items.body, items.end)) {
    if (item.type !== '----' || item.end - item.body > MAX_ITEM_BYTES) continue
    const name = find(file, item.body, item.end, 'name')
    if (!name || file.slice(name.body + 4, name.end - name.body - 4).toString('latin1') !== 'iTunSMPB') continue
    const data = find(file, item.body, item.end, 'data')
    const text = data ? file.slice(data.body + 8, data.end - data.body - 8).toString('latin1') : ''
    const match = /^\s*[\dA-F]{8} ([\dA-F]{8}) ([\dA-F]{8}) ([\dA-F]{16})/i.exec(text)
    if (!match) return null
    const [before, , frames] = [1, 2, 3].map((group) => Number.parseInt(match[group]!, 16)) as [number, number, number]
    return { leadSeconds: before / scale, seconds: frames > 0 ? frames / scale : null }
  }
  return null
}
