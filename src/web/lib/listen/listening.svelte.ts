import { SvelteMap, SvelteSet } from 'svelte/reactivity'
import type { PhantomClient } from '../../../client/client.ts'
import type { Anchor, ListenAction, ListenState } from '../../../client/protocol.ts'
import { t } from '../i18n/i18n.svelte.ts'
import { session } from '../session.svelte.ts'
import { dock } from '../sound/dock.svelte.ts'
import { addressOf, player } from '../sound/player.svelte.ts'
import { toasts } from '../toasts.svelte.ts'
import { Follower } from './sync.ts'
import { tracks } from './tracks.svelte.ts'

/** How often it is looked whether the sound is where it should be, in milliseconds. */
const lookMs = 200
/** What is left of a track at its end is played out, up to this, in seconds. */
const restSeconds = 1
/** Addresses that are signed run out: how often one is asked for anew in a row. */
const mostRenewals = 3

/**
 * `blocked`: the browser plays nothing before somebody clicks. `denied`: one may not hear the recording. `failed`: it
 * can't be loaded or played.
 */
type Status = 'off' | 'loading' | 'live' | 'blocked' | 'denied' | 'failed'

/** What rooms listen to, and the sound of the one in which one listens along. */
class Listening {
  /** What each room listens to where it does. */
  rooms = new SvelteMap<string, ListenState>()
  /** Where one listens along. */
  roomId = $state<string | null>(null)
  status = $state<Status>('off')
  /** Where the track is for all, in seconds. */
  position = $state(0)
  /** The room that is looked at. */
  #shown: string | null = null
  /** Rooms in which one does not want to listen along, until what is listened to there ends. */
  #left = new SvelteSet<string>()
  #client: PhantomClient | null = null
  #audio: HTMLAudioElement | null = null
  /** The recording that the element holds. */
  #loaded: string | null = null
  #turn = 0
  #renewals = 0
  #timer: ReturnType<typeof setInterval> | undefined
  readonly #follower = new Follower()
  /** One of the tabs of this browser is enough. */
  readonly #tabs = 'BroadcastChannel' in globalThis ? new BroadcastChannel('pp:listening') : null

  constructor() {
    this.#tabs?.addEventListener('message', () => this.roomId && this.leave())
    player.onBegin(() => this.roomId && this.leave())
  }

  /** Whether one listens along in a room. */
  isIn(roomId: string): boolean {
    return this.roomId === roomId
  }

