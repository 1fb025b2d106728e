import { randomFillSync } from 'node:crypto'
import { isValid, monotonicFactory } from 'ulidx'

/** Random numbers in one go: a call of the operating system for each character of each id costs more than the id. */
const pool = new Uint32Array(1024)
let used = pool.length

function random(): number {
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  return pool[used++]! / 2 ** 32
}

const next = monotonicFactory(random)

/** A new id: a ULID of 26 characters, monotonic within this process. */
export const newId = (): string => next()

/** Whether a text is a well-formed ULID. */
export const isId = (text: string): boolean => isValid(text)
