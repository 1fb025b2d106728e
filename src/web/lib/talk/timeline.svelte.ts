import { tick } from 'svelte'
import { SvelteMap } from 'svelte/reactivity'
import { type Change, type LogKey, messageOf, refOf } from '../../../client/changes.ts'
import type { ChatMessage, Message } from '../../../client/protocol.ts'
import { session } from '../session.svelte.ts'
import { type Entry, toEntry } from './entry.ts'

const pageSize = 60
/** Most entries held of one log; what lies farthest from where one reads goes first. */
const most = 1_500
const typingMs = 6_500
const mostEarly = 1_000

/**
 * The part of a log that is loaded: messages with consecutive numbers, from somewhere to somewhere. Live changes join at
 * the end where it is the log's end.
 */
export class Timeline {
  readonly log: LogKey
  items = $state.raw<Entry[]>([])
  status = $state<'empty' | 'loading' | 'ready' | 'failed'>('empty')
  error = $state.raw<unknown>(null)
  /** Nothing lies before, or after, what is loaded. */
  atStart = $state(false)
  atEnd = $state(false)
  busy = $state<'before' | 'after' | null>(null)
  /** Set while entries are added or taken away at the start, so that the list keeps its place. */
  shifting = $state(false)
  /** The first number that was unread when the log was opened. */
  newFrom = $state<number | null>(null)
  /** Who types, with the time at which we stop believing it. */
  typers = new SvelteMap<string, number>()
  /** How far the others have read. */
  marks = new SvelteMap<string, number>()
  /** How many came in below what is loaded. */
  missed = $state(0)
  /** What came while a part of the log was fetched, which may be older than that. */
  #early: (ChatMessage | Message)[] | null = null
  /** Of what was heard behind the last entry here. */
  #newestSeq = 0
  #generation = 0

  constructor(log: LogKey) {
    this.log = log
  }

  get lastSeq(): number {
    return this.items.at(-1)?.seq ?? 0
  }

  /** Loads the end of the log, or what lies around a message. */
  async open(seq?: number): Promise<void> {
    if (seq !== undefined && this.status === 'ready' && this.find(seq)) return
    if (seq === undefined && this.status === 'ready' && this.atEnd) return
    const generation = ++this.#generation
    this.status = this.items.length > 0 && seq === undefined ? this.status : 'loading'
    this.#early = []
    try {
      const [before, after] = await Promise.all([
        this.#history(seq === undefined ? {} : { before: seq + 1 }),
        seq === undefined ? null : this.#history({ after: seq }),
      ])
      if (generation !== this.#generation) return
      this.items = [...before.messages, ...(after?.messages ?? [])].map(toEntry)
      this.atStart = !before.more
      this.atEnd = !after?.more
      this.missed = 0
      this.error = null
      this.status = 'ready'
      const early = this.#early
      this.#early = null
      for (const message of early ?? []) this.#join(message)
      this.#readMarks(this.items)
    } catch (error) {
      if (generation !== this.#generation) return
      this.#early = null
      this.error = error
      this.status = 'failed'
    }
  }

  /** Loads what lies before the first entry. */
  async loadBefore(): Promise<void> {
    const first = this.items[0]
    if (!first || this.atStart || this.busy || this.status !== 'ready') return
    await this.#page('before', async () => {
      const { messages, more } = await this.#history({ before: first.seq })
      return () => {
        if (this.items[0]?.seq !== first.seq) return
        const added = messages.map(toEntry)
        const all = [...added, ...this.items]
        this.atStart = !more
        if (all.length > most) {
          this.atEnd = false
          all.length = most
        }
        this.#shift(all)
        this.#readMarks(added)
      }
    })
  }

  /** The connection is back: goes on where it broke off. */
  resume(): void {
    if (this.error !== null && !this.atEnd) void this.loadAfter()
  }

