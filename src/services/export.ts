import { Readable } from 'node:stream'
import yazl from 'yazl'
import { AudioFile } from '../../models/AudioFile.ts'
import { ChatMessage } from '../../models/ChatMessage.ts'
import { Image } from '../../models/Image.ts'
import { Membership } from '../../models/Membership.ts'
import { Message } from '../../models/Message.ts'
import { User } from '../../models/User.ts'
import type { Database } from '../infra/mongo.ts'
import type { Entity } from '../kernel/entity.ts'
import { referencesOf } from '../kernel/references.ts'
import type { ObjectStorage } from '../kernel/storage.ts'

export interface ExportDeps {
  database: Database
  storage: ObjectStorage
  entities: Entity<any, any, any>[]
}

/**
 * What is the server's business and not the person's: secrets, work under way, derived indexes. Logs are gone through
 * by membership, for their messages can't be found by sender alone.
 */
const leftOut = new Set([
  'AuthToken',
  'Job',
  'StorageClaim',
  'Upload',
  'LogEntry',
  'ChatMessage',
  'Message',
  'ChatRoom',
])
/** Fields by which a user is named in what is another's own. */
const othersOwn = new Set(['Block.blockedId', 'Bot.userId', 'User.botOwnerId', 'ChatRoom.createdBy'])

/** Exports of all that is a user's own: one JSON file a kind of thing, and the files that they brought. */
export function createExport({ database, storage, entities }: ExportDeps) {
  const sources = new Map<Entity<any, any, any>, string[]>()
  for (const { from, field, to, isList } of referencesOf(entities)) {
    if (to !== 'User' || isList || leftOut.has(from.name) || othersOwn.has(`${from.name}.${field}`)) continue
    sources.set(from, [...(sources.get(from) ?? []), field])
  }

  async function* rows(entity: Entity<any, any, any>, filter: object): AsyncGenerator<object> {
    for await (const doc of database.collection(entity).find(filter as never)) yield entity.toWire(doc)
  }

  /** The messages that a user sent to rooms, or the conversations that they had. */
  async function* messages(userId: string, kind: 'room' | 'direct'): AsyncGenerator<object> {
    const entity = kind === 'room' ? ChatMessage : Message
    const places = database.collection(Membership).find({ userId, kind }, { projection: { logId: 1 } })
    for await (const { logId } of places) {
      const own = kind === 'room' ? { senderId: userId } : {}
      yield* rows(entity, { logId, ...own, seq: { $exists: true } })
    }
  }

  /** A JSON array, one row at a time. */
  const jsonOf = (items: AsyncIterable<object>) =>
    Readable.from(
      (async function* () {
        let before = '[\n'
        for await (const item of items) {
          yield before + JSON.stringify(item)
          before = ',\n'
        }
        yield before === '[\n' ? '[]\n' : '\n]\n'
      })(),
      { objectMode: false },
    )

  return {
    /** The archive as a stream, made as it is read. A file whose bytes are lost is left out. */
    open(userId: string): Readable {
      const zip = new yazl.ZipFile()
      const output = zip.outputStream as unknown as Readable
      const fail = (error: unknown) => void output.destroy(error as Error)
      zip.on('error', fail)

      let current: Readable | undefined
      let stopped: (() => void) | undefined
      // Who reads may go in the middle of it.
      output.once('close', () => {
        current?.destroy()
        stopped?.()
      })

      /** Adds one entry and waits until it has been read: no more than one is open at a time. */
      const add = (name: string, open: () => Promise<Readable>, compress: boolean) =>
        new Promise<void>((done, failed) => {
          stopped = done
          if (output.destroyed) return done()
          zip.addReadStreamLazy(name, { compress }, (give: (error: unknown, stream: Readable) => void) => {
            open().then((stream) => {
              current = stream
              stream.once('error', failed)
              stream.once('end', done)
              give(null, stream)
            }, failed)
          })
        })

      async function fill() {
        const list = (name: string, items: AsyncIterable<object>) =>
          add(`${name}.json`, async () => jsonOf(items), true)
        await list('User', rows(User, { _id: userId }))
        await list('ChatMessage', messages(userId, 'room'))
        await list('Message', messages(userId, 'direct'))
        for (const [entity, fields] of sources) {
          await list(entity.name, rows(entity, { $or: fields.map((field) => ({ [field]: userId })) }))
        }
        for await (const file of database.collection(AudioFile).find({ userId })) {
          if (output.destroyed) return
          const { storageKey, _id } = file
          if (!storageKey || !(await storage.head(storageKey))) continue
          await add(`files/audio/${_id}-${safeName(file.fileName ?? file.title)}`, () => storage.get(storageKey), false)
        }
        for await (const image of database.collection(Image).find({ uploaderId: userId })) {
          if (output.destroyed) return
          const largest = image.sizes?.at(-1)
          const key = largest && `images/${image._id}/${largest.name}`
          if (!key || !(await storage.head(key))) continue
          await add(`files/images/${image._id}.webp`, () => storage.get(key), false)
        }
        zip.end()
      }
      fill().catch(fail)
      return output
    },
  }
}

/** A name that is safe in a path on whatever system unpacks it. */
const safeName = (name: string): string =>
  name
    .replace(/[^\p{L}\p{N}._ -]+/gu, '_')
    .replace(/^[. ]+/, '_')
    .slice(-100)

export type Export = ReturnType<typeof createExport>
