import type { mongo } from 'mongoose'
import type { z } from 'zod'
import { AudioFile, type AudioFileDoc, type AudioFileWire, type AudioVisibility } from '../../../models/AudioFile.ts'
import type { Config } from '../../config.ts'
import type { Database } from '../../infra/mongo.ts'
import { type Actor, permits } from '../../kernel/actor.ts'
import { notFound } from '../../kernel/errors.ts'
import { newId } from '../../kernel/ids.ts'
import { decodeCursor, type Page, type PageRequest, pageOf } from '../../kernel/page.ts'
import type { Logger } from '../../kernel/ports.ts'
import type { ObjectStorage } from '../../kernel/storage.ts'
import { seeAudio, type Viewer } from '../../policies/audio.ts'
import type { Audit } from '../accounts/audit.ts'
import { waveformUrl } from '../shared/addresses.ts'
import { toUpdate } from '../shared/patches.ts'
import { type AudioFileFilter, createAudioSearch } from './audio-search.ts'
import type { Claims } from './claims.ts'
import type { Links } from './links.ts'
import { audioTypeOf, peek, sniffBytes } from './sniff.ts'
import type { FileTags } from './tags.ts'

type Visibility = z.infer<typeof AudioVisibility>

export interface AudioFileInput {
  title: string
  description?: string | undefined
  visibility?: Visibility | undefined
  tags?: string[] | undefined
}

/** null takes a field away. */
export interface AudioFileChange {
  title?: string | undefined
  description?: string | null | undefined
  visibility?: Visibility | undefined
  tags?: string[] | undefined
}

export interface AudioFilesDeps {
  database: Database
  storage: ObjectStorage
  audit: Pick<Audit, 'record'>
  claims: Claims
  tags: FileTags
  links: Links
  logger: Logger
  config: Pick<Config, 'publicUrl' | 'maxUploadBytes'>
  /** Whose session it is; throws where it has ended. */
  actorOf(sessionId: string): Promise<Actor>
  /** Takes a recording and all that points to it away. */
  remove(audioFileId: string): Promise<void>
}

/** What is stored of a file once its bytes are. */
export interface StoredBytes {
  id: string
  userId: string
  mimeType: string
  sizeBytes: number
  fileName: string | undefined
}

type CreatedListener = (file: AudioFileDoc) => void | Promise<void>
type PublicListener = (audioFileId: string) => void
type EditListener = (userId: string) => Promise<void>

/** Where the bytes of a recording are. */
export const audioKey = (id: string) => `audio/${id}`

