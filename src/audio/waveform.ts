import type { PcmChunk } from './decode/pcm.ts'

/** One zoom level: of every point and channel the lowest and highest sample, −128 to 127, interleaved by point. */
export interface WaveformLevel {
  samplesPerPoint: number
  length: number
  data: Int8Array
}

/** The levels of one sound, finest first. */
export interface Waveform {
  channels: number
  sampleRate: number
  frames: number
  levels: WaveformLevel[]
}

/** What `GET …/waveform` answers: for each point, and in it for each channel, the minimum and the maximum. */
export interface WaveformAnswer {
  version: 2
  channels: number
  sampleRate: number
  samplesPerPoint: number
  length: number
  data: number[]
}

/** The JSON data format, version 2, of the BBC's audiowaveform. */
export interface AudiowaveformJson {
  version: 2
  channels: number
  sample_rate: number
  samples_per_pixel: number
  bits: 8
  length: number
  data: number[]
}

const FINEST = 256
const STEP = 4
/** Of the finest level; when there are more, it is made coarser. 25 minutes at 44.1 kHz keep 256 samples a point. */
const MAX_POINTS = 262_144
/** Levels are made until one has at most as many points. */
const FEW_POINTS = 512

/** Takes chunks as they come and holds a megabyte for each channel at most. */
export function createWaveformBuilder(format: { sampleRate: number; channels: number }) {
  const { channels, sampleRate } = format
  const width = channels * 2
  let samplesPerPoint = FINEST
  let data = new Int8Array(4_096 * width)
  let points = 0
  let frames = 0
  /** The point that is being filled. */
  let filled = 0
  const low = new Float32Array(channels)
  const high = new Float32Array(channels)

  function close() {
    if (filled === 0) return
    if ((points + 1) * width > data.length) {
      const larger = new Int8Array(Math.min(data.length * 2, MAX_POINTS * width))
      larger.set(data)
      data = larger
    }
    for (let channel = 0; channel < channels; channel++) {
      data[points * width + channel * 2] = toByte(low[channel]!)
      data[points * width + channel * 2 + 1] = toByte(high[channel]!)
    }
    points++
    filled = 0
    // Before the next point begins, which then takes as many samples as the others.
    if (points === MAX_POINTS) coarsen()
  }

  function coarsen() {
    const level = merge({ samplesPerPoint, length: points, data: data.subarray(0, points * width) }, channels, STEP)
    samplesPerPoint = level.samplesPerPoint
    points = level.length
    data = new Int8Array(MAX_POINTS * width)
    data.set(level.data)
  }

  return {
    push(chunk: PcmChunk): void {
      for (let from = 0; from < chunk.frames; ) {
        const to = Math.min(chunk.frames, from + samplesPerPoint - filled)
        for (let channel = 0; channel < channels; channel++) {
          const plane = chunk.channels[channel]!
          let least = filled === 0 ? Number.POSITIVE_INFINITY : low[channel]!
          let most = filled === 0 ? Number.NEGATIVE_INFINITY : high[channel]!
          for (let index = from; index < to; index++) {
            const value = plane[index]!
            if (value < least) least = value
            if (value > most) most = value
          }
          low[channel] = least
          high[channel] = most
        }
        filled += to - from
        frames += to - from
        from = to
        if (filled >= samplesPerPoint) close()
      }
    },
    /** All levels; the builder takes no more afterwards. */
    finish(): Waveform {
      close()
      const levels: WaveformLevel[] = [{ samplesPerPoint, length: points, data: data.slice(0, points * width) }]
      for (let last = levels[0]!; last.length > FEW_POINTS; levels.push(last)) last = merge(last, channels, STEP)
      return { channels, sampleRate, frames, levels }
    },
  }
}

function toByte(value: number): number {
  return Math.max(-128, Math.min(127, Math.round(value * 128)))
}

