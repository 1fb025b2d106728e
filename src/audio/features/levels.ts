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
  #left = 0
  #right = 0
  #cross = 0
  #others = 0
  #sumLeft = 0
  #sumRight = 0
  #runs = 0
  #clipped = 0

  constructor(sampleRate: number, channels: number) {
    this.#rate = sampleRate
    this.#channels = channels
    this.#peaks = Array.from({ length: channels }, () => new TruePeakMeter(sampleRate))
    this.#clipRuns = new Int32Array(channels)
    this.#silence = new SilenceMeter(Math.max(1, Math.round((sampleRate * SILENCE_BLOCK_MS) / 1000)))
  }

  push(channels: Float32Array[], frames: number): void {
    this.#frames += frames
    for (let c = 0; c < this.#channels; c++) this.#clip(channels[c]!, frames, c)
    this.#silence.push(channels, frames)
    this.#image(channels[0]!, channels[1] ?? channels[0]!, frames)
    for (let c = 2; c < this.#channels; c++) {
      const x = channels[c]!
      for (let i = 0; i < frames; i++) this.#others += x[i]! * x[i]!
    }
  }

  /** Apart from `push`, since it takes longest. */
  pushPeaks(channels: Float32Array[], frames: number): void {
    for (let c = 0; c < this.#channels; c++) this.#peaks[c]!.push(channels[c]!, frames)
  }

  #image(left: Float32Array, right: Float32Array, frames: number): void {
    let ll = 0
    let rr = 0
    let lr = 0
    let l = 0
    let r = 0
    if (left === right) {
      for (let i = 0; i < frames; i++) {
        const a = left[i]!
        ll += a * a
      }
    } else {
      for (let i = 0; i < frames; i++) {
        const a = left[i]!
        const b = right[i]!
        ll += a * a
        rr += b * b
        lr += a * b
        l += a
        r += b
      }
    }
    this.#left += ll
    this.#right += rr
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
    const own = this.#channels > 1 ? this.#left + this.#right : this.#left
    return {
      frames: this.#frames,
      rms: samples > 0 ? Math.sqrt((own + this.#others) / samples) : 0,
      samplePeak: Math.max(0, ...this.#peaks.map((meter) => meter.samplePeak)),
      truePeak: Math.max(0, ...this.#peaks.map((meter) => meter.peak)),
      stereo: this.#channels > 1 ? this.#stereo() : null,
      silence: this.#silence.finish(this.#rate),
      clipping: { runs: this.#runs, samples: this.#clipped, ratio: samples > 0 ? this.#clipped / samples : 0 },
    }
  }

  #stereo(): LevelReading['stereo'] {
    const n = Math.max(1, this.#frames)
    const power = this.#left + this.#right
    // Side is (L - R) / 2: its power, and that of mid and side together, from the sums.
    const side = Math.max(0, (power - 2 * this.#cross) / 4)
    const varL = this.#left - (this.#sumLeft * this.#sumLeft) / n
    const varR = this.#right - (this.#sumRight * this.#sumRight) / n
    const covariance = this.#cross - (this.#sumLeft * this.#sumRight) / n
    const audible = varL > 1e-12 * n && varR > 1e-12 * n
    return {
      width: power > 0 ? Math.sqrt(side / (power / 2)) : 0,
      correlation: audible ? Math.max(-1, Math.min(1, covariance / Math.sqrt(varL * varR))) : null,
      balance: power > 0 ? (this.#right - this.#left) / power : 0,
    }
  }
}

/** Stretches of blocks in which the mean square of all channels stays below the threshold. */
class SilenceMeter {
  readonly #block: number
  #inBlock = 0
  #energy = 0
  #blocks = 0
  #silent = 0
  #run = 0
  #longest = 0
  #leading = -1

  constructor(block: number) {
    this.#block = block
  }

  push(channels: Float32Array[], frames: number): void {
    let from = 0
    while (from < frames) {
      const to = Math.min(frames, from + this.#block - this.#inBlock)
      for (const x of channels) {
        let energy = 0
        for (let i = from; i < to; i++) energy += x[i]! * x[i]!
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
