import { AudioFile } from '../../../models/AudioFile.ts'
import { Image } from '../../../models/Image.ts'
import { StorageClaim } from '../../../models/StorageClaim.ts'
import { StorageMark } from '../../../models/StorageMark.ts'
import { Upload } from '../../../models/Upload.ts'
import type { Database } from '../../infra/mongo.ts'
import { isId, newId } from '../../kernel/ids.ts'
import type { Logger } from '../../kernel/ports.ts'
import type { ObjectStorage } from '../../kernel/storage.ts'
import type { Claims } from './claims.ts'
import type { Uploads } from './uploads.ts'

const everyMs = 3600_000
/** Dead writers elsewhere are told by their silence: soon after the start they have been silent for long enough. */
const soonMs = 90_000
/** Objects younger than this may belong to a request under way. */
const graceMs = 3600_000
const batch = 500
const markKey = 'mark'

export interface SweepingDeps {
  database: Database
  storage: ObjectStorage
  claims: Claims
  uploads: Uploads
  logger: Logger
}

export interface Swept {
  claims: number
  uploads: number
  /** Objects that no record points to. */
  orphans: number
  /** Records whose object is not there; kept, for that is a loss to be looked into. */
  lost: number
}

/** Removes what crashes left in the storage: at the start, soon after, and every hour. */
export function createSweeping({ database, storage, claims, uploads, logger }: SweepingDeps) {
  let timer: NodeJS.Timeout | undefined
  let soon: NodeJS.Timeout | undefined
  let running: Promise<unknown> | undefined
  let closed = false

  /** Whether the storage is this database's own. One without a mark becomes so. */
  async function isOwn(): Promise<boolean> {
    const marks = database.collection(StorageMark)
    const doc = await marks.findOneAndUpdate(
      { _id: 'storage' },
      { $setOnInsert: { mark: newId() } },
      { upsert: true, returnDocument: 'after' },
    )
    const mark = doc!.mark
    if (!(await storage.head(markKey))) await storage.put(markKey, one(Buffer.from(mark)))
    let kept = ''
    for await (const chunk of await storage.get(markKey)) kept += chunk
    return kept === mark
  }

  /** Which of the ids have a record, or are on their way to one. */
  async function known(ids: string[]): Promise<Set<string>> {
    const among = { _id: { $in: ids } }
    const only = { projection: { _id: 1 } }
    const keys = ids.flatMap((id) => [`audio/${id}`, `images/${id}/`])
    const [files, images, unfinished, claimed] = await Promise.all([
      database.collection(AudioFile).find(among, only).toArray(),
      database.collection(Image).find(among, only).toArray(),
      database.collection(Upload).find(among, only).toArray(),
      database
        .collection(StorageClaim)
        .find({ key: { $in: keys } }, { projection: { key: 1 } })
        .toArray(),
    ])
    return new Set(
      [...files, ...images, ...unfinished].map((row) => row._id).concat(claimed.map(({ key }) => idOf(key))),
    )
  }

  async function sweepOrphans(): Promise<number> {
    let swept = 0
    const young = Date.now() - graceMs
    for (const prefix of ['audio/', 'images/']) {
      let waiting: string[] = []
      const flush = async () => {
        const there = await known([...new Set(waiting.map(idOf))])
        for (const key of waiting) {
          if (there.has(idOf(key))) continue
          await storage.remove(key)
          swept++
        }
        waiting = []
      }
      for await (const { key, changedAt } of storage.list(prefix)) {
        if (closed) return swept
        // What is not named as we name things is not ours to remove.
        if (changedAt.getTime() > young || !isId(idOf(key))) continue
        waiting.push(key)
        if (waiting.length >= batch) await flush()
      }
      await flush()
    }
    return swept
  }

  async function countLost(): Promise<number> {
    let lost = 0
    const files = database
      .collection(AudioFile)
      .find({ storageKey: { $exists: true } }, { projection: { storageKey: 1 } })
    for await (const { _id, storageKey } of files) {
      if (closed) return lost
      if (await storage.head(storageKey!)) continue
      // Deleted while we looked.
      if (!(await database.collection(AudioFile).findOne({ _id }, { projection: { _id: 1 } }))) continue
      lost++
      logger.warn({ audioFileId: _id, storageKey }, 'the bytes of a recording are not in the storage')
    }
    return lost
  }

  async function sweep({ deep = true } = {}): Promise<Swept> {
    const swept: Swept = { claims: await claims.sweep(), uploads: await uploads.sweep(), orphans: 0, lost: 0 }
    if (!deep) return swept
    if (!(await isOwn())) {
      logger.warn({}, 'the storage holds the mark of another database: nothing in it is swept')
      return swept
    }
    await storage.sweep(new Date(Date.now() - 48 * graceMs))
    swept.orphans = await sweepOrphans()
    swept.lost = await countLost()
    return swept
  }

  function run(deep: boolean) {
    if (closed) return
    running ??= sweep({ deep })
      .then(
        (swept) => {
          if (Object.values(swept).some((count) => count > 0)) logger.info({ ...swept }, 'swept the storage')
        },
        (error) => logger.warn({ err: error }, 'the storage could not be swept; the next round tries again'),
      )
      .finally(() => {
        running = undefined
      })
  }

  return {
    sweep,
    start() {
      run(true)
      soon = setTimeout(run, soonMs, false)
      soon.unref()
      timer = setInterval(run, everyMs, true)
      timer.unref()
    },
    async close() {
      closed = true
      clearInterval(timer)
      clearTimeout(soon)
      await running
    },
  }
}

/** `audio/01H…`, `audio/01H….info` and `images/01H…/512` are of 01H…. */
const idOf = (key: string): string => key.split('/')[1]!.split('.')[0]!

async function* one(chunk: Buffer) {
  yield chunk
}
