import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import { AppError } from '../kernel/errors.ts'
import type { Rate, RateLimiter } from '../kernel/rate.ts'

/**
 * Fixed windows in this process's memory: an instance counts for itself, so several allow as many times the rate.
 * Holds at most `maxKeys` callers; the longest known makes room for the newest.
 */
export function createRateLimiter({ enabled = true, maxKeys = 100_000 } = {}): RateLimiter & { readonly size: number } {
  const limiters = new Map<string, RateLimiterMemory>()
  const known = new Map<string, { limiter: RateLimiterMemory; key: string; until: number }>()

  function limiterOf(name: string, rate: Rate) {
    const id = `${name} ${rate.points}/${rate.seconds}`
    let limiter = limiters.get(id)
    if (!limiter) {
      limiter = new RateLimiterMemory({ points: rate.points, duration: rate.seconds, keyPrefix: id })
      limiters.set(id, limiter)
    }
    return limiter
  }

  /** Notes a caller, in the order in which their windows began. */
  async function note(limiter: RateLimiterMemory, key: string, seconds: number) {
    const id = `${limiter.keyPrefix}:${key}`
    const now = Date.now()
    const entry = known.get(id)
    if (entry && entry.until > now) return
    known.delete(id)
    known.set(id, { limiter, key, until: now + seconds * 1000 })
    for (const [oldId, old] of known) {
      if (known.size <= maxKeys && old.until > now) break
      known.delete(oldId)
      if (old.until > now) await old.limiter.delete(old.key)
    }
  }

  const refuse = (waitMs: number) =>
    new AppError('rate_limited', 'Too many requests; slow down', { retryAfterMs: Math.max(1, Math.ceil(waitMs)) })

  return {
    async consume(name, rate, key) {
      if (!enabled) return
      const limiter = limiterOf(name, rate)
      await note(limiter, key, rate.seconds)
      try {
        await limiter.consume(key)
      } catch (error) {
        if (error instanceof RateLimiterRes) throw refuse(error.msBeforeNext)
        throw error
      }
    },
    async check(name, rate, key) {
      if (!enabled) return
      const state = await limiterOf(name, rate).get(key)
      if (state && state.consumedPoints >= rate.points && state.msBeforeNext > 0) throw refuse(state.msBeforeNext)
    },
    async forgive(name, rate, key) {
      if (enabled) await limiterOf(name, rate).delete(key)
    },
    get size() {
      return known.size
    },
  }
}
