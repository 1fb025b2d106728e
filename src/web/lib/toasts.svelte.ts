import { describeError } from './errors.ts'

export interface Toast {
  id: number
  text: string
  kind: 'plain' | 'good' | 'bad'
  action?: { label: string; run: () => void }
}

const most = 4
const shownMs = { plain: 5_000, good: 4_000, bad: 9_000 }

class Toasts {
  list = $state.raw<Toast[]>([])
  #last = 0

  /** Says something in passing. The same text twice at a time is shown once. */
  add(text: string, kind: Toast['kind'] = 'plain', action?: Toast['action']): void {
    const id = ++this.#last
    const others = this.list.filter((toast) => toast.text !== text)
    this.list = [...others, { id, text, kind, ...(action && { action }) }].slice(-most)
    setTimeout(() => this.remove(id), shownMs[kind])
  }

  good(text: string): void {
    this.add(text, 'good')
  }

  /** Tells of an error in a sentence. */
  error(error: unknown, own?: Partial<Record<string, string>>): void {
    this.add(describeError(error, own), 'bad')
  }

  remove(id: number): void {
    this.list = this.list.filter((toast) => toast.id !== id)
  }
}

export const toasts = new Toasts()
