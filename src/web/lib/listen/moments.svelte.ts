import { SvelteMap } from 'svelte/reactivity'
import { isSending, type LogKey, messageOf } from '../../../client/changes.ts'
import type { Anchor, ChatMessage } from '../../../client/protocol.ts'
import { readAll } from '../api.ts'
import { session } from '../session.svelte.ts'

/** Recordings whose moments are kept in mind, and pages of a hundred that are read of one. */
const mostFiles = 50
const mostPages = 5

/** What was said about moments of recordings, and the moment that the next message will be about. */
class Moments {
  /** What the message that is being written in a room is about. */
  draft = $state.raw<{ log: LogKey; anchor: Anchor } | null>(null)
  #lists = new SvelteMap<string, ChatMessage[]>()
  #asked = new Set<string>()

  /** Messages in one's own rooms about moments of a recording, in the order of the moments. Reading them asks for them. */
  of(audioFileId: string): ChatMessage[] {
    if (!this.#asked.has(audioFileId)) {
      if (this.#asked.size >= mostFiles) this.clear()
      this.#asked.add(audioFileId)
      queueMicrotask(() => void this.#read(audioFileId))
    }
    return this.#lists.get(audioFileId) ?? []
  }

  /** Takes a message that came or changed. */
  take(message: ChatMessage): void {
    // A deleted one says no more what it was about.
    const ids = message.anchor ? [message.anchor.audioFileId] : [...this.#lists.keys()]
    for (const id of ids) {
      const list = this.#lists.get(id)
      if (!list) continue
      const others = list.filter((each) => each.id !== message.id)
      const isAbout = message.anchor?.audioFileId === id && !message.deletedAt
      if (isAbout) this.#lists.set(id, sorted([...others, message]))
      else if (others.length < list.length) this.#lists.set(id, others)
    }
  }

  /** One is in a room no more. */
  leave(roomId: string): void {
    for (const [id, list] of this.#lists) {
      const others = list.filter(({ chatRoomId }) => chatRoomId !== roomId)
      if (others.length < list.length) this.#lists.set(id, others)
    }
  }

  clear(): void {
    this.#lists.clear()
    this.#asked.clear()
  }

  async #read(audioFileId: string): Promise<void> {
    try {
      const { items: found } = await readAll<ChatMessage>(`/audio-files/${audioFileId}/anchors`, mostPages)
      if (!this.#asked.has(audioFileId)) return
      // What came meanwhile is newer than what was read.
      const live = this.#lists.get(audioFileId) ?? []
      const newer = new Set(live.map(({ id }) => id))
      this.#lists.set(audioFileId, sorted([...found.filter(({ id }) => !newer.has(id)), ...live]))
    } catch (error) {
      // Without them the waveform is bare; the next look asks again.
      this.#asked.delete(audioFileId)
      console.debug('What was said about a recording could not be read', error)
    }
  }
}

const sorted = (messages: ChatMessage[]) =>
  messages.sort((a, b) => a.anchor!.startMs - b.anchor!.startMs || a.id.localeCompare(b.id))

export const moments = new Moments()

session.with((client) => {
  const ends = [
    client.on('change', (change) => {
      const message = messageOf(change)
      if (!message || !('chatRoomId' in message)) return
      // A new one without a moment is of no concern; a changed one may have lost it.
      if (message.anchor || !isSending(change)) moments.take(message)
    }),
    client.on('log:dropped', ({ log }) => log.startsWith('room:') && moments.leave(log.slice('room:'.length))),
  ]
  return () => {
    for (const end of ends) end()
    moments.draft = null
    moments.clear()
  }
})
