import { SvelteMap } from 'svelte/reactivity'
import type { Presence, PresenceStatus } from '../../../client/protocol.ts'
import { session } from '../session.svelte.ts'

/** As many as the server lets one socket watch. */
const most = 1_000

/** Who is here: of the people looked at, the latest thousand. */
class PresenceStore {
  #known = new SvelteMap<string, Presence>()
  /** In the order in which they were last asked for. */
  #watched = new Set<string>()
  #pending = new Set<string>()
  #isDue = false

  /** The presence of a person; undefined until it is known. Reading it begins watching. */
  of(userId: string): Presence | undefined {
    const presence = this.#known.get(userId)
    if (userId && !this.#watched.has(userId)) this.#pending.add(userId)
    if (this.#pending.size > 0 && !this.#isDue) {
      this.#isDue = true
      setTimeout(() => void this.#watch(), 50)
    }
    return presence
  }

  status(userId: string): PresenceStatus {
    return this.of(userId)?.status ?? 'offline'
  }

  take(presence: Presence): void {
    this.#known.set(presence.userId, presence)
  }

  /** A new connection watches nobody yet. */
  renew(): void {
    for (const userId of this.#watched) this.#pending.add(userId)
    this.#watched.clear()
    if (this.#pending.size > 0) void this.#watch()
  }

  clear(): void {
    this.#known.clear()
    this.#watched.clear()
    this.#pending.clear()
  }

  async #watch(): Promise<void> {
    this.#isDue = false
    if (session.status !== 'in' || this.#pending.size === 0) return
    const { client } = session
    const userIds = [...this.#pending].slice(-most)
    this.#pending.clear()
    const room = most - userIds.length
    const forgotten = [...this.#watched].slice(0, Math.max(0, this.#watched.size - room))
    for (const userId of forgotten) {
      this.#watched.delete(userId)
      this.#known.delete(userId)
    }
    for (const userId of userIds) this.#watched.add(userId)
    try {
      if (forgotten.length > 0) await client.request('presence:unwatch', { userIds: forgotten })
      for (const presence of await client.request('presence:watch', { userIds })) this.take(presence)
    } catch (error) {
      // The next `ready` watches all of them again.
      console.debug('Presence is not known just now', error)
    }
  }
}

export const presence = new PresenceStore()

session.with((client) => {
  const ends = [client.on('presence', (each) => presence.take(each)), client.on('ready', () => presence.renew())]
  return () => {
    for (const end of ends) end()
    presence.clear()
  }
})
