import { TruePeakMeter } from './true-peak.ts'

/** Levels are judged over so many milliseconds. */
const SILENCE_BLOCK_MS = 50
/** dBFS, as a mean square. */
const SILENT_POWER = 10 ** (-60 / 10)
const FULL_SCALE = 0.999
const CLIPPED_RUN = 3

export interface LevelReading {
  frames: number
  /** Linear; of all channels. */
  rms: number
  samplePeak: number
  truePeak: number
  stereo: { width: number; correlation: number | null; balance: number } | null
  silence: { leading: number; trailing: number; longest: number; ratio: number }
  clipping: { runs: number; samples: number; ratio: number }
}

/** Peaks, RMS, the stereo image, silence and clipping of sound at its own rate. */
export class LevelMeter {
  readonly #rate: number
  readonly #channels: number
  readonly #peaks: TruePeakMeter[]
  readonly #clipRuns: Int32Array
  readonly #silence: SilenceMeter
  #frames = 0
  #cross = 0
  #sumLeft = 0
  #sumRight = 0
  #runs = 0
  #clipped = 0

  constructor(sampleRate: number, channels: number) {
    this.#rate = sampleRate
    this.#channels = channels
    this.#peaks = Array.from({ length: channels }, () => new TruePeakMeter(sampleRate))
    this.#clipRuns = new Int32Array(channels)
    this.#silence = new SilenceMeter(channels, Math.max(1, Math.round((sampleRate * SILENCE_BLOCK_MS) / 1000)))
  }

  push(channels: Float32Array[], frames: number): void {
    this.#frames += frames
    this.#silence.push(channels, frames)
    if (this.#channels > 1) this.#image(channels[0]!, channels[1]!, frames)
  }

  /** Apart from `push`, since it takes longest. */
  pushPeaks(channels: Float32Array[], frames: number): void {
    for (let c = 0; c < this.#channels; c++) {
      const loudest = this.#peaks[c]!.push(channels[c]!, frames)
      if (loudest >= FULL_SCALE) this.#clip(channels[c]!, frames, c)
      else this.#clipRuns[c] = 0
    }
  }

  #image(left: Float32Array, right: Float32Array, frames: number): void {
    let lr = 0
    let l = 0
    let r = 0
    for (let i = 0; i < frames; i++) {
      const a = left[i]!
      const b = right[i]!
      lr += a * b
      l += a
      r += b
    }
    this.#cross += lr
    this.#sumLeft += l
    this.#sumRight += r
  }

  #clip(x: Float32Array, frames: number, channel: number): void {
    let run = this.#clipRuns[channel]!
    for (let i = 0; i < frames; i++) {
      const v = x[i]!
      if (v < FULL_SCALE && v > -FULL_SCALE) {
        run = 0
        continue
      }
      run++
      if (run === CLIPPED_RUN) {
        this.#runs++
        this.#clipped += CLIPPED_RUN
      } else if (run > CLIPPED_RUN) this.#clipped++
    }
    this.#clipRuns[channel] = run
  }

  finish(): LevelReading {
    const samples = this.#frames * this.#channels
    const energy = this.#silence.energies.reduce((sum, own) => sum + own, 0)
    return {
      frames: this.#frames,
      rms: samples > 0 ? Math.sqrt(energy / samples) : 0,
      samplePeak: Math.max(0, ...this.#peaks.map((meter) => meter.samplePeak)),
      truePeak: Math.max(0, ...this.#peaks.map((meter) => meter.peak)),
      stereo: this.#channels > 1 ? this.#stereo() : null,
      silence: this.#silence.finish(this.#rate),
      clipping: { runs: this.#runs, samples: this.#clipped, ratio: samples > 0 ? this.#clipped / samples : 0 },
    }
  }

  #stereo(): LevelReading['stereo'] {
    const n = Math.max(1, this.#frames)
    const [left, right] = this.#silence.energies as unknown as [number, number]
    const power = left + right
    // Side is (L - R) / 2: its power, and that of mid and side together, from the sums.
    const side = Math.max(0, (power - 2 * this.#cross) / 4)
    const varL = left - (this.#sumLeft * this.#sumLeft) / n
    const varR = right - (this.#sumRight * this.#sumRight) / n
    const covariance = this.#cross - (this.#sumLeft * this.#sumRight) / n
    const audible = varL > 1e-12 * n && varR > 1e-12 * n
    return {
      width: power > 0 ? Math.sqrt(side / (power / 2)) : 0,
      correlation: audible ? Math.max(-1, Math.min(1, covariance / Math.sqrt(varL * varR))) : null,
      balance: power > 0 ? (right - left) / power : 0,
    }
  }
}

/** Stretches of blocks in which the mean square of all channels stays below the threshold. */
class SilenceMeter {
  /** Of each channel the sum of squares of all. */
  readonly energies: Float64Array
  readonly #block: number
  #inBlock = 0
  #energy = 0
  #blocks = 0
  #silent = 0
  #run = 0
  #longest = 0
  #leading = -1

  constructor(channels: number, block: number) {
    this.energies = new Float64Array(channels)
    this.#block = block
  }

  push(channels: Float32Array[], frames: number): void {
    let from = 0
    while (from < frames) {
      const to = Math.min(frames, from + this.#block - this.#inBlock)
      for (let c = 0; c < channels.length; c++) {
        const energy = sumOfSquares(channels[c]!, from, to)
        this.energies[c]! += energy
        this.#energy += energy / channels.length
      }
      this.#inBlock += to - from
      from = to
      if (this.#inBlock === this.#block) this.#close(this.#block)
    }
  }

  #close(frames: number): void {
    if (this.#energy / frames < SILENT_POWER) {
      this.#silent++
      this.#run++
      this.#longest = Math.max(this.#longest, this.#run)
    } else {
      if (this.#leading < 0) this.#leading = this.#run
      this.#run = 0
    }
    this.#blocks++
    this.#inBlock = 0
    this.#energy = 0
  }

  finish(rate: number): LevelReading['silence'] {
    const seconds = this.#block / rate
    return {
      leading: (this.#leading < 0 ? this.#blocks : this.#leading) * seconds,
      trailing: this.#run * seconds,
      longest: this.#longest * seconds,
      ratio: this.#blocks > 0 ? this.#silent / this.#blocks : 0,
    }
  }
}

/** Two sums, so that no addition waits for the one before. */
function sumOfSquares(x: Float32Array, from: number, to: number): number {
  let a = 0
  let b = 0
  let i = from
  for (; i + 1 < to; i += 2) {
    a += x[i]! * x[i]!
    b += x[i + 1]! * x[i + 1]!
  }
  if (i < to) a += x[i]! * x[i]!
  return a + b
}
