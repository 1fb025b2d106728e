import { Server } from '@tus/server'
import type { UploadDoc } from '../../../models/Upload.ts'
import type { Config } from '../../config.ts'
import type { Database } from '../../infra/mongo.ts'
import type { Actor } from '../../kernel/actor.ts'
import { AppError, conflict, type ErrorCode } from '../../kernel/errors.ts'
import { isId, newId } from '../../kernel/ids.ts'
import type { Bus, Logger } from '../../kernel/ports.ts'
import type { ObjectStorage } from '../../kernel/storage.ts'
import { type AudioFiles, audioKey } from './audio-files.ts'
import type { Claims } from './claims.ts'
import { createUploadLocks } from './upload-locks.ts'
import { createUploadRecords, uploadIdOf } from './upload-records.ts'
import { watchWrites } from './upload-writes.ts'

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

const path = '/api/v1/uploads'

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
  const { database, bus, storage, logger, config } = deps
  const records = createUploadRecords(deps)
  const { datastore } = records
  /** Who asks, and what went wrong, of requests under way. */
  const actors = new WeakMap<Request, Actor>()
  const failures = new WeakMap<Request, AppError>()
  const keys = new WeakMap<Request, string>()
  const writes = watchWrites(datastore)

  const server = new Server({
    path,
    maxSize: config.maxUploadBytes,
    relativeLocation: true,
    datastore,
    lockDrainTimeout: 1_000,
    locker: createUploadLocks({ database, bus, logger }, uploadIdOf),
    namingFunction(request) {
      const key = audioKey(newId())
      keys.set(request as Request, key)
      return key
    },
    generateUrl: (_request, { id }) => `${path}/${uploadIdOf(id)}`,
    getFileIdFromRequest: (_request, last) => (last && isId(last) ? audioKey(last) : undefined),
    async onUploadCreate(request, upload) {
      await records.create(actors.get(request as Request)!, {
        id: uploadIdOf(upload.id),
        length: upload.size!,
        metadata: upload.metadata ?? {},
      })
      return {}
    },
    async onUploadFinish(_request, upload) {
      const file = await records.finish(uploadIdOf(upload.id))
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
        const doc = await records.owned(actor, id)
        if (doc.finishedAt) return answerFinished(request, doc)
        if (request.method === 'HEAD') {
          // All there, but the request that brought the last of it could not finish it.
          const stored = await storage.head(audioKey(id))
          if (stored?.bytes === doc.length) {
            await records.finish(id)
            return answerFinished(request, doc)
          }
        }
      }
      actors.set(request, actor)
      const answer = await server.handleWeb(request)
      const key = id === null ? keys.get(request) : audioKey(id)
      if (key && answer.status >= 400) await writes.ended(key)
      const failure = (key ? writes.takeFailure(key) : undefined) ?? failures.get(request)
      if (failure) {
        // A full disk keeps no half of a file.
        if (failure.status === 507 && key) await records.drop(uploadIdOf(key))
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
      if (request.method === 'DELETE' && id !== null) await records.drop(id)
      return answer
    },

    /** What the protocol can do here. */
    options: (): Record<string, string> => ({
      'Tus-Resumable': '1.0.0',
      'Tus-Version': '1.0.0',
      'Tus-Extension': datastore.extensions.join(','),
      'Tus-Max-Size': String(config.maxUploadBytes),
    }),

    /** How far an upload is. Throws `not_found`, `gone`. */
    async state(actor: Actor, id: string): Promise<UploadState> {
      const doc = await records.owned(actor, id)
      const offset = doc.finishedAt ? doc.length : (await datastore.getUpload(audioKey(id)).catch(lost)).offset
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
    forget: records.forget,

    /** Takes expired uploads away. Returns how many. */
    sweep: records.sweep,
  }

  function lost(): never {
    throw new AppError('gone', 'The upload’s bytes are gone')
  }
}

export type Uploads = ReturnType<typeof createUploads>
