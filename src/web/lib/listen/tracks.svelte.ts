import { SvelteMap } from 'svelte/reactivity'
import { api } from '../api.ts'
import { hasCode } from '../errors.ts'
import { session } from '../session.svelte.ts'
import type { AudioFile } from '../sound/types.ts'

const most = 500
const retryMs = 10_000

/** Recordings that rooms listen to and messages point to, by their ids; fetched when first looked at. */
class Tracks {
  #known = new SvelteMap<string, AudioFile | null>()
  #asked = new Map<string, Promise<AudioFile | null>>()

  /** A recording; undefined until it is there, null for one that one may not hear. Reading it asks for it. */
  get(id: string): AudioFile | null | undefined {
    const track = this.#known.get(id)
    // Not while a component is being drawn.
    if (track === undefined) queueMicrotask(() => void this.#look(id))
    return track
  }

  /** Resolves with the recording, or null where one may not hear it. `isAnew`: also where it is known. */
  async fetch(id: string, { isAnew = false } = {}): Promise<AudioFile | null> {
    const known = this.#known.get(id)
    if (known !== undefined && !isAnew) return known
    const asked = this.#asked.get(id)
    if (asked) return asked
    const asking = this.#ask(id)
    this.#asked.set(id, asking)
    // One that failed is asked for again, but not at once.
    asking.then(
      () => this.#asked.delete(id),
      () => setTimeout(() => this.#asked.delete(id), retryMs),
    )
    return asking
  }

  keep(track: AudioFile): void {
    if (this.#known.size >= most) this.#known.clear()
    this.#known.set(track.id, track)
  }

  forget(id: string): void {
    this.#known.delete(id)
  }

  clear(): void {
    this.#known.clear()
    this.#asked.clear()
  }

  async #look(id: string): Promise<void> {
    try {
      await this.fetch(id)
    } catch (error) {
      // The next one who looks asks again.
      console.debug('A recording could not be read', error)
    }
  }

  async #ask(id: string): Promise<AudioFile | null> {
    try {
      const track = await api<AudioFile>('GET', `/audio-files/${id}`)
      this.keep(track)
      return track
    } catch (error) {
      if (!hasCode(error, 'not_found')) throw error
      if (this.#known.size >= most) this.#known.clear()
      this.#known.set(id, null)
      return null
    }
  }
}

export const tracks = new Tracks()

session.with(() => () => tracks.clear())
