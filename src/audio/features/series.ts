/** A list of numbers that grows by pages, so that an hour of features is never copied. */
const PAGE = 1 << 14

export class Series {
  length = 0
  readonly #pages: Float64Array[] = []

  push(value: number): void {
    const at = this.length % PAGE
    if (at === 0) this.#pages.push(new Float64Array(PAGE))
    this.#pages[this.#pages.length - 1]![at] = value
    this.length++
  }

  at(index: number): number {
    return this.#pages[Math.floor(index / PAGE)]![index % PAGE]!
  }

  toFloat32(): Float32Array {
    const out = new Float32Array(this.length)
    for (let i = 0; i < this.#pages.length; i++) {
      const page = this.#pages[i]!
      out.set(i === this.#pages.length - 1 ? page.subarray(0, this.length - i * PAGE) : page, i * PAGE)
    }
    return out
  }
}

/** Rows of equally many small integers, paged likewise. */
export class RowsInt16 {
  rows = 0
  readonly width: number
  readonly #perPage: number
  readonly #pages: Int16Array[] = []

  constructor(width: number, rowsPerPage = 1024) {
    this.width = width
    this.#perPage = rowsPerPage
  }

  /** The next row, to be written at once into `page` from `offset`. */
  append(): { page: Int16Array; offset: number } {
    const at = this.rows % this.#perPage
    if (at === 0) this.#pages.push(new Int16Array(this.#perPage * this.width))
    this.rows++
    return { page: this.#pages[this.#pages.length - 1]!, offset: at * this.width }
  }

  locate(row: number): { page: Int16Array; offset: number } {
    return { page: this.#pages[Math.floor(row / this.#perPage)]!, offset: (row % this.#perPage) * this.width }
  }
}
