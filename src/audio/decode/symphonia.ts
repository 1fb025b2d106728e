import { readFile } from 'node:fs/promises'
import type { AudioFile } from './file.ts'
import { DecodeError, type DecodeReason, type PcmSource } from './pcm.ts'

/** As `open` of native/symphonia/src/lib.rs takes them. */
const KINDS = { mp4: 0, adts: 1, flac: 2, ogg: 3, mp3: 4 } as const

const BATCH_FRAMES = 16_384
/** A batch is a few packets; a packet of at most 65,535 frames may come on top. */
const MAX_BATCH_FRAMES = BATCH_FRAMES + 65_536

/** What the module answers below 0. */
const FAILURES: Record<number, { reason: DecodeReason; message: string }> = {
  [-1]: { reason: 'unreadable', message: 'the file cannot be read' },
  [-2]: { reason: 'malformed', message: 'its structure is broken' },
  [-3]: { reason: 'unsupported', message: 'a codec or a feature of it is not supported' },
  [-4]: { reason: 'malformed', message: 'a limit of its format is exceeded' },
  [-5]: { reason: 'malformed', message: 'its sample rate or channels change on the way' },
  [-6]: { reason: 'no_audio', message: 'there is no audio track in it' },
  [-7]: { reason: 'malformed', message: 'the decoder is closed' },
}

interface Exports {
  memory: WebAssembly.Memory
  open(kind: number, length: number): number
  next(wanted: number): number
  plane(channel: number): number
  channels(): number
  sample_rate(): number
  total_seconds(): number
  lost_packets(): number
  codec_name(): number
  codec_name_length(): number
}

let compiled: Promise<WebAssembly.Module> | undefined

/** Compiled once a process; each file has an instance, and memory, of its own. */
function compile(): Promise<WebAssembly.Module> {
  compiled ??= readFile(new URL('./symphonia.wasm', import.meta.url)).then((bytes) => WebAssembly.compile(bytes))
  return compiled
}

/** Of ADTS, and of MP3 without one of the headers that count frames, the length is a guess by the first packets' size. */
function tellsLength(file: AudioFile, container: keyof typeof KINDS, start: number): boolean {
  if (container === 'adts') return false
  return container !== 'mp3' || /Xing|Info|VBRI/.test(file.slice(start, 64).toString('latin1'))
}

/**
 * Decodes with Symphonia (native/symphonia): MP4 with AAC-LC or ALAC, ADTS, FLAC, Ogg Vorbis, MP3. `start` is where the
 * format begins in the file. The module reads piece by piece and may have 96 MiB; what breaks it ends its instance.
 */
export async function openSymphonia(file: AudioFile, container: keyof typeof KINDS, start: number): Promise<PcmSource> {
  const module = await compile()
  let refusal: unknown
  const host = {
    read_at(position: number, pointer: number, length: number): number {
      try {
        return file.readAt(start + position, new Uint8Array(wasm.memory.buffer, pointer, length))
      } catch (error) {
        // Through the module only a number passes; it is thrown again behind it.
        refusal = error
        return -1
      }
    },
  }
  const wasm = (await WebAssembly.instantiate(module, { host })).exports as unknown as Exports

  function call(run: () => number): number {
    let answer: number
    try {
      answer = run()
    } catch (error) {
      if (!(error instanceof WebAssembly.RuntimeError) && !(error instanceof RangeError)) throw error
      const full = wasm.memory.buffer.byteLength > 80 * 2 ** 20
      throw full
        ? new DecodeError('memory', 'the decoder would need more than 96 MiB', { cause: error })
        : new DecodeError('malformed', 'the decoder gave up on it', { cause: error })
    }
    if (refusal) throw refusal
    const failure = FAILURES[answer]
    if (failure) throw new DecodeError(failure.reason, failure.message)
    if (answer < 0 || answer > MAX_BATCH_FRAMES) throw new DecodeError('malformed', `the decoder answered ${answer}`)
    return answer
  }

  call(() => wasm.open(KINDS[container], file.size - start))
  // Rate and channels are known from the first packet that decodes, not from what the header says.
  let first: number | null = call(() => wasm.next(BATCH_FRAMES))
  if (first === 0) throw new DecodeError('no_audio', 'there is a header, but no sound that can be decoded')
  const sampleRate = wasm.sample_rate()
  const channels = wasm.channels()
  const total = tellsLength(file, container, start) ? wasm.total_seconds() : -1
  const codec = Buffer.from(wasm.memory.buffer, wasm.codec_name(), wasm.codec_name_length()).toString('latin1')
  // Encoders of MP3 and AAC may count a packet more or less than there are.
  const tolerance = codec === 'mp3' ? 2_304 : codec === 'aac' ? 2_048 : 0

  return {
    container,
    codec,
    sampleRate,
    channels,
    claimedFrames: total > 0 ? Math.round(total * sampleRate) : null,
    tolerance,
    lead: 0,
    keep: Number.POSITIVE_INFINITY,
    next() {
      const frames = first ?? call(() => wasm.next(BATCH_FRAMES))
      first = null
      if (frames === 0) return null
      // The memory may have grown and moved: the views are made anew.
      const planes = Array.from({ length: channels }, (_, channel) => {
        return new Float32Array(wasm.memory.buffer, wasm.plane(channel), frames)
      })
      return { channels: planes, frames }
    },
    problem() {
      const lost = wasm.lost_packets()
      return lost > 0 ? `${lost} packets could not be decoded` : null
    },
    close: () => {},
  }
}
