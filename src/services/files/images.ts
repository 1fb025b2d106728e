import type { z } from 'zod'
import { AudioFile } from '../../../models/AudioFile.ts'
import { Image, type ImageDoc, type ImageTarget, type ImageUsage, type ImageWire } from '../../../models/Image.ts'
import { Profile } from '../../../models/Profile.ts'
import { Project } from '../../../models/Project.ts'
import type { Config } from '../../config.ts'
import type { Database } from '../../infra/mongo.ts'
import { type Actor, permits } from '../../kernel/actor.ts'
import { AppError, invalid, notFound } from '../../kernel/errors.ts'
import { newId } from '../../kernel/ids.ts'
import type { Page, PageRequest } from '../../kernel/page.ts'
import type { Logger } from '../../kernel/ports.ts'
import type { ObjectStorage } from '../../kernel/storage.ts'
import type { Audit } from '../accounts/audit.ts'
import { pageById } from '../shared/pages.ts'
import type { Claims } from './claims.ts'
import { checkImageType, resizePicture } from './pictures.ts'
import { peek, sniffBytes } from './sniff.ts'

type Usage = z.infer<typeof ImageUsage>
type Target = z.infer<typeof ImageTarget>

export interface ImageInput {
  usageType: Usage
  linkedEntityId?: string | undefined
  linkedEntityType?: Target | undefined
}

export interface ImagesDeps {
  database: Database
  storage: ObjectStorage
  audit: Pick<Audit, 'record'>
  claims: Claims
  logger: Logger
  config: Pick<Config, 'publicUrl' | 'maxUploadBytes'>
  /** Takes a picture and all that points to it away. */
  remove(imageId: string): Promise<void>
}

const mostBytes = 20 * 1024 * 1024
/** Pictures decoded at once, and waiting to be: each takes tens of megabytes. */
const atOnce = 2
const mostWaiting = 100

/** What a use is linked with, where it is linked. */
const targetOf: Record<Usage, Target | null> = {
  avatar: 'Profile',
  banner: 'Profile',
  project: 'Project',
  audio: 'AudioFile',
  other: null,
}
const profileField: Partial<Record<Usage, 'avatarUrl' | 'bannerUrl'>> = { avatar: 'avatarUrl', banner: 'bannerUrl' }

/** All sizes of a picture are under this key. */
export const imageKey = (id: string) => `images/${id}/`

