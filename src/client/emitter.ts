/** A small typed event emitter: one payload an event, handlers called in the order they were added. */
export class Emitter<Events extends object> {
  #handlers = new Map<keyof Events, Set<(payload: never) => void>>()

  /** Adds a handler and returns the function that removes it. */
  on<E extends keyof Events>(event: E, handler: (payload: Events[E]) => void): () => void {
    const handlers = this.#handlers.get(event) ?? new Set()
    this.#handlers.set(event, handlers)
    handlers.add(handler)
    return () => {
      handlers.delete(handler)
    }
  }

  emit<E extends keyof Events>(event: E, payload: Events[E]): void {
    for (const handler of [...(this.#handlers.get(event) ?? [])]) {
      try {
        ;(handler as (payload: Events[E]) => void)(payload)
      } catch (error) {
        // A broken handler must not stop the others or the log behind them, nor may its error vanish:
        // it goes where uncaught errors go.
        queueMicrotask(() => {
          throw error
        })
      }
    }
  }

  clear(): void {
    this.#handlers.clear()
  }
}
