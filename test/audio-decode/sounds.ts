import { execFile } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type DecodeLimits, openDecoder, standardLimits } from '../../src/audio/decode/index.ts'

const run = promisify(execFile)

/** ffmpeg without a word but for errors. Gives what it writes to its standard output. */
export async function ffmpeg(...args: string[]): Promise<Buffer> {
  const options = { encoding: 'buffer' as const, maxBuffer: 2 ** 30 }
  return (await run(process.env['TEST_FFMPEG'] ?? 'ffmpeg', ['-v', 'error', '-nostdin', '-y', ...args], options)).stdout
}

export function createFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'phantom-power-audio-'))
  return { at: (name: string) => join(folder, name), remove: () => rm(folder, { recursive: true, force: true }) }
}

/** The same noise every time: a linear congruential generator, −1 to 1. */
export function createNoise(seed = 1): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 31 - 1
  }
}

/** Chords, a beat and noise in stereo, so that no codec has it easy. */
export function makeMusic(seconds: number, sampleRate = 44_100): [Float32Array, Float32Array] {
  const frames = Math.round(seconds * sampleRate)
  const [left, right] = [new Float32Array(frames), new Float32Array(frames)]
  const noise = createNoise()
  const roots = [220, 261.6, 329.6, 392]
  for (let index = 0; index < frames; index++) {
    const time = index / sampleRate
    const root = 2 * Math.PI * roots[Math.floor(time / 2) % 4]! * time
    const beat = (time * 2) % 1
    const kick = 0.45 * Math.exp(-beat * 12) * Math.sin(2 * Math.PI * (50 + 80 * Math.exp(-beat * 30)) * beat)
    const hat = 0.2 * Math.exp(-((time * 4) % 1) * 20) * noise()
    const chord = 0.13 * (Math.sin(root) + Math.sin(1.25 * root) + Math.sin(1.5 * root))
    left[index] = kick + hat + chord
    right[index] = kick + 1.3 * hat + 0.8 * chord + 0.08 * Math.sin(5 * root)
  }
  return [left, right]
}

/** A WAVE file of 32-bit floats. */
export function makeWav(planes: Float32Array[], sampleRate = 44_100): Buffer {
  const channels = planes.length
  const frames = planes[0]!.length
  const data = Buffer.alloc(frames * channels * 4)
  for (let index = 0; index < frames; index++) {
    for (let channel = 0; channel < channels; channel++) {
      data.writeFloatLE(planes[channel]![index]!, (index * channels + channel) * 4)
    }
  }
  return riff([format({ tag: 3, channels, sampleRate, bits: 32 }), chunk('data', data)])
}

export function riff(chunks: Buffer[], id = 'RIFF', size?: number): Buffer {
  const body = Buffer.concat(chunks)
  const head = Buffer.from(`${id}\0\0\0\0WAVE`, 'latin1')
  head.writeUInt32LE(size ?? body.length + 4, 4)
  return Buffer.concat([head, body])
}

export function chunk(id: string, body: Buffer, size = body.length): Buffer {
  const head = Buffer.from(`${id}\0\0\0\0`, 'latin1')
  head.writeUInt32LE(size, 4)
  return Buffer.concat([head, body, Buffer.alloc(body.length % 2)])
}

export function format(of: {
  tag: number
  channels: number
  sampleRate: number
  bits: number
  subTag?: number
}): Buffer {
  const body = Buffer.alloc(of.subTag === undefined ? 16 : 40)
  const align = of.channels * Math.ceil(of.bits / 8)
  body.writeUInt16LE(of.tag, 0)
  body.writeUInt16LE(of.channels, 2)
  body.writeUInt32LE(of.sampleRate, 4)
  body.writeUInt32LE(of.sampleRate * align, 8)
  body.writeUInt16LE(align, 12)
  body.writeUInt16LE(of.bits, 14)
  if (of.subTag !== undefined) {
    body.writeUInt16LE(22, 16)
    body.writeUInt16LE(of.bits, 18)
    body.writeUInt16LE(of.subTag, 24)
    Buffer.from('0000000000001000800000aa00389b71', 'hex').copy(body, 26, 2)
  }
  return chunk('fmt ', body)
}

/** All of a file's sound at once, which only tests want. */
export async function decodeAll(path: string, limits: Partial<DecodeLimits> = {}) {
  const decoder = await openDecoder(path, { ...standardLimits, ...limits })
  try {
    const parts: Float32Array[][] = Array.from({ length: decoder.info.channels }, () => [])
    for await (const piece of decoder.chunks()) {
      for (const [channel, plane] of piece.channels.entries()) parts[channel]!.push(plane.slice())
    }
    return { info: decoder.info, result: decoder.result(), planes: parts.map(concat) }
  } finally {
    await decoder.close()
  }
}

function concat(parts: Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
