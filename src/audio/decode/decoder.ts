import { setImmediate as nextTurn } from 'node:timers/promises'
import { type AudioFile, openAudioFile } from './file.ts'
import { readEdit } from './mp4.ts'
import { readPages, surveyPages } from './ogg.ts'
import { isOpus, openOpus } from './opus.ts'
import {
  DecodeError,
  type DecodeLimits,
  type DecodeResult,
  type Decoder,
  type PcmChunk,
  type PcmSource,
} from './pcm.ts'
import { sniff } from './sniff.ts'
import { openSymphonia } from './symphonia.ts'
import { openWav } from './wav.ts'

/** Decoding is synchronous; so often the process hears of other things. */
const TURN_MS = 25

/**
 * Opens a sound file and pulls PCM from it chunk by chunk: WAV, MP3, FLAC, Ogg Vorbis, Ogg Opus, M4A with AAC-LC or
 * ALAC, ADTS. Silence that encoders add is left out. Memory is bounded by the decoders' own (96 MiB at most), not by the
 * file or its sound. Throws DecodeError, whose `reason` is a code. It works without a pause for up to 25 ms, so it
 * belongs into a process that has nothing else to answer.
 */
export async function openDecoder(path: string, limits: DecodeLimits): Promise<Decoder> {
  const file = openAudioFile(path, limits)
  let source: PcmSource | undefined
  try {
    source = await openSource(file)
    if (source.claimedFrames !== null) checkLength(source, source.claimedFrames, limits)
    return createDecoder(file, source, limits)
  } catch (error) {
    source?.close()
    file.close()
    throw error
  }
}

async function openSource(file: AudioFile): Promise<PcmSource> {
  const kind = sniff(file)
  if (!kind) throw new DecodeError('unsupported', 'it is in no audio format that is known here')
  const { container, start } = kind
  if (container === 'wav') return openWav(file, start)
  if (container === 'ogg') {
    if (isOpus(readPages(file, start).next())) return openOpus(file, start)
    return finishOgg(await openSymphonia(file, container, start), file, start)
  }
  const source = await openSymphonia(file, container, start)
  return container === 'mp4' ? cutToEdit(source, file, start) : source
}

/** Symphonia passes over damaged pages, and does not say where a stream was cut: the pages tell it themselves. */
function finishOgg(source: PcmSource, file: AudioFile, start: number): PcmSource {
  const found = surveyPages(file, start).problem
  return { ...source, problem: () => source.problem() ?? found }
}

function cutToEdit(source: PcmSource, file: AudioFile, start: number): PcmSource {
  const edit = readEdit(file, start)
  const lead = Math.round(edit.leadSeconds * source.sampleRate)
  const { claimedFrames } = source
  if (claimedFrames !== null && lead >= claimedFrames) return source
  const inside = claimedFrames === null ? Number.POSITIVE_INFINITY : claimedFrames - lead
  const keep = Math.min(inside, edit.seconds === null ? inside : Math.round(edit.seconds * source.sampleRate))
  return { ...source, lead, keep, claimedFrames: claimedFrames === null ? null : keep }
}

function checkLength(source: PcmSource, frames: number, limits: DecodeLimits): void {
  if (frames > limits.maxSeconds * source.sampleRate)
    throw new DecodeError('too_long', `it is longer than ${limits.maxSeconds} s`)
  if (frames * source.channels > limits.maxSamples)
    throw new DecodeError('too_long', `it has more than ${limits.maxSamples} samples`)
}

function createDecoder(file: AudioFile, source: PcmSource, limits: DecodeLimits): Decoder {
  const { sampleRate, channels, claimedFrames } = source
  let frames = 0
  let ended = false
  /** What ended the sound before its end. */
  let broken: string | null = null
  let closed = false

  /** The next frames to be heard, after what is to be left out; null at the end. */
  function pull(): PcmChunk | null {
    file.check()
    for (;;) {
      const chunk = pullRaw()
      if (!chunk) return null
      const from = Math.min(source.lead, chunk.frames)
      source.lead -= from
      const to = Math.min(chunk.frames, from + source.keep - frames)
      if (to <= from) {
        // Behind the end of the sound only padding follows, but one must look whether it can be decoded.
        continue
      }
      frames += to - from
      checkLength(source, frames, limits)
      if (from === 0 && to === chunk.frames) return chunk
      return { channels: chunk.channels.map((plane) => plane.subarray(from, to)), frames: to - from }
    }
  }

  function pullRaw(): PcmChunk | null {
    try {
      return source.next()
    } catch (error) {
      // What broke after there was sound leaves a part of it; a limit ends it.
      if (!(error instanceof DecodeError) || error.reason !== 'malformed') throw error
      broken = error.message
      return null
    }
  }

  async function* chunks(): AsyncGenerator<PcmChunk> {
    if (closed || ended || frames > 0) throw new DecodeError('malformed', 'the decoder was used before')
    let turned = performance.now()
    for (let chunk = pull(); chunk; chunk = pull()) {
      yield chunk
      if (performance.now() - turned > TURN_MS) {
        await nextTurn()
        turned = performance.now()
      }
      if (closed) return
    }
    ended = true
    if (frames === 0) throw new DecodeError('no_audio', 'there is a header, but no sound behind it')
  }

  function judge(): string | null {
    if (!ended) return 'it was not decoded to its end'
    const missing = (claimedFrames ?? 0) - frames
    const short =
      missing > source.tolerance
        ? `${seconds(frames)} of ${seconds(claimedFrames!)} s are there: the rest is cut off or damaged`
        : null
    return [broken, source.problem(), short].filter((part) => part !== null).join('; ') || null
  }

  const seconds = (count: number) => (count / sampleRate).toFixed(2)

  function result(): DecodeResult {
    const problem = judge()
    return { frames, seconds: frames / sampleRate, complete: problem === null, problem }
  }

  return {
    info: {
      container: source.container,
      codec: source.codec,
      sampleRate,
      channels,
      headerSeconds: claimedFrames === null ? null : claimedFrames / sampleRate,
    },
    chunks,
    result,
    async close() {
      if (closed) return
      closed = true
      source.close()
      file.close()
    },
  }
}
