import type { AudioFile } from './file.ts'
import { DecodeError, MAX_CHANNELS, type PcmSource } from './pcm.ts'

const BATCH_FRAMES = 16_384
const MAX_CHUNKS = 10_000
const INTEGER = 1
const FLOAT = 3
const EXTENSIBLE = 0xfffe

/** Reads `count` samples of one channel from interleaved bytes. Gives how many were no numbers. */
type Convert = (view: DataView, offset: number, stride: number, target: Float32Array, count: number) => number

/**
 * RIFF/WAVE of 8 to 32 bits, floats of 32 and 64 bits, plain and extensible, RF64 and BW64 (EBU Tech 3306). A data chunk
 * of size 0 or of 32 ones is what a recorder leaves that could not come back to it: it reaches to the end of the file.
 */
export function openWav(file: AudioFile, start: number): PcmSource {
  const layout = readLayout(file, start)
  const { channels, sampleRate, blockAlign, convert, codec } = layout
  const available = Math.max(0, file.size - layout.dataStart)
  const held = Math.floor(Math.min(layout.dataBytes ?? available, available) / blockAlign)
  const claimed = layout.dataBytes === null ? held : Math.floor(layout.dataBytes / blockAlign)
  const sampleBytes = blockAlign / channels
  const bytes = new Uint8Array(BATCH_FRAMES * blockAlign)
  const view = new DataView(bytes.buffer)
  const planes = Array.from({ length: channels }, () => new Float32Array(BATCH_FRAMES))
  let done = 0
  let strange = 0

  return {
    container: 'wav',
    codec,
    sampleRate,
    channels,
    claimedFrames: claimed,
    tolerance: 0,
    lead: 0,
    keep: Number.POSITIVE_INFINITY,
    next() {
      const wanted = Math.min(BATCH_FRAMES, held - done)
      if (wanted <= 0) return null
      const got = file.readAt(layout.dataStart + done * blockAlign, bytes.subarray(0, wanted * blockAlign))
      const frames = Math.floor(got / blockAlign)
      if (frames === 0) return null
      for (const [channel, plane] of planes.entries()) {
        strange += convert(view, channel * sampleBytes, blockAlign, plane, frames)
      }
      done += frames
      return { channels: planes.map((plane) => plane.subarray(0, frames)), frames }
    },
    problem: () => (strange > 0 ? `${strange} samples are no numbers` : null),
    close: () => {},
  }
}

interface Layout {
  channels: number
  sampleRate: number
  blockAlign: number
  codec: string
  convert: Convert
  dataStart: number
  /** Null: to the end of the file. */
  dataBytes: number | null
}

function readLayout(file: AudioFile, start: number): Layout {
  let format: Omit<Layout, 'dataStart' | 'dataBytes'> | undefined
  let longData: number | undefined
  let position = start + 12
  for (let chunks = 0; chunks < MAX_CHUNKS; chunks++) {
    const head = file.slice(position, 8)
    if (head.length < 8) break
    const id = head.toString('latin1', 0, 4)
    const size = head.readUInt32LE(4)
    const body = position + 8
    if (id === 'ds64') {
      const sizes = file.slice(body, 16)
      if (sizes.length === 16) longData = Number(sizes.readBigUInt64LE(8))
    } else if (id === 'fmt ') {
      format = readFormat(file.slice(body, Math.min(size, 40)))
    } else if (id === 'data') {
      if (!format) throw new DecodeError('malformed', 'the WAVE file has no format before its data')
      return { ...format, dataStart: body, dataBytes: dataLength(file, body, size, longData) }
    }
    position = body + size + (size % 2)
  }
  throw new DecodeError(format ? 'no_audio' : 'malformed', 'the WAVE file has no data')
}

