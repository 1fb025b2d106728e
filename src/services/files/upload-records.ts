import { z } from 'zod'
import { AudioFile, AudioVisibility, maxAudioTags } from '../../../models/AudioFile.ts'
import { Upload, type UploadDoc } from '../../../models/Upload.ts'
import type { Database } from '../../infra/mongo.ts'
import type { Actor } from '../../kernel/actor.ts'
import { AppError, conflict, invalid, notFound } from '../../kernel/errors.ts'
import { f } from '../../kernel/fields.ts'
import type { Logger } from '../../kernel/ports.ts'
import type { ObjectStorage } from '../../kernel/storage.ts'
import { parseInput } from '../../kernel/validate.ts'
import { type AudioFiles, audioKey } from './audio-files.ts'
import type { Claims } from './claims.ts'
import { audioTypeOf, sniffBytes } from './sniff.ts'
import { keptMs } from './upload-locks.ts'

export interface UploadRecordsDeps {
  database: Database
  storage: ObjectStorage
  claims: Claims
  audioFiles: AudioFiles
  logger: Logger
}

/** An upload as the protocol announces it. */
export interface AnnouncedUpload {
  id: string
  length: number
  metadata: Record<string, string | null>
}

/** Unfinished uploads that one user can have. */
const mostUnfinished = 50

const { title, description } = AudioFile.spec.fields
const Metadata = z.object({
  title: title.optional(),
  description,
  visibility: AudioVisibility.optional(),
  tags: z.array(f.name(50)).max(maxAudioTags),
  filename: z.string().optional(),
})

/** What is known of uploads beside their bytes, and what becomes of them: a recording, or nothing. */
export function createUploadRecords({ database, storage, claims, audioFiles, logger }: UploadRecordsDeps) {
  const uploads = database.collection(Upload)
  /** The bytes of unfinished ones, by key. */
  const datastore = storage.resumable({
    async get(key) {
      const doc = await uploads.findOne({ _id: uploadIdOf(key) })
      if (!doc) return undefined
      const metadata = doc.metadata as Record<string, string | null>
      return { size: doc.length, metadata, creation_date: doc.createdAt.toISOString() }
    },
  })

  /** Takes note of a new upload. Throws `invalid` for what was said of it, `conflict` where there are too many. */
  async function create(actor: Actor, { id, length, metadata: said }: AnnouncedUpload): Promise<void> {
    const input = parseInput(
      Metadata,
      {
        title: said['title'] || said['filename'] || undefined,
        description: said['description'] || undefined,
        visibility: said['visibility'] || undefined,
        tags: (said['tags'] ?? '')
          .split(',')
          .map((tag) => tag.trim())
          .filter(Boolean),
        filename: said['filename'] || undefined,
      },
      'Upload-Metadata',
    )
    if (!input.title) throw invalid('is missing; give it as metadata', 'title')
    if ((await uploads.countDocuments({ userId: actor.userId, finishedAt: null })) >= mostUnfinished) {
      throw conflict(`There are ${mostUnfinished} unfinished uploads; finish or end some`)
    }
    const now = new Date()
    const doc: UploadDoc = {
      _id: id,
      userId: actor.userId,
      length,
      title: input.title,
      ...(input.description && { description: input.description }),
      visibility: input.visibility ?? 'public',
      tags: input.tags,
      ...(input.filename && { fileName: input.filename.slice(-255) }),
      metadata: said,
      createdAt: now,
      expiresAt: new Date(now.getTime() + keptMs),
      finishedAt: null,
      lockedBy: null,
      lockedUntil: null,
      lockWanted: false,
    }
    await uploads.insertOne(doc)
    try {
      await claims.checkShare(actor.userId)
    } catch (error) {
      await uploads.deleteOne({ _id: id })
      throw error
    }
  }

  /** Takes an unfinished upload away with its bytes. */
  async function drop(id: string) {
    await datastore.remove(audioKey(id)).catch((error) => {
      if ((error as { status_code?: number }).status_code !== 404) throw error
    })
    await storage.remove(audioKey(id))
    await uploads.deleteOne({ _id: id, finishedAt: null })
  }

  /** Makes the recording of an upload whose bytes are all there, once however often it is asked for. Returns its id. */
  async function finish(id: string): Promise<string> {
    const doc = await uploads.findOne({ _id: id })
    if (!doc) throw notFound('Upload')
    if (doc.finishedAt) return id
    let mimeType: string
    try {
      mimeType = await audioTypeOf(await headOf(audioKey(id), doc.length))
    } catch (error) {
      if (error instanceof AppError && error.code === 'unsupported_media') await drop(id)
      throw error
    }
    const { userId, length: sizeBytes, fileName, title, description, visibility, tags } = doc
    try {
      const stored = { id, userId, mimeType, sizeBytes, fileName }
      await audioFiles.record(stored, { title, description, visibility, tags }, async (session) => {
        const set = { finishedAt: new Date(), expiresAt: new Date(Date.now() + keptMs) }
        const done = await uploads.updateOne({ _id: id, finishedAt: null }, { $set: set }, { session })
        if (done.matchedCount === 0) throw conflict('The upload was finished by another request')
      })
    } catch (error) {
      // Two that finished it at once: one has.
      const now = await uploads.findOne({ _id: id })
      if (now?.finishedAt) return id
      throw error
    }
    // What S3's way of resuming keeps beside the bytes; elsewhere there is none.
    await storage.remove(`${audioKey(id)}.info`).catch((error) => {
      logger.warn({ err: error, uploadId: id }, 'the notes of a finished upload are still in the storage')
    })
    return id
  }

  async function headOf(key: string, bytes: number): Promise<Buffer> {
    if (bytes === 0) return Buffer.alloc(0)
    const chunks: Buffer[] = []
    for await (const chunk of await storage.get(key, { start: 0, end: Math.min(bytes, sniffBytes) - 1 })) {
      chunks.push(chunk as Buffer)
    }
    return Buffer.concat(chunks)
  }

  /** The upload of a user. Throws `not_found`, or `gone` for one that expired. */
  async function owned(actor: Actor, id: string): Promise<UploadDoc> {
    const doc = await uploads.findOne({ _id: id, userId: actor.userId })
    if (!doc) throw notFound('Upload')
    if (!doc.finishedAt && doc.expiresAt.getTime() < Date.now()) throw new AppError('gone', 'The upload has expired')
    return doc
  }

  return {
    datastore,
    create,
    drop,
    finish,
    owned,

    /** Removes the bytes of uploads whose records are gone, and were claimed for removal. */
    async forget(ids: string[]): Promise<void> {
      for (const id of ids) {
        try {
          await drop(id)
        } catch (error) {
          logger.warn({ err: error, uploadId: id }, 'the bytes of an upload are still there; the sweep takes them')
        }
      }
      await claims.clear(ids.map(audioKey))
    },

    /** Takes expired uploads away. Returns how many. */
    async sweep(): Promise<number> {
      const expired = uploads.find({ $expr: { $lt: ['$expiresAt', '$$NOW'] } }).limit(10_000)
      let swept = 0
      for await (const doc of expired) {
        if (doc.finishedAt) await uploads.deleteOne({ _id: doc._id })
        else await drop(doc._id)
        swept++
      }
      return swept
    },
  }
}

/** The upload whose bytes a key holds. */
export const uploadIdOf = (key: string) => key.slice(audioKey('').length)