/** Recordings: their bytes come in as a stream and go out in ranges; who sees them is `policies/audio.ts`. */
export function createAudioFiles(deps: AudioFilesDeps) {
  const { database, storage, audit, claims, tags, links, logger, config } = deps
  const files = database.collection(AudioFile)
  const search = createAudioSearch(database)
  const listeners: CreatedListener[] = []
  const publicListeners: PublicListener[] = []
  const editListeners: EditListener[] = []

  const streamUrl = (id: string) => `${config.publicUrl}/api/v1/audio-files/${id}/stream`

  async function presentAll(docs: AudioFileDoc[]): Promise<AudioFileWire[]> {
    const tagged = await tags.of(docs.map((doc) => doc._id))
    // The address is made anew each time: the service may have moved since.
    return docs.map((doc) =>
      AudioFile.toWire({
        ...doc,
        fileUrl: streamUrl(doc._id),
        ...(doc.waveformDataUrl !== undefined && { waveformDataUrl: waveformUrl(config.publicUrl, doc._id) }),
        tags: tagged.get(doc._id),
      }),
    )
  }
  const present = async (doc: AudioFileDoc) => (await presentAll([doc]))[0]!

  /** One that the viewer may see. Throws `not_found`. */
  async function visible(viewer: Viewer, id: string): Promise<AudioFileDoc> {
    const file = await files.findOne({ _id: id })
    if (!file || !seeAudio(viewer, file)) throw notFound('Audio file')
    return file
  }

  async function owned(actor: Actor, id: string, moderates = false): Promise<AudioFileDoc> {
    const file = await visible(actor, id)
    // Bots of the owner act for themselves; a file is its uploader's alone.
    if (file.userId !== actor.userId && !moderates) throw notFound('Audio file')
    return file
  }

  async function announce(file: AudioFileDoc) {
    for (const listener of listeners) {
      try {
        await listener(file)
      } catch (error) {
        logger.error({ err: error, audioFileId: file._id }, 'what follows on an upload could not be begun')
      }
    }
  }

  return {
    /** Called with each new recording once it is stored; what it throws is logged. */
    onCreated(listener: CreatedListener): void {
      listeners.push(listener)
    },

    /** Called with each recording that everybody may see from now on, or was said to once more; must not throw. */
    onPublic: (listener: PublicListener): void => void publicListeners.push(listener),

    /** Called with whose recordings came or changed; must not throw. */
    onEdited: (listener: EditListener): void => void editListeners.push(listener),

    /**
     * Takes a file in. `receive` reads the request: it hands the file's bytes to `store` as they come and returns what
     * else was said. Throws `unsupported_media`, `too_large`, or `unavailable` with 507; then nothing is left behind.
     */
    async upload(
      actor: Actor,
      expectedBytes: number | undefined,
      receive: (
        store: (source: AsyncIterable<Uint8Array>, fileName: string | undefined) => Promise<void>,
      ) => Promise<AudioFileInput>,
    ): Promise<AudioFileWire> {
      const id = newId()
      const room = Math.min(expectedBytes ?? config.maxUploadBytes, config.maxUploadBytes)
      const claim = await claims.write(actor.userId, audioKey(id), room)
      try {
        let stored: StoredBytes | undefined
        const input = await receive(async (source, fileName) => {
          const { head, whole } = await peek(source, sniffBytes)
          const mimeType = await audioTypeOf(head)
          const sizeBytes = await storage.put(claim.key, whole, { isConsumed: true })
          stored = { id, userId: actor.userId, mimeType, sizeBytes, fileName }
        })
        if (!stored) throw new TypeError('the file was not stored')
        const file = await this.record(stored, input, (session) => claim.settle(session))
        return await present(file)
      } catch (error) {
        await claim.discard().catch((failure) => {
          logger.warn(
            { err: failure, key: claim.key },
            'a refused upload’s bytes are still there; the sweep takes them',
          )
        })
        throw error
      } finally {
        claim.end()
      }
    },

    /** Makes the record of stored bytes, in one transaction with what `settle` does; then tells the listeners. */
    async record(
      { id, ...stored }: StoredBytes,
      input: AudioFileInput,
      settle: (session: mongo.ClientSession) => Promise<void>,
    ): Promise<AudioFileDoc> {
      const tagIds = await tags.ensure(input.tags ?? [])
      const file: AudioFileDoc = {
        _id: id,
        userId: stored.userId,
        title: input.title,
        ...(input.description && { description: input.description }),
        fileUrl: streamUrl(id),
        visibility: input.visibility ?? 'public',
        createdAt: new Date(),
        updatedAt: null,
        mimeType: stored.mimeType,
        sizeBytes: stored.sizeBytes,
        storageKey: audioKey(id),
        // Stored with it, so that no crash loses the wish.
        analysis: { state: 'waiting', attempts: 0, dueAt: new Date() },
        ...(stored.fileName && { fileName: stored.fileName.slice(-255) }),
      }
      await database.transaction(async (session) => {
        await settle(session)
        await files.insertOne(file, { session })
        await tags.set(id, tagIds, session)
      })
      await announce(file)
      if (file.visibility === 'public') for (const listener of publicListeners) listener(id)
      for (const listener of editListeners) await listener(file.userId)
      return file
    },

    async get(viewer: Viewer, id: string): Promise<AudioFileWire> {
      return present(await visible(viewer, id))
    },

    /** Newest first: everybody's public ones, or all of one's own. */
    async list(viewer: Viewer, filter: AudioFileFilter, { limit, cursor }: PageRequest): Promise<Page<AudioFileWire>> {
      const [after] = decodeCursor(cursor, ['string']) ?? []
      const rows = await search.find(viewer, filter, after, limit + 1)
      const items = await presentAll(rows.slice(0, limit))
      const page = pageOf(
        rows,
        limit,
        (row) => [row._id],
        () => null,
      )
      return { items, nextCursor: page.nextCursor }
    },

    async update(actor: Actor, id: string, change: AudioFileChange): Promise<AudioFileWire> {
      const { userId } = await owned(actor, id, permits(actor, { action: 'moderate', resource: 'AudioFile' }))
      const { title, description, visibility } = change
      const tagIds = change.tags && (await tags.ensure(change.tags))
      const file = await database.transaction(async (session) => {
        if (tagIds) await tags.set(id, tagIds, session)
        if (userId !== actor.userId) {
          const details = { audioFileId: id, userId, fields: Object.keys(change) }
          await audit.record('AudioFileModerate', actor.userId, details, session)
        }
        return files.findOneAndUpdate({ _id: id, userId }, toUpdate({ title, description, visibility }), {
          session,
          returnDocument: 'after',
        })
      })
      if (!file) throw notFound('Audio file')
      if (visibility === 'public') for (const listener of publicListeners) listener(id)
      for (const listener of editListeners) await listener(file.userId)
      return present(file)
    },

    /** The owner's, or with leave to delete AudioFile. Throws `not_found`. */
    async delete(actor: Actor, id: string): Promise<void> {
      const may = permits(actor, { action: 'delete', resource: 'AudioFile' })
      if (!may) await owned(actor, id)
      const file = await files.findOne({ _id: id }, { projection: { userId: 1 } })
      if (!file) throw notFound('Audio file')
      if (file.userId !== actor.userId) {
        await audit.record('AudioFileDelete', actor.userId, { audioFileId: id, userId: file.userId })
      }
      await deps.remove(id)
    },

    /** A link that opens a file that the actor may see, for as long as their session lives, at most an hour. */
    async link(actor: Actor, id: string): Promise<{ url: string; expiresAt: string }> {
      await visible(actor, id)
      const { expires, session, signature } = links.sign(id, actor.sessionId)
      const query = new URLSearchParams({ expires: String(expires), session, signature })
      return { url: `${streamUrl(id)}?${query}`, expiresAt: new Date(expires * 1000).toISOString() }
    },

    /** The record of a file to be served, and where its bytes are. Throws `not_found`. */
    async toServe(
      viewer: Viewer,
      id: string,
      signed: { expires: number; session: string; signature: string } | null,
    ): Promise<AudioFileDoc & { storageKey: string; sizeBytes: number }> {
      const by = !viewer && signed && links.verify(id, signed) ? await deps.actorOf(signed.session) : viewer
      const file = await visible(by, id)
      const { storageKey, sizeBytes } = file
      if (storageKey === undefined || sizeBytes === undefined) throw notFound('Audio file')
      return { ...file, storageKey, sizeBytes }
    },

    maxUploadBytes: config.maxUploadBytes,
    presentAll,
  }
}

export type AudioFiles = ReturnType<typeof createAudioFiles>