  /** Loads what lies after the last entry. */
  async loadAfter(): Promise<void> {
    const last = this.items.at(-1)
    if (!last || this.atEnd || this.busy || this.status !== 'ready') return
    let isBehind = false
    await this.#page('after', async () => {
      const { messages, more } = await this.#history({ after: last.seq })
      return () => {
        if (this.lastSeq !== last.seq) return
        this.items = [...this.items, ...messages.map(toEntry)]
        // What was heard while this was asked for may have come too late for the answer.
        isBehind = !more && messages.length > 0 && this.#newestSeq > this.lastSeq
        this.atEnd = !more && !isBehind
        if (this.atEnd) this.missed = 0
        this.#trimStart()
        this.#readMarks(this.items.slice(-messages.length))
      }
    })
    if (isBehind) await this.loadAfter()
  }

  find(seq: number): Entry | undefined {
    const first = this.items[0]
    // Numbers are consecutive within what is loaded.
    return first && seq >= first.seq ? this.items[seq - first.seq] : undefined
  }

  byId(id: string): Entry | undefined {
    return this.items.find((entry) => entry.id === id)
  }

  /** Takes a change of the log as the client gives it out. */
  take(change: Change): void {
    const message = messageOf(change)
    if (!message) return
    this.typers.delete(message.senderId)
    this.join(message)
  }

  /** Takes a message, new or changed, from wherever it comes. */
  join(message: ChatMessage | Message): void {
    if (this.#early && this.#early.length < mostEarly) this.#early.push(message)
    if (this.status === 'ready') this.#join(message)
  }

  /** A person has read up to a message. */
  mark(userId: string, seq: number): void {
    if (seq > (this.marks.get(userId) ?? 0)) this.marks.set(userId, seq)
  }

  typing(userId: string, on: boolean): void {
    if (!on) {
      this.typers.delete(userId)
      return
    }
    const until = Date.now() + typingMs
    this.typers.set(userId, until)
    setTimeout(() => {
      if (this.typers.get(userId) === until) this.typers.delete(userId)
    }, typingMs)
  }

  #join(message: ChatMessage | Message): void {
    const entry = toEntry(message)
    const first = this.items[0]
    const last = this.items.at(-1)
    if (first && last && entry.seq >= first.seq && entry.seq <= last.seq) {
      const at = entry.seq - first.seq
      if (this.items[at]!.rev > entry.rev) return
      const items = [...this.items]
      items[at] = entry
      this.items = items
    } else if (!last || entry.seq > last.seq) {
      this.#newestSeq = Math.max(this.#newestSeq, entry.seq)
      if (!this.atEnd) this.missed += 1
      else if (!last || entry.seq === last.seq + 1) {
        this.items = [...this.items, entry]
        this.#trimStart()
      } else {
        // Something between is missing here; the log has it.
        this.atEnd = false
        void this.loadAfter()
      }
    }
    this.#readMarks([entry])
  }

  #trimStart(): void {
    if (this.items.length <= most) return
    this.atStart = false
    this.#shift(this.items.slice(-most))
  }

  #shift(items: Entry[]): void {
    this.shifting = true
    this.items = items
    void tick().then(() => {
      this.shifting = false
    })
  }

  #readMarks(entries: Entry[]): void {
    for (const { seenBy, seq } of entries) for (const userId of seenBy) this.mark(userId, seq)
  }

  async #page(side: 'before' | 'after', fetch: () => Promise<() => void>): Promise<void> {
    const generation = this.#generation
    this.busy = side
    try {
      const apply = await fetch()
      if (generation === this.#generation) apply()
      this.error = null
    } catch (error) {
      this.error = error
    } finally {
      this.busy = null
    }
  }

  #history(range: {
    before?: number
    after?: number
  }): Promise<{ messages: (ChatMessage | Message)[]; more: boolean }> {
    const { roomId, userId } = refOf(this.log)
    const { client } = session
    return roomId !== undefined
      ? client.request('room:history', { roomId, limit: pageSize, ...range })
      : client.request('dm:history', { userId: userId!, limit: pageSize, ...range })
  }
}