function dataLength(file: AudioFile, body: number, size: number, longData: number | undefined): number | null {
  if (size === 0xffff_ffff) return longData !== undefined && longData > 0 ? longData : null
  if (size > 0) return size
  // Nothing, and another chunk behind it that ends where the file does: it is really empty.
  const after = file.slice(body, 8)
  const named = after.length === 8 && /^[\x20-\x7e]{4}$/.test(after.toString('latin1', 0, 4))
  return named && body + 8 + after.readUInt32LE(4) <= file.size ? 0 : null
}

function readFormat(bytes: Buffer): Omit<Layout, 'dataStart' | 'dataBytes'> {
  if (bytes.length < 16) throw new DecodeError('malformed', 'the format of the WAVE file is cut')
  const tag = bytes.readUInt16LE(0)
  const channels = bytes.readUInt16LE(2)
  const sampleRate = bytes.readUInt32LE(4)
  const blockAlign = bytes.readUInt16LE(12)
  const bits = bytes.readUInt16LE(14)
  // The first two bytes of the extensible format's GUID are the plain format's tag.
  const kind = tag === EXTENSIBLE && bytes.length >= 26 ? bytes.readUInt16LE(24) : tag
  if (kind !== INTEGER && kind !== FLOAT)
    throw new DecodeError('unsupported', `WAVE format ${kind} is neither integer nor float PCM`)
  if (channels < 1 || channels > MAX_CHANNELS)
    throw new DecodeError('unsupported', `${channels} channels are not 1 to ${MAX_CHANNELS}`)
  if (sampleRate < 1000 || sampleRate > 768_000) throw new DecodeError('malformed', `a sample rate of ${sampleRate} Hz`)
  const sampleBytes = Math.ceil(bits / 8)
  const convert = (kind === FLOAT ? FLOATS : INTEGERS)[sampleBytes]
  if (!convert || blockAlign !== sampleBytes * channels)
    throw new DecodeError('unsupported', `${bits} bits a sample in blocks of ${blockAlign} bytes`)
  const codec = kind === FLOAT ? `pcm_f${sampleBytes * 8}` : `pcm_${sampleBytes === 1 ? 'u' : 's'}${sampleBytes * 8}`
  return { channels, sampleRate, blockAlign, codec, convert }
}

/**
 * Samples of fewer bits than their bytes hold are at the upper end of them, so the scale is that of the bytes. Each
 * width has a loop of its own: one loop that calls for every sample takes three times as long.
 */
const INTEGERS: Record<number, Convert> = {
  1: (view, offset, stride, target, count) => {
    for (let index = 0, at = offset; index < count; index++, at += stride) {
      target[index] = (view.getUint8(at) - 128) / 128
    }
    return 0
  },
  2: (view, offset, stride, target, count) => {
    for (let index = 0, at = offset; index < count; index++, at += stride) {
      target[index] = view.getInt16(at, true) / 32_768
    }
    return 0
  },
  3: (view, offset, stride, target, count) => {
    for (let index = 0, at = offset; index < count; index++, at += stride) {
      target[index] = ((view.getInt8(at + 2) << 16) | view.getUint16(at, true)) / 8_388_608
    }
    return 0
  },
  4: (view, offset, stride, target, count) => {
    for (let index = 0, at = offset; index < count; index++, at += stride) {
      target[index] = view.getInt32(at, true) / 2_147_483_648
    }
    return 0
  },
}

const FLOATS: Record<number, Convert> = {
  4: (view, offset, stride, target, count) => {
    for (let index = 0, at = offset; index < count; index++, at += stride) target[index] = view.getFloat32(at, true)
    return clean(target, count)
  },
  8: (view, offset, stride, target, count) => {
    for (let index = 0, at = offset; index < count; index++, at += stride) target[index] = view.getFloat64(at, true)
    return clean(target, count)
  },
}

/** What is no finite number becomes silence, as it would spoil all that is computed from it. */
function clean(target: Float32Array, count: number): number {
  let strange = 0
  for (let index = 0; index < count; index++) {
    const value = target[index]!
    if (value - value === 0) continue
    target[index] = 0
    strange++
  }
  return strange
}
