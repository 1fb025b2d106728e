import { setTimeout as sleep } from 'node:timers/promises'
import { ERRORS, type Lock, type Locker } from '@tus/server'
import { Upload } from '../../../models/Upload.ts'
import type { Database } from '../../infra/mongo.ts'
import { newId } from '../../kernel/ids.ts'
import type { Bus, Logger } from '../../kernel/ports.ts'

const leaseMs = 15_000
const patienceMs = 20_000
/** An upload that nobody writes to is kept for a day. */
export const keptMs = 24 * 3600_000

const inMs = (ms: number) => ({ $add: ['$$NOW', ms] })

/**
 * One writer an upload over all instances: by a lease in MongoDB, renewed while it is held. Who waits asks the holder
 * to let go, for that is as a rule a request whose client is long gone.
 */
export function createUploadLocks(
  { database, bus, logger }: { database: Database; bus: Bus; logger: Logger },
  uploadIdOf: (id: string) => string,
): Locker {
  const uploads = database.collection(Upload)
  const held = new Map<string, () => void>()
  bus.subscribe('upload-lock', (id) => held.get(id)?.())

  function newLock(id: string): Lock {
    const _id = uploadIdOf(id)
    const lockedBy = newId()
    let renewal: NodeJS.Timeout | undefined
    return {
      async lock(signal, letGo) {
        const end = Date.now() + patienceMs
        const free = { $or: [{ $eq: ['$lockedBy', null] }, { $lt: ['$lockedUntil', '$$NOW'] }] }
        while (true) {
          const taken = await uploads.updateOne({ _id, $expr: free }, [
            { $set: { lockedBy, lockedUntil: inMs(leaseMs), lockWanted: false, expiresAt: inMs(keptMs) } },
          ])
          if (taken.matchedCount > 0) break
          if (signal.aborted || Date.now() > end) throw ERRORS.ERR_LOCK_TIMEOUT
          // Kept as well as told: the holder looks when it renews.
          const wanted = await uploads.updateOne({ _id }, { $set: { lockWanted: true } })
          if (wanted.matchedCount === 0) throw ERRORS.FILE_NOT_FOUND
          bus.announce('upload-lock', _id)
          await sleep(100)
        }
        held.set(_id, letGo)
        renewal = setInterval(() => {
          uploads
            .findOneAndUpdate({ _id, lockedBy }, [{ $set: { lockedUntil: inMs(leaseMs), expiresAt: inMs(keptMs) } }])
            .then(
              (doc) => {
                if (!doc || doc.lockWanted) letGo()
              },
              (error) => logger.warn({ err: error, uploadId: _id }, 'the lease of an upload could not be renewed'),
            )
        }, leaseMs / 3)
        renewal.unref()
      },
      async unlock() {
        clearInterval(renewal)
        held.delete(_id)
        await uploads.updateOne({ _id, lockedBy }, { $set: { lockedBy: null, lockedUntil: null } })
      },
    }
  }
  return { newLock }
}
