import type { DetailedError, Upload } from 'tus-js-client'
import { PhantomError, parseError } from '../../../client/errors.ts'
import { describeError } from '../errors.ts'
import { t } from '../i18n/i18n.svelte.ts'
import { session } from '../session.svelte.ts'
import { toasts } from '../toasts.svelte.ts'
import type { Visibility } from './types.ts'

export interface UploadItem {
  key: number
  name: string
  bytes: number
  sent: number
  state: 'queued' | 'running' | 'paused' | 'waiting' | 'failed' | 'done'
  error: string | null
  audioFileId: string | null
}

interface Work {
  file: File
  visibility: Visibility
  upload: Upload | null
  /** Tries in a row that brought nothing. */
  tries: number
  timer: number | undefined
}

const most = 50
const atOnce = 2
const mostTries = 12
const longestWaitMs = 15_000
/** A proxy that collects a request before it passes it on loses at most this much of a cut. */
const chunkBytes = 8 * 1024 * 1024

/** Recordings on their way to the server. They go on while one looks at other pages, and after a cut. */
class Uploads {
  list = $state.raw<UploadItem[]>([])
  /** Grows with each that is there. */
  finished = $state(0)
  #works = new Map<number, Work>()
  #last = 0

  add(files: File[], visibility: Visibility): void {
    const open = this.list.filter(({ state }) => state !== 'done')
    const room = most - open.length
    if (files.length > room) toasts.add(t().sound.uploadMost(most), 'bad')
    const items = files.slice(0, Math.max(0, room)).map((file): UploadItem => {
      const key = ++this.#last
      this.#works.set(key, { file, visibility, upload: null, tries: 0, timer: undefined })
      return { key, name: file.name, bytes: file.size, sent: 0, state: 'queued', error: null, audioFileId: null }
    })
    this.list = [...this.list, ...items]
    this.#work()
  }

  pause(key: number): void {
    const work = this.#works.get(key)
    if (!work) return
    clearTimeout(work.timer)
    this.#set(key, { state: 'paused' })
    void work.upload?.abort()
    this.#work()
  }

  resume(key: number): void {
    const work = this.#works.get(key)
    if (!work) return
    clearTimeout(work.timer)
    work.tries = 0
    this.#set(key, { state: 'queued', error: null })
    this.#work()
  }

  /** Ends an upload and takes what there is of it off the server; one that is done only leaves the list. */
  cancel(key: number): void {
    const work = this.#works.get(key)
    clearTimeout(work?.timer)
    const upload = work?.upload
    this.#works.delete(key)
    this.list = this.list.filter((item) => item.key !== key)
    // What the server keeps of it goes by itself after a day.
    upload?.abort(true).catch((error) => console.warn('An upload could not be ended at the server', error))
    this.#work()
  }

  /** Tries at once what waits for the connection. */
  wake(): void {
    for (const work of this.#works.values()) work.tries = 0
    for (const { key, state } of this.list) if (state === 'waiting') this.resume(key)
  }

  stop(): void {
    for (const { upload, timer } of this.#works.values()) {
      clearTimeout(timer)
      void upload?.abort()
    }
    this.#works.clear()
    this.list = []
  }

  #set(key: number, change: Partial<UploadItem>): void {
    this.list = this.list.map((item) => (item.key === key ? { ...item, ...change } : item))
  }

  #stateOf(key: number): UploadItem['state'] | undefined {
    return this.list.find((item) => item.key === key)?.state
  }

  #work(): void {
    let running = this.list.filter(({ state }) => state === 'running').length
    for (const { key, state } of this.list) {
      if (running >= atOnce) return
      if (state !== 'queued') continue
      running += 1
      this.#set(key, { state: 'running' })
      this.#run(key).catch((error) => this.#failed(key, error))
    }
  }

  async #run(key: number): Promise<void> {
    const work = this.#works.get(key)
    if (!work) return
    work.upload ??= await this.#make(key, work)
    // It may have been paused or cancelled while the library was loading.
    if (this.#stateOf(key) === 'running') work.upload.start()
  }

  async #make(key: number, { file, visibility }: Work): Promise<Upload> {
    const { Upload } = await import('tus-js-client')
    const { userId } = session
    const title = file.name.replace(/\.\w+$/, '').slice(0, 200) || file.name.slice(0, 200)
    const upload = new Upload(file, {
      endpoint: '/api/v1/uploads',
      metadata: { title, filename: file.name, visibility },
      chunkSize: chunkBytes,
      // We try again ourselves, as we know when the connection is back.
      retryDelays: null,
      removeFingerprintOnSuccess: true,
      fingerprint: async () => ['pp', userId, file.name, file.size, file.lastModified].join('-'),
      onBeforeRequest: async (request) => request.setHeader('Authorization', `Bearer ${await session.token()}`),
      onProgress: (sent) => {
        const work = this.#works.get(key)
        if (work && sent > 0) work.tries = 0
        this.#set(key, { sent })
      },
      onSuccess: ({ lastResponse }) => {
        const id = lastResponse?.getHeader('X-Audio-File-Id') ?? upload.url?.split('/').at(-1) ?? null
        this.#works.delete(key)
        this.#set(key, { state: 'done', sent: file.size, audioFileId: id })
        this.finished += 1
        this.#work()
      },
      onError: (error) => void this.#failed(key, error),
    })
    // The same file that was not sent to its end before, as by a page that was closed.
    const [earlier] = await upload.findPreviousUploads()
    if (earlier) upload.resumeFromPreviousUpload(earlier)
    return upload
  }

  async #failed(key: number, thrown: unknown): Promise<void> {
    const work = this.#works.get(key)
    if (!work || this.#stateOf(key) !== 'running') return
    const response = (thrown as DetailedError).originalResponse
    const status = response?.getStatus() ?? 0
    work.tries += 1
    // However long nothing answers, nothing is wrong with the upload.
    const isAway = status === 0 && session.connection !== 'live'
    if (status === 401 && work.tries <= 2) {
      // The token was refused before its time.
      await session.token(true).catch((error) => console.warn('The token could not be renewed', error))
    } else if (isFinal(status) || (work.tries > mostTries && !isAway)) {
      this.#set(key, {
        state: 'failed',
        error: describeError(errorOf(status, response?.getBody()), t().sound.uploadErrors),
      })
      this.#work()
      return
    }
    if (this.#stateOf(key) !== 'running') return
    this.#set(key, { state: 'waiting' })
    const waitMs = Math.min(longestWaitMs, 500 * 2 ** Math.min(work.tries, 6))
    work.timer = window.setTimeout(() => {
      if (this.#stateOf(key) !== 'waiting') return
      this.#set(key, { state: 'queued' })
      this.#work()
    }, waitMs)
    this.#work()
  }
}

/** Whether trying again brings the same: the server read it and said no. */
const isFinal = (status: number): boolean =>
  (status >= 400 && status < 500 && ![408, 409, 423, 429].includes(status)) || status === 507

function errorOf(status: number, body: string | undefined): PhantomError {
  if (status === 0) return new PhantomError('unavailable', 'the server was not reached')
  try {
    return parseError(JSON.parse(body ?? ''), 'internal')
  } catch {
    // A proxy's page rather than the server's answer: the status tells.
    return new PhantomError(status === 413 ? 'too_large' : 'unavailable', `status ${status}`)
  }
}

export const uploads = new Uploads()

session.with((client) => {
  const wake = () => uploads.wake()
  addEventListener('online', wake)
  const end = client.on('ready', wake)
  return () => {
    removeEventListener('online', wake)
    end()
    uploads.stop()
  }
})
