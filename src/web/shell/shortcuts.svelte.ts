import { router } from '../lib/router.svelte.ts'
import { talk } from '../lib/talk/talk.svelte.ts'

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))

/** What the keyboard opens everywhere; `KeySheet` lists it. */
class Shortcuts {
  open = $state<'switcher' | 'keys' | null>(null)
  /** Grows each time the search of messages is asked for. */
  searchAsked = $state(0)

  take(event: KeyboardEvent): void {
    if (event.defaultPrevented) return
    const isCommand = (event.ctrlKey || event.metaKey) && !event.altKey
    if (isCommand && !event.shiftKey && event.key.toLowerCase() === 'k') this.#do(event, () => this.#toggle('switcher'))
    else if (isCommand && event.shiftKey && event.key.toLowerCase() === 'f') this.#do(event, () => this.search())
    else if (isCommand && event.key === '/') this.#do(event, () => this.#toggle('keys'))
    else if (event.altKey && event.shiftKey && event.key === 'ArrowDown') this.#do(event, () => this.#unread())
    else if (event.altKey && event.key === 'ArrowDown') this.#do(event, () => this.#step(1))
    else if (event.altKey && event.key === 'ArrowUp') this.#do(event, () => this.#step(-1))
    else if (event.key === '?' && !isTyping(event.target) && !this.open) this.#do(event, () => this.#toggle('keys'))
  }

  search(): void {
    if (!talk.open) router.go('/rooms')
    this.searchAsked += 1
  }

  #toggle(what: 'switcher' | 'keys'): void {
    this.open = this.open === what ? null : what
  }

  #do(event: KeyboardEvent, run: () => void): void {
    event.preventDefault()
    run()
  }

  /** All rooms, then all conversations, as the lists show them. */
  #places(): { path: string; isNew: boolean }[] {
    return [
      ...talk.roomList.map(({ id, unread }) => ({ path: `/rooms/${id}`, isNew: unread > 0 && !talk.muted.has(id) })),
      ...talk.conversationList.map(({ userId, unread }) => ({ path: `/messages/${userId}`, isNew: unread > 0 })),
    ]
  }

  #step(by: number): void {
    const places = this.#places()
    const at = places.findIndex(({ path }) => router.path.startsWith(path))
    const next = places[(at + by + places.length) % places.length]
    if (next) router.go(next.path)
  }

  #unread(): void {
    const places = this.#places()
    const at = places.findIndex(({ path }) => router.path.startsWith(path))
    const next = [...places.slice(at + 1), ...places.slice(0, at + 1)].find(({ isNew }) => isNew)
    if (next) router.go(next.path)
  }
}

export const shortcuts = new Shortcuts()
