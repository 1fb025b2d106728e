import { api, type Page } from './api.ts'

const most = 1_000

/** A list that the server answers in pages: what is shown, whether there is more, and what went wrong. */
export class Pager<T extends { id: string }> {
  items = $state.raw<T[] | null>(null)
  nextCursor = $state<string | null>(null)
  error = $state.raw<unknown>(null)
  #path = ''
  #turn = 0
  readonly #onPage: (items: T[]) => void

  /** `onPage` gets what each page brings, before it is shown. */
  constructor(onPage: (items: T[]) => void = () => {}) {
    this.#onPage = onPage
  }

  /**
   * Reads the first page of a path. What was there stays until the answer is; one that comes after the next question is
   * left alone.
   */
  async load(path = this.#path): Promise<void> {
    this.#path = path
    await this.#read([])
  }

  async more(): Promise<void> {
    if (this.nextCursor) await this.#read(this.items ?? [], this.nextCursor)
  }

  /** Puts a changed item into its place, or a new one at the beginning. */
  keep(item: T): void {
    const isKnown = this.items?.some(({ id }) => id === item.id)
    this.items = isKnown
      ? (this.items ?? []).map((each) => (each.id === item.id ? item : each))
      : [item, ...(this.items ?? [])]
  }

  /** Before something else is asked for, of which nothing that is here is a part. */
  clear(): void {
    this.#turn++
    this.items = null
    this.nextCursor = null
  }

  drop(id: string): void {
    this.items = this.items?.filter((each) => each.id !== id) ?? null
  }

  async #read(before: T[], cursor?: string): Promise<void> {
    const turn = ++this.#turn
    const sign = this.#path.includes('?') ? '&' : '?'
    try {
      const page = await api<Page<T>>('GET', this.#path + (cursor ? `${sign}cursor=${encodeURIComponent(cursor)}` : ''))
      if (turn !== this.#turn) return
      this.#onPage(page.items)
      const known = new Set(before.map(({ id }) => id))
      this.items = [...before, ...page.items.filter(({ id }) => !known.has(id))].slice(0, most)
      this.nextCursor = this.items.length < most ? page.nextCursor : null
      this.error = null
    } catch (error) {
      if (turn === this.#turn) this.error = error
    }
  }
}
