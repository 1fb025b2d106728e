import { Readable } from 'node:stream'
import type { ObjectStorage } from '../../kernel/storage.ts'

/** How much may come at once after a rest, as milliseconds of the rate. */
const burstMs = 16
const tickMs = 4
/** Of so many chunks one goes to the upload that has waited longest, the others to the one that began first. */
const fairTurn = 4

interface Waiting {
  /** Smaller for an upload that began earlier. */
  upload: number
  bytes: number
  go(): void
}

/**
 * A rate that all uploads of an instance share, in bytes a second. What comes faster waits in its client: whoever chats
 * here shares the event loop and the disk with it. The upload that began first goes first, so that uploads end one after
 * the other and not all at once; each gets on all the same.
 */
export function createPace(bytesPerSecond: number) {
  const perMs = bytesPerSecond / 1000
  const burst = perMs * burstMs
  const waiting: Waiting[] = []
  let budget = burst
  let countedAt = performance.now()
  let isPlanned = false
  let uploads = 0
  let turn = 0

  function refill() {
    const now = performance.now()
    budget = Math.min(burst, budget + perMs * (now - countedAt))
    countedAt = now
  }

  function serve() {
    refill()
    while (waiting.length > 0 && budget > 0) {
      let at = 0
      if (turn++ % fairTurn > 0) {
        for (let other = 1; other < waiting.length; other++) {
          if (waiting[other]!.upload < waiting[at]!.upload) at = other
        }
      }
      const [next] = waiting.splice(at, 1)
      // A chunk may be larger than what is left: the next one waits the longer.
      budget -= next!.bytes
      next!.go()
    }
    isPlanned = false
    if (waiting.length > 0) plan()
  }

  function plan() {
    if (isPlanned) return
    isPlanned = true
    setTimeout(serve, tickMs)
  }

  /** At most one for each upload waits. */
  function take(upload: number, bytes: number): Promise<void> | undefined {
    if (waiting.length === 0) {
      refill()
      if (budget > 0) {
        budget -= bytes
        return undefined
      }
    }
    return new Promise((go) => {
      waiting.push({ upload, bytes, go })
      plan()
    })
  }

  return {
    /** The chunks of an upload, each when its time has come. */
    async *through(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
      const upload = uploads++
      for await (const chunk of source) {
        await take(upload, chunk.length)
        yield chunk
      }
    },
  }
}

/** A storage that takes bytes at a pace. */
export function pacedStorage(storage: ObjectStorage, bytesPerSecond: number): ObjectStorage {
  const pace = createPace(bytesPerSecond)
  return {
    ...storage,
    put: (key, source, options) => storage.put(key, pace.through(source), options),
    resumable(states) {
      const datastore = storage.resumable(states)
      const write = datastore.write.bind(datastore)
      // Nothing is read ahead of its time.
      datastore.write = (source, key, offset) =>
        write(Readable.from(pace.through(source), { highWaterMark: 1 }), key, offset)
      return datastore
    },
  }
}
