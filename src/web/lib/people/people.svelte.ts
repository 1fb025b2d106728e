import { SvelteMap } from 'svelte/reactivity'
import type { Profile } from '../../../client/session.ts'
import { api, type Page, query } from '../api.ts'
import { hasCode } from '../errors.ts'
import { t } from '../i18n/i18n.svelte.ts'
import { session } from '../session.svelte.ts'

const most = 3_000
const atOnce = 6
const retryMs = 10_000

/** The profiles of people that were met, fetched when they are first looked at. */
class People {
  #profiles = new SvelteMap<string, Profile | null>()
  #wanted: string[] = []
  #asked = new Set<string>()
  #running = 0

  /** A profile; undefined until it is there, null for one who is gone. Reading it asks for it. */
  get(userId: string): Profile | null | undefined {
    const profile = this.#profiles.get(userId)
    if (profile === undefined && userId && !this.#asked.has(userId)) {
      this.#asked.add(userId)
      this.#wanted.push(userId)
      // Not while a component is being drawn.
      queueMicrotask(() => this.#work())
    }
    return profile
  }

  /** How a person is called; `…` until it is known. */
  name(userId: string): string {
    const profile = this.get(userId)
    return profile === undefined ? '…' : (profile?.displayName ?? t().common.gone)
  }

  /** Takes a profile that came with something else. */
  keep(profile: Profile): void {
    if (this.#profiles.size >= most) this.clear()
    this.#asked.add(profile.userId)
    this.#profiles.set(profile.userId, profile)
  }

  /** Profiles by words; those found are kept. */
  async search(words: string, limit = 8, signal?: AbortSignal): Promise<Profile[]> {
    const { items } = await api<Page<Profile>>('GET', `/profiles${query({ q: words, limit })}`, undefined, { signal })
    for (const profile of items) this.keep(profile)
    return items
  }

  clear(): void {
    this.#profiles.clear()
    this.#asked.clear()
    this.#wanted = []
  }

  #work(): void {
    while (this.#running < atOnce && this.#wanted.length > 0 && session.status === 'in') {
      const userId = this.#wanted.shift()!
      this.#running += 1
      void this.#fetch(userId).finally(() => {
        this.#running -= 1
        this.#work()
      })
    }
  }

  async #fetch(userId: string): Promise<void> {
    try {
      this.keep(await api<Profile>('GET', `/users/${userId}/profile`))
    } catch (error) {
      if (hasCode(error, 'not_found') || hasCode(error, 'invalid')) {
        this.#profiles.set(userId, null)
        return
      }
      setTimeout(() => {
        if (!this.#profiles.has(userId) && session.status === 'in') {
          this.#wanted.push(userId)
          this.#work()
        }
      }, retryMs)
    }
  }
}

export const people = new People()

session.with(() => {
  if (session.me) people.keep(session.me.profile)
  return () => people.clear()
})
