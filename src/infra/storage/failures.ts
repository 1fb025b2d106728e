import { AppError } from '../../kernel/errors.ts'

const noRoom = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])

/** What a failure to keep bytes is to the caller: a full disk answers 507, all else stays as it is. */
export function storageFailure(cause: unknown): unknown {
  if (!noRoom.has((cause as NodeJS.ErrnoException | null)?.code ?? '')) return cause
  return new AppError('unavailable', 'No room is left to store this', { status: 507, cause, retryAfterMs: 600_000 })
}

/** Keys are ours, never a client's: anything else than `audio/01H…` or `images/01H…/small` is a bug. */
export function checkKey(key: string): string {
  if (!/^[\w-]+(?:\/[\w-]+(?:\.\w+)?)*$/.test(key)) throw new TypeError(`Not a storage key: ${key}`)
  return key
}