  /** A room is looked at: what it listens to is heard, unless one has left or hears something else. */
  show(roomId: string): () => void {
    this.#shown = roomId
    this.#follow(roomId)
    return () => {
      if (this.#shown === roomId) this.#shown = null
    }
  }

  /** Starts a recording for all in a room, and listens along. */
  async start(roomId: string, audioFileId: string, positionMs?: number): Promise<void> {
    await session.client.listen.start(roomId, audioFileId, positionMs)
    if (!this.isIn(roomId)) await this.join(roomId)
    else if (this.status === 'blocked') await this.unblock()
  }

  /** Plays on, pauses, seeks or stops for all in a room. */
  async control(roomId: string, action: ListenAction, seconds?: number): Promise<void> {
    await session.client.listen.control(roomId, action, seconds === undefined ? undefined : Math.round(seconds * 1_000))
  }

  /** Listens along in a room. */
  async join(roomId: string): Promise<void> {
    this.#left.delete(roomId)
    if (this.isIn(roomId)) return
    this.#silence()
    player.pause()
    this.#tabs?.postMessage(null)
    this.roomId = roomId
    dock.isTogether = true
    this.#renewals = 0
    this.#timer = setInterval(() => this.#look(), lookMs)
    await this.#load()
  }

  /** Listens no more oneself; the others go on. */
  leave(): void {
    if (this.roomId) this.#left.add(this.roomId)
    this.#silence()
  }

  /** Where the track of a room is now, in seconds; null while that is not known. */
  reckon(roomId: string): number | null {
    const ms = this.#client?.listen.position(roomId)
    return ms === null || ms === undefined ? null : ms / 1_000
  }

  /** After a click the browser lets it sound. */
  async unblock(): Promise<void> {
    if (this.status === 'blocked') {
      this.status = 'live'
      await this.#play()
    } else await this.#load(true)
  }

  /** Where a message's moment is heard: for all where the room listens to that recording, else by oneself. */
  async go(anchor: Anchor, roomId: string | undefined): Promise<void> {
    const seconds = anchor.startMs / 1_000
    if (roomId !== undefined && this.rooms.get(roomId)?.audioFileId === anchor.audioFileId) {
      return this.control(roomId, 'seek', seconds)
    }
    const track = await tracks.fetch(anchor.audioFileId)
    if (!track) toasts.add(t().sound.missing, 'bad')
    else await player.seek(seconds, track)
  }

  /** Brings a connection's states here. */
  follow(client: PhantomClient): () => void {
    this.#client = client
    for (const state of client.listen.active) this.#take(state)
    const ends = [
      client.on('listen:state', (state) => this.#take(state)),
      client.on('log:dropped', ({ log }) => this.#drop(log.replace(/^room:/, ''))),
    ]
    return () => {
      for (const end of ends) end()
      this.#silence()
      this.#client = null
      this.rooms.clear()
      this.#left.clear()
    }
  }

  #take(state: ListenState): void {
    const { roomId, audioFileId } = state
    if (audioFileId === null) {
      if (this.isIn(roomId) && state.ended === 'gone') toasts.add(t().listen.gone)
      this.#drop(roomId, state.ended === 'finished')
      return
    }
    this.rooms.set(roomId, state)
    if (this.isIn(roomId)) {
      if (audioFileId !== this.#loaded) void this.#load()
      else {
        this.#follower.forget()
        this.#look()
      }
    } else this.#follow(roomId)
  }

  #drop(roomId: string, isPlayedOut = false): void {
    this.rooms.delete(roomId)
    this.#left.delete(roomId)
    if (!this.isIn(roomId)) return
    const audio = this.#audio
    const rest = audio && !audio.paused ? audio.duration - audio.currentTime : 0
    this.#silence(isPlayedOut && rest < restSeconds)
  }

  #follow(roomId: string): void {
    if (this.#shown !== roomId || this.roomId || this.#left.has(roomId) || !this.rooms.has(roomId)) return
    if (player.isPlaying || document.visibilityState !== 'visible') return
    void this.join(roomId)
  }

  #silence(isPlayedOut = false): void {
    this.#turn++
    clearInterval(this.#timer)
    this.roomId = null
    dock.isTogether = false
    this.status = 'off'
    this.#loaded = null
    this.#follower.forget()
    if (!isPlayedOut) this.#audio?.pause()
    if ('mediaSession' in navigator && !player.track) navigator.mediaSession.metadata = null
  }

  /** Brings the room's recording into the element. */
  async #load(isAnew = false): Promise<void> {
    const state = this.roomId && this.rooms.get(this.roomId)
    if (!state || state.audioFileId === null) return
    const turn = ++this.#turn
    const { roomId, audioFileId } = state
    this.status = 'loading'
    this.#audio ??= this.#make()
    const audio = this.#audio
    audio.pause()
    this.#loaded = null
    try {
      const track = await tracks.fetch(audioFileId, { isAnew })
      if (turn !== this.#turn) return
      if (!track) {
        this.status = 'denied'
        return
      }
      const address = await addressOf(track)
      if (turn !== this.#turn) return
      audio.src = address
      this.#loaded = audioFileId
      this.#follower.forget()
      this.#announce(track.title, roomId)
      this.status = 'live'
      this.#look()
    } catch (error) {
      if (turn !== this.#turn) return
      this.status = 'failed'
      console.debug('What the room listens to could not be loaded', error)
    }
  }

  /** Looks where the sound is and where it should be, and brings the two together. */
  #look(): void {
    const audio = this.#audio
    const state = this.roomId ? this.rooms.get(this.roomId) : undefined
    const ms = state && this.#client?.listen.position(state)
    if (!state || !audio || ms === null || ms === undefined) return
    const expected = ms / 1_000
    this.position = expected
    if (this.status !== 'live' || this.#loaded !== state.audioFileId) return
    if (audio.volume !== player.volume) audio.volume = player.volume
    // Where it is told to be before it has begun to load, it begins to load there.
    const isReady = audio.readyState >= HTMLMediaElement.HAVE_METADATA
    if (!state.playing) {
      if (!audio.paused) audio.pause()
      if (isReady && !audio.seeking && Math.abs(audio.currentTime - expected) > 0.01) audio.currentTime = expected
      return
    }
    if (audio.paused) {
      if (!audio.ended) void this.#play()
      return
    }
    if (audio.seeking || audio.readyState < HTMLMediaElement.HAVE_FUTURE_DATA) {
      this.#follower.forget()
      return
    }
    // `currentTime` is what is heard now: browsers reckon in what their output takes. So `outputLatency`, which is of Web
    // Audio's own way out, must not be taken off once more.
    const { rate, seekTo } = this.#follower.correct(expected, audio.currentTime, performance.now() / 1_000)
    if (seekTo !== null) audio.currentTime = seekTo
    if (audio.playbackRate !== rate) audio.playbackRate = rate
  }

  async #play(): Promise<void> {
    const audio = this.#audio
    const state = this.roomId ? this.rooms.get(this.roomId) : undefined
    const ms = state && this.#client?.listen.position(state)
    if (!audio || !state?.playing || ms === null || ms === undefined) return
    const turn = this.#turn
    audio.playbackRate = 1
    audio.currentTime = this.#follower.sought(ms / 1_000, performance.now() / 1_000)
    try {
      await audio.play()
    } catch (error) {
      if (turn !== this.#turn || !(error instanceof DOMException)) return
      // `AbortError`: it was paused or loaded anew meanwhile. What can't be played is told by the element's own event.
      if (error.name === 'NotAllowedError') this.status = 'blocked'
    }
  }

  #make(): HTMLAudioElement {
    const audio = new Audio()
    audio.preload = 'auto'
    audio.addEventListener('error', () => void this.#failed(audio))
    audio.addEventListener('playing', () => this.#look())
    // So that a look from outside finds it: an element that is in no document is not to be found.
    audio.hidden = true
    audio.dataset['listening'] = ''
    document.body.append(audio)
    return audio
  }

  async #failed(audio: HTMLAudioElement): Promise<void> {
    if (!this.roomId || !audio.getAttribute('src')) return
    if (this.#renewals++ < mostRenewals) return this.#load(true)
    this.status = 'failed'
  }

  /** For the keys of the keyboard and headphones: they are for oneself alone. */
  #announce(title: string, roomId: string): void {
    if (!('mediaSession' in navigator)) return
    const { mediaSession } = navigator
    mediaSession.metadata = new MediaMetadata({ title, artist: t().listen.title })
    mediaSession.setActionHandler('pause', () => this.leave())
    mediaSession.setActionHandler('play', () => void this.join(roomId))
    for (const action of ['nexttrack', 'previoustrack', 'seekto'] as const) mediaSession.setActionHandler(action, null)
  }
}

export const listening = new Listening()

session.with((client) => listening.follow(client))
