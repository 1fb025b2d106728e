import { Server, type Upload as TusUpload } from '@tus/server'
import { z } from 'zod'
import { AudioFile, AudioVisibility, maxAudioTags } from '../../../models/AudioFile.ts'
import { Upload, type UploadDoc } from '../../../models/Upload.ts'
import type { Config } from '../../config.ts'
import type { Database } from '../../infra/mongo.ts'
import type { Actor } from '../../kernel/actor.ts'
import { AppError, conflict, type ErrorCode, invalid, notFound } from '../../kernel/errors.ts'
import { f } from '../../kernel/fields.ts'
import { isId, newId } from '../../kernel/ids.ts'
import type { Bus, Logger } from '../../kernel/ports.ts'
import type { ObjectStorage } from '../../kernel/storage.ts'
import { parseInput } from '../../kernel/validate.ts'
import { type AudioFiles, audioKey } from './audio-files.ts'
import type { Claims } from './claims.ts'
import { audioTypeOf, sniffBytes } from './sniff.ts'
import { createUploadLocks, keptMs } from './upload-locks.ts'

export interface UploadsDeps {
  database: Database
  bus: Bus
  storage: ObjectStorage
  claims: Claims
  audioFiles: AudioFiles
  logger: Logger
  config: Pick<Config, 'maxUploadBytes'>
}

export interface UploadState {
  id: string
  length: number
  offset: number
  title: string
  /** null until all of it is there and stored. */
  audioFileId: string | null
  expiresAt: string
}

/** Unfinished uploads that one user can have. */
const mostUnfinished = 50
const path = '/api/v1/uploads'

const { title, description } = AudioFile.spec.fields
const Metadata = z.object({
  title: title.optional(),
  description,
  visibility: AudioVisibility.optional(),
  tags: z.array(f.name(50)).max(maxAudioTags),
  filename: z.string().optional(),
})

/** What the statuses of the protocol are as codes; the status itself stays. */
const codes: Record<number, ErrorCode> = {
  403: 'invalid',
  404: 'not_found',
  409: 'conflict',
  410: 'gone',
  413: 'too_large',
  415: 'unsupported_media',
}