/** Pictures: decoded and made anew on the way in, so that nothing of the bytes that came goes out again. */
export function createImages({ database, storage, audit, claims, logger, config, remove }: ImagesDeps) {
  const images = database.collection(Image)
  const maxBytes = Math.min(mostBytes, config.maxUploadBytes)
  const waiting: (() => void)[] = []
  let running = 0

  const urlOf = (id: string) => `${config.publicUrl}/api/v1/images/${id}/content`
  const present = (doc: ImageDoc): ImageWire => Image.toWire({ ...doc, url: urlOf(doc._id) })

  async function inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (waiting.length >= mostWaiting) {
      throw new AppError('unavailable', 'Too many pictures come at once; try again', { retryAfterMs: 5_000 })
    }
    if (running >= atOnce) await new Promise<void>((go) => void waiting.push(go))
    else running++
    try {
      return await work()
    } finally {
      // The turn goes on to the next in line.
      const next = waiting.shift()
      if (next) next()
      else running--
    }
  }

  /** What the picture is of: the actor's own alone. Throws `not_found`, or `invalid` where use and thing don't fit. */
  async function linkOf(actor: Actor, input: ImageInput): Promise<{ type: Target; id: string } | null> {
    const { usageType, linkedEntityId, linkedEntityType } = input
    const fits = targetOf[usageType]
    const type = linkedEntityType ?? fits
    if (fits && type !== fits) throw invalid(`must be ${fits} for the use ${usageType}`, 'linkedEntityType')
    if (profileField[usageType]) {
      const own = await database.collection(Profile).findOne({ userId: actor.userId }, { projection: { _id: 1 } })
      if (!own || (linkedEntityId !== undefined && linkedEntityId !== own._id)) throw notFound('Profile')
      return { type: 'Profile', id: own._id }
    }
    if (linkedEntityId === undefined) {
      if (linkedEntityType !== undefined) throw invalid('is missing beside linkedEntityType', 'linkedEntityId')
      return null
    }
    if (!type) throw invalid('is missing beside linkedEntityId', 'linkedEntityType')
    const owned = {
      Profile: () => database.collection(Profile).findOne({ _id: linkedEntityId, userId: actor.userId }),
      Project: () => database.collection(Project).findOne({ _id: linkedEntityId, ownerId: actor.userId }),
      AudioFile: () => database.collection(AudioFile).findOne({ _id: linkedEntityId, userId: actor.userId }),
    }
    if (!(await owned[type]())) throw notFound(type)
    return { type, id: linkedEntityId }
  }

  return {
    /** The longest picture, in bytes. */
    maxBytes,

    /**
     * Takes a picture in; see `AudioFiles.upload`. An avatar or banner becomes the profile's. Throws
     * `unsupported_media`, `too_large`, `not_found` for a thing that is not the actor's, or `unavailable` with 507.
     */
    async upload(
      actor: Actor,
      expectedBytes: number | undefined,
      receive: (store: (source: AsyncIterable<Uint8Array>) => Promise<void>) => Promise<ImageInput>,
    ): Promise<ImageWire> {
      const id = newId()
      const key = imageKey(id)
      const claim = await claims.write(actor.userId, key, Math.min(expectedBytes ?? maxBytes, maxBytes))
      try {
        let stored = false
        const input = await receive(async (source) => {
          const { head, whole } = await peek(source, sniffBytes)
          await checkImageType(head)
          await storage.put(`${key}source`, whole, { isConsumed: true })
          stored = true
        })
        if (!stored) throw new TypeError('the file was not stored')
        const link = await linkOf(actor, input)
        const { pictures, animated } = await inTurn(async () => {
          const chunks: Buffer[] = []
          for await (const chunk of await storage.get(`${key}source`)) chunks.push(chunk as Buffer)
          return resizePicture(Buffer.concat(chunks), input.usageType)
        })
        for (const { name, data } of pictures) await storage.put(`${key}${name}`, whole(data))
        await storage.remove(`${key}source`)
        const doc: ImageDoc = {
          _id: id,
          uploaderId: actor.userId,
          url: urlOf(id),
          usageType: input.usageType,
          linkedEntityId: link?.id ?? null,
          linkedEntityType: link?.type ?? null,
          createdAt: new Date(),
          sizes: pictures.map(({ data, ...size }) => ({ ...size, bytes: data.length })),
          animated,
          sizeBytes: pictures.reduce((sum, { data }) => sum + data.length, 0),
        }
        const field = profileField[input.usageType]
        await database.transaction(async (session) => {
          await claim.settle(session)
          await images.insertOne(doc, { session })
          if (field) {
            const set = { [field]: doc.url, updatedAt: new Date() }
            await database.collection(Profile).updateOne({ userId: actor.userId }, { $set: set }, { session })
          }
        })
        return present(doc)
      } catch (error) {
        await claim.discard().catch((failure) => {
          logger.warn({ err: failure, key }, 'a refused picture’s bytes are still there; the sweep takes them')
        })
        throw error
      } finally {
        claim.end()
      }
    },

    /** Throws `not_found`. Who has the id of a picture may see it. */
    async get(id: string): Promise<ImageWire> {
      const doc = await images.findOne({ _id: id })
      if (!doc) throw notFound('Image')
      return present(doc)
    },

    /** One's own pictures, newest first. */
    async list(
      actor: Actor,
      { usageType, linkedEntityId }: { usageType?: Usage | undefined; linkedEntityId?: string | undefined },
      { limit, cursor }: PageRequest,
    ): Promise<Page<ImageWire>> {
      const filter = {
        uploaderId: actor.userId,
        ...(usageType && { usageType }),
        ...(linkedEntityId && { linkedEntityId }),
      }
      return pageById(images, filter, { limit, cursor }, present)
    },

    /** The uploader's, or with leave to delete Image. Throws `not_found`. */
    async delete(actor: Actor, id: string): Promise<void> {
      const doc = await images.findOne({ _id: id }, { projection: { uploaderId: 1 } })
      const may = permits(actor, { action: 'delete', resource: 'Image' })
      if (!doc || (doc.uploaderId !== actor.userId && !may)) throw notFound('Image')
      if (doc.uploaderId !== actor.userId) {
        await audit.record('ImageDelete', actor.userId, { imageId: id, userId: doc.uploaderId })
      }
      await remove(id)
    },

    /** The size that is at least as wide as asked for, or the widest; where its bytes are. Throws `not_found`. */
    async toServe(id: string, width: number | undefined) {
      const doc = await images.findOne({ _id: id })
      const size = doc?.sizes.find(({ name }) => width !== undefined && Number(name) >= width) ?? doc?.sizes.at(-1)
      if (!doc || !size) throw notFound('Image')
      return {
        key: `${imageKey(id)}${size.name}`,
        bytes: size.bytes,
        etag: `"${id}-${size.name}"`,
        createdAt: doc.createdAt,
      }
    },
  }
}

async function* whole(data: Buffer) {
  yield data
}

export type Images = ReturnType<typeof createImages>
