import { ChromaAnalyser } from './chroma.ts'
import { findKey, type KeyReading } from './key.ts'
import { LevelMeter, type LevelReading } from './levels.ts'
import { LoudnessMeter, type LoudnessReading } from './loudness.ts'
import { MelAnalyser, type SpectralMoments } from './mel.ts'
import { measureOnsets, pickOnsets } from './onset.ts'
import { ANALYSIS_RATE, ONSET_RATE } from './rates.ts'
import { Resampler } from './resample.ts'
import type { SectionReading } from './sections.ts'
import { findSections } from './sections.ts'
import { findTempo, type TempoReading } from './tempo.ts'

/** Sound is worked on in blocks of so many frames, whatever chunks it comes in: chunking changes no result. */
const BLOCK = 8192

export type Stage = 'loudness' | 'levels' | 'peaks' | 'resample' | 'spectrum' | 'pitch' | 'tempo' | 'key' | 'sections'

export interface Features {
  seconds: number
  loudness: LoudnessReading
  levels: LevelReading
  moments: SpectralMoments
  tempo: TempoReading | null
  key: KeyReading | null
  onsets: { count: number; perSecond: number }
  sections: SectionReading[]
  /** Parts that low, middle and high bands have in the onsets. */
  onsetBands: [low: number, mid: number, high: number]
}

/**
 * All features of a stream of PCM. What it keeps grows by some 15 kB a second of sound, never with the rate or the
 * number of channels.
 */
export class FeatureExtractor {
  readonly #rate: number
  readonly #channels: number
  readonly #block: Float32Array[]
  #held = 0
  readonly #mono = new Float32Array(BLOCK)
  readonly #loudness: LoudnessMeter
  readonly #levels: LevelMeter
  readonly #resampler: Resampler
  readonly #mel = new MelAnalyser()
  readonly #chroma = new ChromaAnalyser()
  readonly #clock: (() => number) | null
  /** What each stage took, by the clock that was given. */
  readonly spent: Record<Stage, number> = {
    loudness: 0,
    levels: 0,
    peaks: 0,
    resample: 0,
    spectrum: 0,
    pitch: 0,
    tempo: 0,
    key: 0,
    sections: 0,
  }

  /** `sampleRate`: a whole number of Hz, 4,000 … 400,000. */
  constructor(sampleRate: number, channels: number, clock: (() => number) | null = null) {
    if (!Number.isInteger(sampleRate) || sampleRate < 4_000 || sampleRate > 400_000) {
      throw new RangeError(`sample rate ${sampleRate} Hz is out of range`)
    }
    if (!Number.isInteger(channels) || channels < 1) throw new RangeError(`${channels} channels`)
    this.#rate = sampleRate
    this.#channels = channels
    this.#clock = clock
    this.#block = Array.from({ length: channels }, () => new Float32Array(BLOCK))
    this.#loudness = new LoudnessMeter(sampleRate, channels)
    this.#levels = new LevelMeter(sampleRate, channels)
    this.#resampler = new Resampler(sampleRate, ANALYSIS_RATE)
  }

  /** Takes `frames` of every channel; samples that are no finite number count as 0. */
  push(channels: Float32Array[], frames: number): void {
    if (channels.length !== this.#channels)
      throw new RangeError(`${channels.length} channels instead of ${this.#channels}`)
    for (let done = 0; done < frames; ) {
      const count = Math.min(frames - done, BLOCK - this.#held)
      for (let c = 0; c < this.#channels; c++) {
        this.#block[c]!.set(channels[c]!.subarray(done, done + count), this.#held)
      }
      done += count
      this.#held += count
      if (this.#held === BLOCK) this.#work()
    }
  }

  #work(): void {
    const frames = this.#held
    this.#held = 0
    if (frames === 0) return
    const block = this.#block
    for (const samples of block) {
      for (let i = 0; i < frames; i++) if (!Number.isFinite(samples[i]!)) samples[i] = 0
    }
    this.#timed('loudness', () => this.#loudness.push(block, frames))
    this.#timed('levels', () => this.#levels.push(block, frames))
    this.#timed('peaks', () => this.#levels.pushPeaks(block, frames))
    const mono = this.#timed('resample', () => this.#resampler.push(this.#mix(frames)))
    this.#timed('spectrum', () => this.#mel.push(mono))
    this.#timed('pitch', () => this.#chroma.push(mono))
  }

  #mix(frames: number): Float32Array {
    if (this.#channels === 1) return this.#block[0]!.subarray(0, frames)
    const mono = this.#mono.subarray(0, frames)
    const [first, second] = this.#block as [Float32Array, Float32Array]
    const share = 1 / this.#channels
    for (let i = 0; i < frames; i++) mono[i] = (first[i]! + second[i]!) * share
    for (let c = 2; c < this.#channels; c++) {
      const samples = this.#block[c]!
      for (let i = 0; i < frames; i++) mono[i] = mono[i]! + samples[i]! * share
    }
    return mono
  }

  /** To be called once, at the end. `onStage` hears what begins. */
  finish(onStage: (stage: Stage) => void = () => {}): Features {
    this.#work()
    const rest = this.#resampler.finish()
    this.#mel.push(rest)
    this.#chroma.push(rest)
    const levels = this.#levels.finish()
    const seconds = levels.frames / this.#rate
    const loudness = this.#loudness.finish()
    const moments = this.#mel.finish()
    const chroma = this.#chroma.finish()
    onStage('tempo')
    const strength = this.#timed('tempo', () => measureOnsets(this.#mel.levels))
    const onsets = this.#timed('tempo', () => pickOnsets(strength.full, ONSET_RATE).length)
    const perSecond = seconds > 0 ? onsets / seconds : 0
    const tempo = this.#timed('tempo', () => findTempo(strength, perSecond))
    onStage('key')
    const key = this.#timed('key', () => findKey(chroma))
    onStage('sections')
    const sections = this.#timed('sections', () => findSections(this.#mel.levels, chroma, key?.tuning ?? 0, seconds))
    const sums = [strength.low, strength.mid, strength.high].map((curve) => curve.reduce((sum, v) => sum + v, 0))
    const all = Math.max(1e-9, sums[0]! + sums[1]! + sums[2]!)
    return {
      seconds,
      loudness,
      levels,
      moments,
      tempo,
      key,
      onsets: { count: onsets, perSecond },
      sections,
      onsetBands: [sums[0]! / all, sums[1]! / all, sums[2]! / all],
    }
  }

  #timed<T>(stage: Stage, work: () => T): T {
    if (!this.#clock) return work()
    const before = this.#clock()
    const result = work()
    this.spent[stage] += this.#clock() - before
    return result
  }
}
