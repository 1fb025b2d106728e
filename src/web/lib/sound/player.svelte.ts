import { api } from '../api.ts'
import { t } from '../i18n/i18n.svelte.ts'
import { session } from '../session.svelte.ts'
import { toasts } from '../toasts.svelte.ts'
import { ownPath } from '../urls.ts'
import type { AudioFile } from './types.ts'

export type Track = Pick<AudioFile, 'id' | 'userId' | 'title' | 'visibility' | 'duration'>

const volumeKey = 'pp:volume'
/** A signed address is good for an hour; an older one is asked for anew when it fails. */
const mostRenewals = 3
/** From here on, back goes to the beginning of the track rather than to the one before. */
const restartSeconds = 3

/** What plays, on whatever page one is. */
class Player {
  queue = $state.raw<Track[]>([])
  at = $state(-1)
  isPlaying = $state(false)
  isWaiting = $state(false)
  /** Seconds. */
  position = $state(0)
  duration = $state(0)
  volume = $state(readVolume())
  #audio: HTMLAudioElement | null = null
  #load = 0
  #renewals = 0
  #beginListeners: (() => void)[] = []

  get track(): Track | null {
    return this.queue[this.at] ?? null
  }

  isCurrent(id: string): boolean {
    return this.track?.id === id
  }

  get hasNext(): boolean {
    return this.at + 1 < this.queue.length
  }

  /** Called whenever it begins to sound. */
  onBegin(listener: () => void): void {
    this.#beginListeners.push(listener)
  }

  pause(): void {
    this.#audio?.pause()
  }

  /** Plays these tracks from one of them on. */
  async play(queue: Track[], at = 0, from = 0): Promise<void> {
    this.queue = queue
    await this.#start(at, from)
  }

  /** Plays a track, or pauses it where it plays. */
  async toggle(track?: Track, queue: Track[] = track ? [track] : []): Promise<void> {
    if (track && !this.isCurrent(track.id)) {
      await this.play(
        queue,
        Math.max(
          0,
          queue.findIndex(({ id }) => id === track.id),
        ),
      )
    } else if (this.isPlaying) this.#audio?.pause()
    else await this.#resume()
  }

  /** Goes to a second; of a track that does not play, it begins there. */
  async seek(seconds: number, track?: Track): Promise<void> {
    if (track && !this.isCurrent(track.id)) return this.play([track], 0, seconds)
    const audio = this.#audio
    if (!audio) return
    const end = Number.isFinite(audio.duration) ? audio.duration : this.duration
    audio.currentTime = Math.max(0, end > 0 ? Math.min(seconds, end) : seconds)
    this.position = audio.currentTime
  }

  async next(): Promise<void> {
    if (this.hasNext) await this.#start(this.at + 1)
  }

  async previous(): Promise<void> {
    if (this.position > restartSeconds || this.at <= 0) await this.seek(0)
    else await this.#start(this.at - 1)
  }

  setVolume(volume: number): void {
    this.volume = Math.max(0, Math.min(1, volume))
    if (this.#audio) this.#audio.volume = this.volume
    localStorage.setItem(volumeKey, String(this.volume))
  }

  /** Ends it, and the bar goes. */
  close(): void {
    this.#load += 1
    this.queue = []
    this.at = -1
    this.isPlaying = this.isWaiting = false
    this.position = this.duration = 0
    if (this.#audio) {
      this.#audio.pause()
      this.#audio.removeAttribute('src')
      this.#audio.load()
    }
    if ('mediaSession' in navigator) navigator.mediaSession.metadata = null
  }

  /** Takes a recording that was deleted out of the queue. */
  forget(id: string): void {
    if (this.isCurrent(id)) this.close()
    else {
      const current = this.track
      this.queue = this.queue.filter((each) => each.id !== id)
      this.at = current ? this.queue.indexOf(current) : -1
    }
  }

  async #start(at: number, from = 0): Promise<void> {
    this.at = at
    this.position = from
    this.duration = this.track?.duration ?? 0
    this.#renewals = 0
    await this.#open(from)
    this.#announce()
  }

  async #open(from: number): Promise<void> {
    const { track } = this
    if (!track) return
    const load = ++this.#load
    this.isWaiting = true
    this.#audio ??= this.#make()
    const audio = this.#audio
    try {
      const address = await addressOf(track)
      // Another track was chosen meanwhile.
      if (load !== this.#load) return
      audio.src = address
      if (from > 0) audio.currentTime = from
      await this.#resume()
    } catch (error) {
      if (load !== this.#load) return
      this.isWaiting = false
      toasts.error(error)
    }
  }

  async #resume(): Promise<void> {
    try {
      await this.#audio?.play()
    } catch (error) {
      // Another source took its place, or `error` is told of by its own event.
      if (error instanceof DOMException && (error.name === 'AbortError' || error.name === 'NotSupportedError')) return
      this.isWaiting = false
      throw error
    }
  }

  #make(): HTMLAudioElement {
    const audio = new Audio()
    audio.volume = this.volume
    audio.preload = 'auto'
    const on = (event: string, run: () => void) => audio.addEventListener(event, run)
    on('play', () => {
      this.isPlaying = true
      for (const listener of this.#beginListeners) listener()
    })
    on('pause', () => (this.isPlaying = false))
    on('waiting', () => (this.isWaiting = true))
    on('playing', () => (this.isWaiting = false))
    on('canplay', () => (this.isWaiting = false))
    on('timeupdate', () => (this.position = audio.currentTime))
    on('durationchange', () => {
      if (Number.isFinite(audio.duration)) this.duration = audio.duration
    })
    on('ended', () => {
      if (this.hasNext) void this.next()
    })
    on('error', () => void this.#failed(audio))
    return audio
  }

  async #failed(audio: HTMLAudioElement): Promise<void> {
    if (!this.track || !audio.getAttribute('src')) return
    const isForbidden = audio.error?.code === MediaError.MEDIA_ERR_SRC_NOT_SUPPORTED
    const isSigned = audio.src.includes('signature=')
    if (isSigned && this.position > 0 && this.#renewals < mostRenewals) {
      this.#renewals += 1
      return this.#open(this.position)
    }
    this.isPlaying = this.isWaiting = false
    toasts.add(isForbidden ? t().sound.cannotPlay : t().sound.broke, 'bad')
  }

  /** For the keys of the keyboard, the lock screen and headphones. */
  #announce(): void {
    if (!('mediaSession' in navigator) || !this.track) return
    const { mediaSession } = navigator
    mediaSession.metadata = new MediaMetadata({ title: this.track.title, artist: t().app.name })
    mediaSession.setActionHandler('play', () => void this.toggle())
    mediaSession.setActionHandler('pause', () => this.#audio?.pause())
    mediaSession.setActionHandler('nexttrack', this.hasNext ? () => void this.next() : null)
    mediaSession.setActionHandler('previoustrack', () => void this.previous())
    mediaSession.setActionHandler('seekto', ({ seekTime }) => void this.seek(seekTime ?? 0))
  }
}

/** Where the bytes are: what not everybody may hear goes by a signed address, as an element sends no token. */
export async function addressOf({ id, visibility }: Track): Promise<string> {
  if (visibility === 'public' || visibility === 'unlisted') return `/api/v1/audio-files/${id}/stream`
  const { url } = await api<{ url: string }>('POST', `/audio-files/${id}/link`)
  return ownPath(url) ?? url
}

function readVolume(): number {
  const volume = Number(localStorage.getItem(volumeKey) ?? 1)
  return volume >= 0 && volume <= 1 ? volume : 1
}

export const player = new Player()

session.with(() => () => player.close())
