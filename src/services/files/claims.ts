import { hostname } from 'node:os'
import type { mongo } from 'mongoose'
import { AudioFile } from '../../../models/AudioFile.ts'
import { Image } from '../../../models/Image.ts'
import { StorageClaim, type StorageClaimDoc } from '../../../models/StorageClaim.ts'
import { Upload } from '../../../models/Upload.ts'
import type { Database } from '../../infra/mongo.ts'
import { AppError } from '../../kernel/errors.ts'
import { newId } from '../../kernel/ids.ts'
import type { Logger } from '../../kernel/ports.ts'
import type { ObjectStorage } from '../../kernel/storage.ts'

const renewMs = 10_000
/** A writer that has not renewed its claim for so long is dead. */
const deadMs = 60_000
/** Removals that a crash left are taken up after this. */
const leftMs = 30_000

/** Names this process among those that had its number. */
const run = newId()

export interface ClaimsDeps {
  database: Database
  storage: ObjectStorage
  logger: Logger
  /** How many bytes one user may keep. */
  quotaBytes: number
}

export interface Claim {
  id: string
  key: string
  /** Lets go of the bytes: within the transaction that stores the record which points to them. */
  settle(session: mongo.ClientSession): Promise<void>
  /** Removes the bytes. */
  discard(): Promise<void>
  /** Ends the renewal; call it in the end, whatever came. */
  end(): void
}

const tooMuch = (quotaBytes: number) =>
  new AppError('too_large', `This would be more than the ${quotaBytes} bytes that one account may keep`)

/** Keeps account of bytes that no record points to, and of how much room each user takes. */
export function createClaims({ database, storage, logger, quotaBytes }: ClaimsDeps) {
  const claims = database.collection(StorageClaim)
  const me = { host: hostname(), pid: process.pid, run }

  const sum = async (collection: mongo.Collection<any>, match: object, field: string): Promise<number> => {
    const [row] = await collection
      .aggregate<{ bytes: number }>([{ $match: match }, { $group: { _id: null, bytes: { $sum: `$${field}` } } }])
      .toArray()
    return row?.bytes ?? 0
  }

  /** What a user keeps, with what is on its way. */
  async function usage(userId: string): Promise<number> {
    const parts = await Promise.all([
      sum(database.collection(AudioFile), { userId }, 'sizeBytes'),
      sum(database.collection(Image), { uploaderId: userId }, 'sizeBytes'),
      sum(claims, { userId, purpose: 'write' }, 'bytes'),
      sum(database.collection(Upload), { userId, finishedAt: null }, 'length'),
    ])
    return parts.reduce((all, part) => all + part, 0)
  }

  async function insert(draft: Pick<StorageClaimDoc, 'key' | 'purpose' | 'bytes' | 'userId'>) {
    const _id = newId()
    // By an update, so that the time is MongoDB's.
    await claims.updateOne({ _id }, [{ $set: { ...draft, ...me, touchedAt: '$$NOW' } }], { upsert: true })
    return _id
  }

  /** Removes what a key names: one object, or all whose keys begin so. */
  async function removeBytes(key: string) {
    if (!key.endsWith('/')) return storage.remove(key)
    const found: string[] = []
    for await (const object of storage.list(key)) found.push(object.key)
    for (const each of found) await storage.remove(each)
  }

  const isDead = (claim: StorageClaimDoc): boolean => {
    if (claim.run === me.run || claim.host !== me.host) return false
    // Ours by number, but of another start: the process before us.
    if (claim.pid === me.pid) return true
    try {
      process.kill(claim.pid, 0)
      return false
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'ESRCH'
    }
  }

  return {
    usage,

    /** Throws `too_large` where a user's share is spent, counting what is on its way. */
    async checkShare(userId: string): Promise<void> {
      if ((await usage(userId)) > quotaBytes) throw tooMuch(quotaBytes)
    },

    /** Claims a key and room for it, to be written by this process. Throws `too_large` where the share is spent. */
    async write(userId: string, key: string, bytes: number): Promise<Claim> {
      const id = await insert({ key, purpose: 'write', bytes, userId })
      const timer = setInterval(() => {
        claims
          .updateOne({ _id: id }, [{ $set: { touchedAt: '$$NOW' } }])
          .catch((error) => logger.warn({ err: error, key }, 'the claim to a file could not be renewed'))
      }, renewMs)
      timer.unref()
      const end = () => clearInterval(timer)
      try {
        if ((await usage(userId)) > quotaBytes) throw tooMuch(quotaBytes)
      } catch (error) {
        end()
        await claims.deleteOne({ _id: id })
        throw error
      }
      return {
        id,
        key,
        end,
        async settle(session) {
          // One that was taken for dead has lost its bytes.
          const { deletedCount } = await claims.deleteOne({ _id: id, purpose: 'write' }, { session })
          if (deletedCount === 0) throw new AppError('unavailable', 'The upload took too long; try again')
        },
        async discard() {
          end()
          await removeBytes(key)
          await claims.deleteOne({ _id: id })
        },
      }
    },

    /** Marks bytes to be removed; in the transaction that takes their record away. Then call `clear`. */
    async remove(keys: string[], session?: mongo.ClientSession): Promise<void> {
      if (keys.length === 0) return
      const docs = keys.map((key) => ({ _id: newId(), key, purpose: 'remove', bytes: 0, ...me, touchedAt: new Date() }))
      await claims.insertMany(docs as never, { session })
    },

    /** Removes the bytes of the keys, marked before; what fails is tried again by the sweep. */
    async clear(keys: string[]): Promise<void> {
      for (const key of keys) {
        try {
          await removeBytes(key)
          await claims.deleteMany({ key, purpose: 'remove' })
        } catch (error) {
          logger.warn({ err: error, key }, 'a removed file’s bytes are still there; the sweep takes them')
        }
      }
    },

    /** Removes the bytes of dead writers and of removals that were cut off. Returns of how many. */
    async sweep(): Promise<number> {
      let swept = 0
      for await (const claim of claims.find({}).sort({ touchedAt: 1 }).limit(10_000)) {
        // Taken in one step, so that a writer which lives after all finds that it has lost.
        const limit = { $subtract: ['$$NOW', claim.purpose === 'remove' ? leftMs : deadMs] }
        const dead = isDead(claim)
        const taken = await claims.findOneAndUpdate(
          {
            _id: claim._id,
            touchedAt: claim.touchedAt,
            ...(!dead && { $expr: { $lt: ['$touchedAt', limit] } }),
          } as never,
          [{ $set: { purpose: 'remove', touchedAt: '$$NOW', ...me } }],
        )
        if (!taken) continue
        await removeBytes(claim.key)
        await claims.deleteOne({ _id: claim._id })
        swept++
      }
      return swept
    },
  }
}

export type Claims = ReturnType<typeof createClaims>