/** Resumable uploads by the tus protocol 1.0: they become recordings once all of their bytes are there. */
export function createUploads(deps: UploadsDeps) {
  const { database, bus, storage, claims, audioFiles, logger, config } = deps
  const uploads = database.collection(Upload)
  const keyPrefix = audioKey('')
  const idOf = (key: string) => key.slice(keyPrefix.length)
  /** Who asks, and what went wrong, of requests under way. */
  const actors = new WeakMap<Request, Actor>()
  const failures = new WeakMap<Request, AppError>()
  const keys = new WeakMap<Request, string>()
  /** What the storage threw: the protocol's server takes some of it for a client that went. */
  const writeFailures = new Map<string, AppError>()
  /** Writes under way: a stream that ends early can be answered for before the storage has said why. */
  const writes = new Map<string, Promise<unknown>>()

  const datastore = storage.resumable({
    async get(key) {
      const doc = await uploads.findOne({ _id: idOf(key) })
      if (!doc) return undefined
      const metadata = doc.metadata as Record<string, string | null>
      return { size: doc.length, metadata, creation_date: doc.createdAt.toISOString() }
    },
  })
  const write = datastore.write.bind(datastore)
  datastore.write = (source, key, offset) => {
    const written = write(source, key, offset).catch((error) => {
      if (error instanceof AppError) writeFailures.set(key, error)
      throw error
    })
    const ended = written.then(
      () => {},
      // Whoever called `write` gets the failure.
      () => {},
    )
    writes.set(key, ended)
    void ended.then(() => writes.get(key) === ended && writes.delete(key))
    return written
  }

  const server = new Server({
    path,
    maxSize: config.maxUploadBytes,
    relativeLocation: true,
    datastore,
    lockDrainTimeout: 1_000,
    locker: createUploadLocks({ database, bus, logger }, idOf),
    namingFunction(request) {
      const key = audioKey(newId())
      keys.set(request as Request, key)
      return key
    },
    generateUrl: (_request, { id }) => `${path}/${idOf(id)}`,
    getFileIdFromRequest: (_request, last) => (last && isId(last) ? audioKey(last) : undefined),
    async onUploadCreate(request, upload) {
      await create(actors.get(request as Request)!, upload)
      return {}
    },
    async onUploadFinish(_request, upload) {
      const file = await finish(idOf(upload.id))
      return { headers: { 'X-Audio-File-Id': file } }
    },
    onResponseError(request, error) {
      if (error instanceof AppError) failures.set(request as Request, error)
      else if (error instanceof Error && !('status_code' in error)) {
        failures.set(request as Request, new AppError('internal', 'Something went wrong on our side', { cause: error }))
      }
      return undefined
    },
  })

  async function create(actor: Actor, upload: TusUpload) {
    const said = upload.metadata ?? {}
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
      _id: idOf(upload.id),
      userId: actor.userId,
      length: upload.size!,
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
      await uploads.deleteOne({ _id: doc._id })
      throw error
    }
  }

  /** Takes an unfinished upload away with its bytes. */
  async function drop(id: string) {
    await server.datastore.remove(audioKey(id)).catch((error) => {
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

  const headersOf = (doc: UploadDoc) => ({
    'Tus-Resumable': '1.0.0',
    'Cache-Control': 'no-store',
    'Upload-Offset': String(doc.length),
    'Upload-Length': String(doc.length),
    'X-Audio-File-Id': doc._id,
  })

  /** Answers for an upload that is finished: the bytes are the recording's now, and come in no more. */
  function answerFinished(request: Request, doc: UploadDoc): Response {
    const headers = headersOf(doc)
    if (request.method === 'HEAD') return new Response(null, { status: 200, headers })
    if (request.method === 'DELETE') throw conflict('The upload is finished; delete the recording instead')
    const offset = Number(request.headers.get('Upload-Offset') ?? Number.NaN)
    const length = Number(request.headers.get('Content-Length') ?? 0)
    // The last part again, whose answer was lost.
    if (offset === doc.length || offset + length === doc.length) return new Response(null, { status: 204, headers })
    throw new AppError('conflict', 'The upload is finished')
  }

  return {
    /** Answers a request of the protocol. Throws AppErrors, with the protocol's statuses. */
    async handle(actor: Actor, request: Request, id: string | null): Promise<Response> {
      if (id !== null) {
        const doc = await owned(actor, id)
        if (doc.finishedAt) return answerFinished(request, doc)
        if (request.method === 'HEAD') {
          // All there, but the request that brought the last of it could not finish it.
          const stored = await storage.head(audioKey(id))
          if (stored?.bytes === doc.length) {
            await finish(id)
            return answerFinished(request, doc)
          }
        }
      }
      actors.set(request, actor)
      const answer = await server.handleWeb(request)
      const key = id === null ? keys.get(request) : audioKey(id)
      if (key && answer.status >= 400) await writes.get(key)
      const failure = (key && writeFailures.get(key)) ?? failures.get(request)
      if (key) writeFailures.delete(key)
      if (failure) {
        // A full disk keeps no half of a file.
        if (failure.status === 507 && key) await drop(idOf(key))
        throw failure
      }
      if (answer.status >= 400) {
        const text = (await answer.text()).trim()
        const code = codes[answer.status] ?? (answer.status < 500 ? 'invalid' : 'unavailable')
        throw new AppError(code, text || 'The request is not one of tus 1.0', {
          // Such as 400, 412 and 460, which clients of the protocol know.
          ...(answer.status < 500 && { status: answer.status }),
        })
      }
      // Origins are let in by the server's own rules.
      for (const name of [...answer.headers.keys()]) {
        if (name.startsWith('access-control-')) answer.headers.delete(name)
      }
      if (request.method === 'DELETE' && id !== null) await drop(id)
      return answer
    },

    /** What the protocol can do here. */
    options: (): Record<string, string> => ({
      'Tus-Resumable': '1.0.0',
      'Tus-Version': '1.0.0',
      'Tus-Extension': server.datastore.extensions.join(','),
      'Tus-Max-Size': String(config.maxUploadBytes),
    }),

    /** How far an upload is. Throws `not_found`, `gone`. */
    async state(actor: Actor, id: string): Promise<UploadState> {
      const doc = await owned(actor, id)
      const offset = doc.finishedAt ? doc.length : (await server.datastore.getUpload(audioKey(id)).catch(lost)).offset
      return {
        id,
        length: doc.length,
        offset,
        title: doc.title,
        audioFileId: doc.finishedAt ? id : null,
        expiresAt: doc.expiresAt.toISOString(),
      }
    },

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

  function lost(): never {
    throw new AppError('gone', 'The upload’s bytes are gone')
  }
}

export type Uploads = ReturnType<typeof createUploads>
