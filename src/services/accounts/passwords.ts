import bcrypt from 'bcrypt'
import { z } from 'zod'
import { AppError } from '../../kernel/errors.ts'

/** A password as it may be chosen: bcrypt reads no more than 72 bytes, and none after a NUL. */
export const Password = z
  .string()
  .max(72)
  .refine((text) => Buffer.byteLength(text) >= 8 && Buffer.byteLength(text) <= 72, 'must be 8 to 72 bytes')
  .refine((text) => !text.includes('\0'), 'must not contain NUL')
  .meta({ minLength: 8, maxLength: 72, format: 'password' })

/** A password as it may be tried. */
export const PasswordGuess = z
  .string()
  .min(1)
  .max(72)
  .refine((text) => Buffer.byteLength(text) <= 72 && !text.includes('\0'), 'must be at most 72 bytes, without NUL')
  .meta({ format: 'password' })

export interface PasswordOptions {
  /** bcrypt's cost of new hashes. */
  cost?: number
  /** Hashes worked on at once; more would starve the thread pool that files and names are served from. */
  atOnce?: number
  /** Hashes that may wait; more are refused. */
  waiting?: number
}

export interface Passwords {
  /** Throws `unavailable` when too many wait. */
  hash(password: string): Promise<string>
  /**
   * Whether a password fits a hash. A wrong one costs the same work whichever cost the hash has, and also where there
   * is no hash (no such account), so that time tells nothing. Throws `unavailable` when too many wait.
   */
  verify(password: string, hash: string | undefined): Promise<boolean>
  /** Whether a hash should be made anew: other than today's kind or cost. */
  outdated(hash: string): boolean
}

/** A well-formed hash of no known password: comparing with it takes the work of its cost. */
const decoy = (cost: number) => `$2b$${String(cost).padStart(2, '0')}$${'abcdefghijklmnopqrstuu'}${'a'.repeat(31)}`

/** bcrypt with a bound on what it may take of the machine. */
export function createPasswords({ cost = 12, atOnce = 2, waiting = 100 }: PasswordOptions = {}): Passwords {
  const slots = createSlots(atOnce, waiting)
  return {
    hash: (password) => slots.run(() => bcrypt.hash(password, cost)),
    verify: (password, hash) =>
      slots.run(async () => {
        if (hash === undefined) {
          await bcrypt.compare(password, decoy(cost))
          return false
        }
        if (await bcrypt.compare(password, hash)) return true
        // Work doubles with each step of cost: 2^c and the steps from c up to ours make ours.
        for (let step = bcrypt.getRounds(hash); step < cost; step++) await bcrypt.compare(password, decoy(step))
        return false
      }),
    outdated: (hash) => !hash.startsWith('$2b$') || bcrypt.getRounds(hash) !== cost,
  }
}

function createSlots(atOnce: number, mostWaiting: number) {
  const queue: (() => void)[] = []
  let running = 0
  return {
    async run<T>(work: () => Promise<T>): Promise<T> {
      if (running >= atOnce) {
        if (queue.length >= mostWaiting) {
          throw new AppError('unavailable', 'Too many are logging in; try again', { retryAfterMs: 2000 })
        }
        // Whoever ends hands its slot over, so `running` stays.
        await new Promise<void>((turn) => queue.push(turn))
      } else running++
      try {
        return await work()
      } finally {
        const next = queue.shift()
        if (next) next()
        else running--
      }
    },
  }
}
