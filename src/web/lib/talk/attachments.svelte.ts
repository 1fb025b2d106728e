import type { LogKey } from '../../../client/changes.ts'
import { api, serverHas } from '../api.ts'
import { describeError } from '../errors.ts'
import { t } from '../i18n/i18n.svelte.ts'
import { toasts } from '../toasts.svelte.ts'
import type { Attached } from './outbox.svelte.ts'

interface Item {
  key: number
  name: string
  attached: Attached | null
  error: string | null
  stop: AbortController
}

/** As many as the server takes with one message. */
const most = 10

/** The files of a message that is being written: uploaded at once, sent with it. */
export class Attachments {
  list = $state.raw<Item[]>([])
  /** Whether the server takes pictures, and recordings. */
  #images = $state(false)
  #audio = $state(false)
  #last = 0

  constructor(log: LogKey) {
    if (!log.startsWith('room:')) return
    void serverHas('post', '/api/v1/images').then((has) => (this.#images = has))
    void serverHas('post', '/api/v1/audio-files').then((has) => (this.#audio = has))
  }

  get isPossible(): boolean {
    return this.#images || this.#audio
  }

  get isBusy(): boolean {
    return this.list.some(({ attached, error }) => !attached && !error)
  }

  get done(): Attached[] {
    return this.list.flatMap(({ attached }) => attached ?? [])
  }

  async add(files: File[]): Promise<void> {
    if (this.list.length + files.length > most) toasts.add(t().talk.attachMost, 'bad')
    await Promise.all(files.slice(0, most - this.list.length).map((file) => this.#upload(file)))
  }

  remove(key: number): void {
    this.list.find((item) => item.key === key)?.stop.abort()
    this.list = this.list.filter((item) => item.key !== key)
  }

  clear(): void {
    for (const { stop } of this.list) stop.abort()
    this.list = []
  }

  async #upload(file: File): Promise<void> {
    const isImage = file.type.startsWith('image/') && this.#images
    const isAudio = file.type.startsWith('audio/') && this.#audio
    if (!isImage && !isAudio) {
      toasts.add(t().talk.attachWhat, 'bad')
      return
    }
    const key = ++this.#last
    const stop = new AbortController()
    this.list = [...this.list, { key, name: file.name, attached: null, error: null, stop }]
    const form = new FormData()
    // Fields first: the file streams in after what is said of it.
    if (isImage) form.set('usageType', 'other')
    else {
      form.set('title', file.name.replace(/\.\w+$/, '').slice(0, 200) || file.name)
      form.set('visibility', 'unlisted')
    }
    form.set('file', file)
    try {
      const answer = await api<{ id: string; url?: string; fileUrl?: string; title?: string }>(
        'POST',
        isImage ? '/images' : '/audio-files',
        form,
        { signal: stop.signal },
      )
      const attached: Attached = {
        id: answer.id,
        kind: isImage ? 'image' : 'audio',
        title: answer.title ?? file.name,
        url: answer.url ?? answer.fileUrl ?? '',
      }
      this.#change(key, { attached })
    } catch (error) {
      if (stop.signal.aborted) return
      this.#change(key, { error: describeError(error) })
    }
  }

  #change(key: number, change: Partial<Item>): void {
    this.list = this.list.map((item) => (item.key === key ? { ...item, ...change } : item))
  }
}
