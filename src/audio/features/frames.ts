/**
 * Cuts a stream of samples into overlapping frames. Frame k is centred on sample k × hop; silence stands before the
 * beginning and after the end.
 */
export class Framer {
  readonly #size: number
  readonly #hop: number
  readonly #take: (buffer: Float32Array, offset: number) => void
  #buffer: Float32Array
  #held: number
  #samples = 0
  #frames = 0

  constructor(size: number, hop: number, take: (buffer: Float32Array, offset: number) => void) {
    this.#size = size
    this.#hop = hop
    this.#take = take
    this.#buffer = new Float32Array(size * 2 + 16_384)
    this.#held = size / 2
  }

  push(samples: Float32Array): void {
    this.#samples += samples.length
    this.#append(samples)
  }

  /** Gives the frames whose centres lie in what has come. */
  finish(): void {
    const wanted = Math.ceil(this.#samples / this.#hop)
    const missing = (wanted - 1) * this.#hop + this.#size / 2 - this.#samples
    if (wanted > this.#frames && missing > 0) this.#append(new Float32Array(missing))
  }

  #append(samples: Float32Array): void {
    if (this.#buffer.length < this.#held + samples.length) {
      const grown = new Float32Array(this.#held + samples.length)
      grown.set(this.#buffer.subarray(0, this.#held))
      this.#buffer = grown
    }
    this.#buffer.set(samples, this.#held)
    this.#held += samples.length
    let offset = 0
    for (; offset + this.#size <= this.#held; offset += this.#hop) {
      this.#take(this.#buffer, offset)
      this.#frames++
    }
    this.#buffer.copyWithin(0, offset, this.#held)
    this.#held -= offset
  }
}
