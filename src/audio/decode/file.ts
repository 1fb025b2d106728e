import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { DecodeError, type DecodeLimits } from './pcm.ts'

/** Bounded reads from one file, which stop at a deadline and when they are told to. Synchronous, as decoders pull. */
export interface AudioFile {
  size: number
  /** Fills `target` from a position; fewer bytes only at the end of the file. Throws DecodeError. */
  readAt(position: number, target: Uint8Array): number
  /** `length` bytes from a position, fewer at the end of the file. */
  slice(position: number, length: number): Buffer
  /** Throws DecodeError where time is up or the caller has cancelled. */
  check(): void
  close(): void
}

/** What this process has used of the processor: a busy machine, on which it waits, is no fault of a file. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

/** Opens a regular file. Throws DecodeError with the reason `unreadable` or `empty`. */
export function openAudioFile(path: string, limits: DecodeLimits): AudioFile {
  const usedAtStart = cpuMs()
  let fd: number
  try {
    fd = openSync(path, 'r')
  } catch (error) {
    throw new DecodeError('unreadable', 'the file cannot be opened', { cause: error })
  }
  let open = true
  const close = () => {
    if (open) closeSync(fd)
    open = false
  }
  const stat = fstatSync(fd)
  if (!stat.isFile() || stat.size === 0) {
    close()
    throw stat.isFile()
      ? new DecodeError('empty', 'the file is empty')
      : new DecodeError('unreadable', 'it is not a regular file')
  }

  function check() {
    if (limits.signal?.aborted) throw new DecodeError('cancelled', 'decoding was cancelled')
    if (cpuMs() - usedAtStart >= limits.timeMs)
      throw new DecodeError('timeout', `decoding took longer than ${limits.timeMs / 1000} s`)
  }

  function readAt(position: number, target: Uint8Array): number {
    check()
    if (!open) throw new DecodeError('unreadable', 'the file is closed')
    let count = 0
    try {
      while (count < target.length) {
        const got = readSync(fd, target, count, target.length - count, position + count)
        if (got === 0) break
        count += got
      }
    } catch (error) {
      throw new DecodeError('unreadable', 'the file cannot be read', { cause: error })
    }
    return count
  }

  return {
    size: stat.size,
    readAt,
    slice(position, length) {
      const bytes = Buffer.alloc(Math.max(0, Math.min(length, stat.size - position)))
      return bytes.subarray(0, readAt(position, bytes))
    },
    check,
    close,
  }
}