/** Each `count` points become one. */
function merge(level: WaveformLevel, channels: number, count: number): WaveformLevel {
  const width = channels * 2
  const length = Math.ceil(level.length / count)
  const data = new Int8Array(length * width)
  for (let point = 0; point < length; point++) {
    const to = Math.min(level.length, (point + 1) * count)
    for (let channel = 0; channel < channels; channel++) {
      let least = 127
      let most = -128
      for (let from = point * count; from < to; from++) {
        least = Math.min(least, level.data[from * width + channel * 2]!)
        most = Math.max(most, level.data[from * width + channel * 2 + 1]!)
      }
      data[point * width + channel * 2] = least
      data[point * width + channel * 2 + 1] = most
    }
  }
  return { samplesPerPoint: level.samplesPerPoint * count, length, data }
}

/**
 * At most `points` points, and of a sound that is long enough more than four fifths of them: a stored level of which a
 * whole number of points is merged into one, so that each answers for equally many samples.
 */
export function waveformFor(stored: Waveform, points: number): WaveformAnswer {
  const wanted = Math.max(1, Math.floor(points))
  const fine = stored.levels.filter((level) => level.length >= 4 * wanted).at(-1) ?? stored.levels[0]!
  const count = Math.max(1, Math.ceil(fine.length / wanted))
  const level = count === 1 ? fine : merge(fine, stored.channels, count)
  return {
    version: 2,
    channels: stored.channels,
    sampleRate: stored.sampleRate,
    samplesPerPoint: level.samplesPerPoint,
    length: level.length,
    data: [...level.data],
  }
}

/** One level as audiowaveform writes it. */
export function toAudiowaveform(stored: Waveform, level: WaveformLevel): AudiowaveformJson {
  return {
    version: 2,
    channels: stored.channels,
    sample_rate: stored.sampleRate,
    samples_per_pixel: level.samplesPerPoint,
    bits: 8,
    length: level.length,
    data: [...level.data],
  }
}

const MAGIC = 0x5050_5746
const VERSION = 1
const HEAD_BYTES = 20
const LEVEL_BYTES = 8
const MAX_LEVELS = 16

/** The stored form: a head, the head of each level, and their bytes behind each other, all little-endian. */
export function encodeWaveform(waveform: Waveform): Uint8Array {
  const { channels, sampleRate, frames, levels } = waveform
  const size = levels.reduce((sum, level) => sum + LEVEL_BYTES + level.data.length, HEAD_BYTES)
  const bytes = new Uint8Array(size)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, MAGIC)
  view.setUint8(4, VERSION)
  view.setUint8(5, channels)
  view.setUint8(6, levels.length)
  view.setUint32(8, sampleRate, true)
  view.setFloat64(12, frames, true)
  let at = HEAD_BYTES + levels.length * LEVEL_BYTES
  for (const [index, level] of levels.entries()) {
    view.setUint32(HEAD_BYTES + index * LEVEL_BYTES, level.samplesPerPoint, true)
    view.setUint32(HEAD_BYTES + index * LEVEL_BYTES + 4, level.length, true)
    bytes.set(new Uint8Array(level.data.buffer, level.data.byteOffset, level.data.length), at)
    at += level.data.length
  }
  return bytes
}

/** The reverse of encodeWaveform; the levels are views of `bytes`. Throws a RangeError where they are something else. */
export function decodeWaveform(bytes: Uint8Array): Waveform {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < HEAD_BYTES || view.getUint32(0) !== MAGIC || view.getUint8(4) !== VERSION)
    throw new RangeError('these bytes are no stored waveform')
  const channels = view.getUint8(5)
  const count = view.getUint8(6)
  if (channels === 0 || count === 0 || count > MAX_LEVELS) throw new RangeError('the stored waveform is broken')
  const levels: WaveformLevel[] = []
  let at = HEAD_BYTES + count * LEVEL_BYTES
  for (let index = 0; index < count; index++) {
    const samplesPerPoint = view.getUint32(HEAD_BYTES + index * LEVEL_BYTES, true)
    const length = view.getUint32(HEAD_BYTES + index * LEVEL_BYTES + 4, true)
    const size = length * channels * 2
    if (at + size > bytes.length) throw new RangeError('the stored waveform is cut')
    levels.push({ samplesPerPoint, length, data: new Int8Array(bytes.buffer, bytes.byteOffset + at, size) })
    at += size
  }
  return { channels, sampleRate: view.getUint32(8, true), frames: view.getFloat64(12, true), levels }
}
