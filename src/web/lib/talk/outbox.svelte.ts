import { type LogKey, refOf } from '../../../client/changes.ts'
import type { PhantomClient } from '../../../client/client.ts'
import { PhantomError } from '../../../client/errors.ts'
import { createClientId } from '../../../client/options.ts'
import type { Anchor } from '../../../client/protocol.ts'
import { describeError } from '../errors.ts'
import { t } from '../i18n/i18n.svelte.ts'
import { session } from '../session.svelte.ts'
import { readJson, writeJson } from '../settings.svelte.ts'
import { talk } from './talk.svelte.ts'

export interface Attached {
  id: string
  kind: 'image' | 'audio'
  title: string
  url: string
}

/** A message on its way. */
export interface Pending {
  clientId: string
  log: LogKey
  content: string
  replyToId?: string
  attachments: Attached[]
  anchor?: Anchor
  at: string
  /** Why the server refused it; null while it is tried. */
  error: string | null
}

const most = 200
const keyOf = (userId: string) => `pp:outbox:${userId}`

/**
 * What was written and is not stored yet. It is kept over a reload, and sent again under the same name, so that it is
 * there once however often it is tried.
 */
class Outbox {
  list = $state.raw<Pending[]>([])
  #owner = ''

  /** What waits for a log, in order. */
  of(log: LogKey): Pending[] {
    return this.list.filter((pending) => pending.log === log)
  }

  /** Takes a text to be sent. Throws `queue_full` where too much waits. */
  send(
    log: LogKey,
    content: string,
    options: { replyToId?: string; attachments?: Attached[]; anchor?: Anchor } = {},
  ): void {
    if (this.list.length >= most) throw new PhantomError('queue_full', 'too many messages wait to be sent')
    const pending: Pending = {
      clientId: createClientId(),
      log,
      content,
      attachments: options.attachments ?? [],
      at: new Date().toISOString(),
      error: null,
      ...(options.replyToId && { replyToId: options.replyToId }),
      ...(options.anchor && { anchor: options.anchor }),
    }
    this.#set([...this.list, pending])
    void this.#deliver(session.client, pending)
  }

  /** Tries one again that was refused. */
  retry(clientId: string): void {
    const pending = this.list.find((each) => each.clientId === clientId)
    if (!pending) return
    const again = { ...pending, error: null }
    this.#set(this.list.map((each) => (each === pending ? again : each)))
    void this.#deliver(session.client, again)
  }

  discard(clientId: string): void {
    this.#set(this.list.filter((each) => each.clientId !== clientId))
  }

  /** Takes up what a former page of this user left. */
  resume(client: PhantomClient, userId: string): void {
    this.#owner = userId
    this.list = readKept(userId).slice(0, most)
    for (const pending of this.list) if (!pending.error) void this.#deliver(client, pending)
  }

  clear(): void {
    this.#owner = ''
    this.list = []
  }

  async #deliver(client: PhantomClient, pending: Pending): Promise<void> {
    const { clientId, content, replyToId, attachments, anchor, log } = pending
    const { roomId, userId } = refOf(log)
    const owner = this.#owner
    try {
      const type = attachments.some(({ kind }) => kind === 'audio')
        ? 'audio'
        : attachments.length > 0
          ? 'image'
          : 'text'
      const message =
        roomId !== undefined
          ? await client.send(roomId, content, {
              clientId,
              type,
              ...(replyToId && { replyToId }),
              ...(attachments.length > 0 && { attachmentIds: attachments.map(({ id }) => id) }),
              ...(anchor && { anchor }),
            })
          : await client.direct.send(userId!, content, { clientId })
      if (this.#owner !== owner) return
      talk.loaded(log)?.join(message)
      this.discard(clientId)
    } catch (error) {
      if (this.#owner !== owner) return
      // The connection is over, not the message: the next one takes it up.
      if (error instanceof PhantomError && error.code === 'closed') return
      const own = { forbidden: roomId === undefined ? t().errors.blocked : t().errors.forbidden }
      const failed = { ...pending, error: describeError(error, own) }
      this.#set(this.list.map((each) => (each.clientId === clientId ? failed : each)))
    }
  }

  #set(list: Pending[]): void {
    const own = new Set([...this.list, ...list].map(({ clientId }) => clientId))
    this.list = list
    if (!this.#owner) return
    // All else that is kept is another window's.
    const others = readKept(this.#owner).filter(({ clientId }) => !own.has(clientId))
    writeJson(keyOf(this.#owner), [...others, ...list].slice(-most))
  }
}

function readKept(userId: string): Pending[] {
  const kept = readJson(keyOf(userId))
  return Array.isArray(kept) ? (kept as Pending[]).filter(isPending) : []
}

function isPending(value: Partial<Pending> | null): value is Pending {
  return (
    typeof value?.clientId === 'string' &&
    /^(room|dm):/.test(value.log ?? '') &&
    typeof value.content === 'string' &&
    Array.isArray(value.attachments)
  )
}

export const outbox = new Outbox()

session.with((client, userId) => {
  outbox.resume(client, userId)
  return () => outbox.clear()
})
