import type { ConnectionLimits } from './connection.ts'

/** What a connection may still send: two buckets, of messages and of bytes, which fill again as time passes. */
export class Allowance {
  readonly #limits: ConnectionLimits
  #messages: number
  #bytes: number
  #refilledAt = performance.now()

  constructor(limits: ConnectionLimits) {
    this.#limits = limits
    this.#messages = limits.messageBurst
    this.#bytes = limits.byteBurst
  }

  /** Takes what a message costs. Returns for how long nothing more should be read, in milliseconds; 0 for no wait. */
  take(bytes: number): number {
    const limits = this.#limits
    if (!limits.enabled) return 0
    const now = performance.now()
    const seconds = (now - this.#refilledAt) / 1000
    this.#refilledAt = now
    this.#messages = Math.min(limits.messageBurst, this.#messages + seconds * limits.messages) - 1
    this.#bytes = Math.min(limits.byteBurst, this.#bytes + seconds * limits.bytes) - bytes
    return Math.max(0, Math.max(-this.#messages / limits.messages, -this.#bytes / limits.bytes) * 1000)
  }
}
