import { AudioFile, type AudioFileDoc } from '../../../models/AudioFile.ts'
import { Image, type ImageDoc } from '../../../models/Image.ts'
import { Profile } from '../../../models/Profile.ts'
import { Upload, type UploadDoc } from '../../../models/Upload.ts'
import type { Config } from '../../config.ts'
import type { Database } from '../../infra/mongo.ts'
import type { Bus, Logger } from '../../kernel/ports.ts'
import type { ObjectStorage } from '../../kernel/storage.ts'
import type { Audit } from '../accounts/audit.ts'
import type { Sessions } from '../accounts/sessions.ts'
import type { Deletion } from '../deletion.ts'
import { audioKey, createAudioFiles } from './audio-files.ts'
import { createClaims } from './claims.ts'
import { createImages, imageKey } from './images.ts'
import { createLinks } from './links.ts'
import { createSweeping } from './sweeping.ts'
import { createFileTags } from './tags.ts'
import { createUploads } from './uploads.ts'

export interface FilesDeps {
  database: Database
  bus: Bus
  storage: ObjectStorage
  deletion: Deletion
  sessions: Sessions
  audit: Pick<Audit, 'record'>
  logger: Logger
  secrets: string[]
  config: Pick<Config, 'publicUrl' | 'maxUploadBytes' | 'maxStorageBytes'>
}

/** All that has to do with bytes that people bring: the services, and what of their bytes goes with which record. */
export function createFiles({ database, bus, storage, deletion, sessions, audit, logger, secrets, config }: FilesDeps) {
  const claims = createClaims({ database, storage, logger, quotaBytes: config.maxStorageBytes })
  const audioFiles = createAudioFiles({
    database,
    storage,
    audit,
    claims,
    tags: createFileTags(database),
    links: createLinks(secrets),
    logger,
    config,
    actorOf: (sessionId) => sessions.actor(sessionId),
    remove: (id) => deletion.delete(AudioFile, id),
  })
  const uploads = createUploads({ database, bus, storage, claims, audioFiles, logger, config })
  const images = createImages({
    database,
    storage,
    audit,
    claims,
    logger,
    config,
    remove: (id) => deletion.delete(Image, id),
  })

  const audioKeys = (docs: { _id: string }[]) => docs.map((doc) => audioKey(doc._id))
  deletion.onDelete<AudioFileDoc>(AudioFile, {
    within: (docs, session) => claims.remove(audioKeys(docs), session),
    after: (docs) => claims.clear(audioKeys(docs)),
  })
  const imageKeys = (docs: ImageDoc[]) => docs.map((doc) => imageKey(doc._id))
  deletion.onDelete<ImageDoc>(Image, {
    async within(docs, session) {
      await claims.remove(imageKeys(docs), session)
      const profiles = database.collection(Profile)
      for (const { uploaderId: userId, url } of docs) {
        await profiles.updateMany({ userId, avatarUrl: url }, { $unset: { avatarUrl: '' } }, { session })
        await profiles.updateMany({ userId, bannerUrl: url }, { $unset: { bannerUrl: '' } }, { session })
      }
    },
    after: (docs) => claims.clear(imageKeys(docs)),
  })
  // The bytes of a finished one are the recording's.
  const unfinished = (docs: UploadDoc[]) => docs.filter((doc) => !doc.finishedAt)
  deletion.onDelete<UploadDoc>(Upload, {
    within: (docs, session) => claims.remove(audioKeys(unfinished(docs)), session),
    after: (docs) => uploads.forget(unfinished(docs).map((doc) => doc._id)),
  })
  const sweeping = createSweeping({ database, storage, claims, uploads, logger })
  return { audioFiles, uploads, images, sweeping }
}
