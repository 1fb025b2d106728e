import type { Emitter } from '../kernel/ports.ts'

/** Typing ends by itself after this time (contract, section 4). */
const lastsMs = 6_000
const maxTyping = 50_000

/** Who is typing where: told live, never stored, and over by itself. */
export function createTyping({ emitter }: { emitter: Emitter }) {
  const timers = new Map<string, NodeJS.Timeout>()

  return {
    /** Tells `rooms` that a user types, or no more; `key` names the place for this user. */
    set(key: string, on: boolean, rooms: string[], event: string, payload: (on: boolean) => object) {
      const running = timers.get(key)
      if (running) {
        clearTimeout(running)
        timers.delete(key)
      }
      const tell = (state: boolean) => {
        for (const room of rooms) emitter.emit(room, event, payload(state))
      }
      if (on && timers.size < maxTyping) {
        const timer = setTimeout(() => {
          timers.delete(key)
          tell(false)
        }, lastsMs)
        timer.unref()
        timers.set(key, timer)
      }
      // Going on typing is no news.
      if (on ? !running : running) tell(on)
    },
    close() {
      for (const timer of timers.values()) clearTimeout(timer)
      timers.clear()
    },
  }
}

export type Typing = ReturnType<typeof createTyping>
