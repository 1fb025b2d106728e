import mongoose from 'mongoose'
import { BoardPart } from '../../models/BoardPart.ts'
import { BoardSnapshot } from '../../models/BoardSnapshot.ts'
import { BoardUpdate } from '../../models/BoardUpdate.ts'
import type { Database } from '../infra/mongo.ts'
import { unpack } from './protocol.ts'

const { Binary, Timestamp } = mongoose.mongo
type Session = mongoose.mongo.ClientSession
type Time = mongoose.mongo.Timestamp

/** MongoDB's documents end at 16 MiB; more than this goes into pieces. */
const pieceBytes = 12 * 1024 * 1024
/** How long a write may wait for the majority, in milliseconds. */
const writeMs = 8_000
const compactionMs = 60_000
/** Ids that one query names. */
const idsAtOnce = 1_000
const idsPerDelete = 5_000
/** Records of one answer: reading them holds up the event loop. */
const readAtOnce = 200

/** Updates of one board to be stored together, packed. */
export interface Record {
  id: string
  projectId: string
  data: Uint8Array
  /** The instance that stores it. */
  by?: string
}

export interface StoredRecord {
  id: string
  updates: Uint8Array[]
  /** How many pieces it has beside its document. */
  parts?: number
}

export interface StoredBoard {
  snapshot: { version: string; state: Uint8Array; stateVector: Uint8Array } | null
  records: StoredRecord[]
}

export type BoardStore = ReturnType<typeof createBoardStore>

/** Boards in MongoDB: an append-only log of updates, and snapshots that replace what they hold. */
export function createBoardStore(database: Database) {
  const updates = database.collection(BoardUpdate) as unknown as mongoose.mongo.Collection<any>
  const snapshots = database.collection(BoardSnapshot) as unknown as mongoose.mongo.Collection<any>
  const pieces = database.collection(BoardPart) as unknown as mongoose.mongo.Collection<any>

  /** Writes what does not fit into one document; gives what does, and how many pieces there are beside it. */
  async function writePieces(owner: string, projectId: string, data: Uint8Array) {
    const parts = Math.ceil(data.length / pieceBytes) - 1
    for (let part = 1; part <= parts; part++) {
      const piece = new Binary(data.subarray(part * pieceBytes, (part + 1) * pieceBytes))
      await pieces.updateOne({ _id: `${owner}/${part}` }, { $set: { projectId, data: piece } }, { upsert: true })
    }
    return { data: new Binary(data.subarray(0, pieceBytes)), ...(parts > 0 && { parts }) }
  }

  /** The whole of what `writePieces` has parted; null where a piece is gone. */
  async function readPieces(owner: string, first: Uint8Array, parts: number, session?: Session) {
    if (parts === 0) return first
    const all = [first]
    for (let part = 1; part <= parts; part++) {
      const piece = await pieces.findOne({ _id: `${owner}/${part}` }, { session })
      if (!piece) return null
      all.push(bytesOf(piece.data))
    }
    return Buffer.concat(all)
  }

  async function deletePieces(owner: string, from: number, to: number) {
    const ids: string[] = []
    for (let part = from; part <= to; part++) ids.push(`${owner}/${part}`)
    if (ids.length > 0) await pieces.deleteMany({ _id: { $in: ids } })
  }

  async function toRecords(cursor: mongoose.mongo.FindCursor<any>, session?: Session): Promise<StoredRecord[]> {
    const records: StoredRecord[] = []
    for await (const row of cursor) {
      const data = await readPieces(row._id, bytesOf(row.data), row.parts ?? 0, session)
      // Without its pieces it was deleted meanwhile: then a snapshot holds it.
      if (data) records.push({ id: row._id, updates: unpack(data), ...(row.parts && { parts: row.parts }) })
    }
    return records
  }

  async function readSnapshot(projectId: string, session?: Session): Promise<StoredBoard['snapshot']> {
    for (let attempt = 0; attempt < 10; attempt++) {
      const head = await snapshots.findOne({ _id: projectId }, { session })
      if (!head?.version) return null
      const state = await readPieces(head.version, bytesOf(head.data), head.parts ?? 0, session)
      // A piece that is gone tells of a newer snapshot.
      if (state) return { version: head.version, state, stateVector: bytesOf(head.stateVector) }
    }
    throw new Error('a snapshot changed faster than it could be read')
  }

  return {
    /**
     * Stores records, majority and journalled; one that is there already counts as stored. Throws what kept it from
     * that, and then nothing is known of the outcome.
     */
    async append(records: Record[]): Promise<void> {
      const documents: object[] = []
      for (const { id, projectId, data, by } of records) {
        const content = await writePieces(id, projectId, data)
        // MongoDB replaces an empty timestamp with its own time.
        documents.push({
          _id: id,
          projectId,
          at: new Timestamp({ t: 0, i: 0 }),
          ...(by !== undefined && { by }),
          ...content,
        })
      }
      const answer = await database.write({
        insert: BoardUpdate.spec.collection,
        documents,
        ordered: false,
        writeConcern: { w: 'majority', j: true, wtimeout: writeMs },
      })
      for (const { code, errmsg } of (answer['writeErrors'] ?? []) as { code: number; errmsg: string }[]) {
        if (code !== 11000) throw Object.assign(new Error(errmsg), { code })
      }
    },

    /**
     * All that is stored of a board. Updates first and the snapshot after them: what a compaction takes away between
     * the two is then in the snapshot.
     */
    async load(projectId: string): Promise<StoredBoard> {
      const session = database.connection.getClient().startSession({ causalConsistency: true })
      try {
        const all = updates.find({ projectId }, { session, batchSize: readAtOnce }).sort({ at: 1 })
        const records = await toRecords(all, session as never)
        return { records, snapshot: await readSnapshot(projectId, session as never) }
      } finally {
        await session.endSession()
      }
    },

    readSnapshot: (projectId: string) => readSnapshot(projectId),

    /**
     * The ids of records of these boards that were inserted after a moment of MongoDB's, as [id, projectId]; without
     * those of `but`, an instance that knows its own.
     */
    async since(projectIds: string[], after: Time, but: string | null): Promise<[string, string][]> {
      const found: [string, string][] = []
      for (let index = 0; index < projectIds.length; index += idsAtOnce) {
        const some = projectIds.slice(index, index + idsAtOnce)
        const rows = await database.find(
          BoardUpdate,
          { projectId: { $in: some }, at: { $gt: after }, ...(but !== null && { by: { $ne: but } }) },
          { projection: { projectId: 1 }, maxTimeMS: 5_000 },
        )
        for (const row of rows) found.push([row._id, row.projectId])
      }
      return found
    },

    /** MongoDB's time. */
    async time(): Promise<Time> {
      const { operationTime } = await database.command({ ping: 1 })
      return operationTime as Time
    },

    /** Records by their ids; those that are gone are left out. */
    async read(ids: string[]): Promise<StoredRecord[]> {
      const records: StoredRecord[] = []
      for (let index = 0; index < ids.length; index += idsAtOnce) {
        const some = ids.slice(index, index + idsAtOnce)
        records.push(...(await toRecords(updates.find({ _id: { $in: some } }).sort({ at: 1 }))))
      }
      return records
    },

    /** Ids of a board's records, at most `limit`. */
    async idsOf(projectId: string, limit: number): Promise<string[]> {
      const rows = await updates
        .find({ projectId }, { projection: { _id: 1 } })
        .limit(limit)
        .toArray()
      return rows.map((row) => row._id as string)
    },

    /** The records of a board that are older than `ageMs`, by MongoDB's clock. */
    async older(projectId: string, ageMs: number): Promise<StoredRecord[]> {
      const now = ageMs > 0 ? await this.time() : null
      const before = now && { $lt: new Timestamp({ t: now.getHighBits() - Math.ceil(ageMs / 1000), i: 0 }) }
      const filter = { projectId, ...(before && { at: before }) }
      return toRecords(updates.find(filter, { batchSize: 500 }).sort({ at: 1 }))
    },

    /** Takes the lease of a board's compaction. False where somebody holds it. */
    async lease(projectId: string, holder: string): Promise<boolean> {
      const own = { holder: { $literal: holder }, until: { $add: ['$$NOW', compactionMs] } }
      const isFree = { $lt: [{ $ifNull: ['$lease.until', new Date(0)] }, '$$NOW'] }
      const head = await snapshots.findOneAndUpdate(
        { _id: projectId },
        [{ $set: { lease: { $cond: [isFree, own, '$lease'] } } }],
        { upsert: true, returnDocument: 'after', projection: { lease: 1 } },
      )
      return head?.['lease'].holder === holder
    },

    async release(projectId: string, holder: string): Promise<void> {
      await snapshots.deleteOne({ _id: projectId, 'lease.holder': holder, version: { $exists: false } })
      await snapshots.updateOne({ _id: projectId, 'lease.holder': holder }, { $unset: { lease: 1 } })
    },

    /** Puts a snapshot in the place of the last one, where the lease is still held. False where it is not. */
    async writeSnapshot(
      projectId: string,
      holder: string,
      version: string,
      state: Uint8Array,
      stateVector: Uint8Array,
    ): Promise<boolean> {
      const content = await writePieces(version, projectId, state)
      const before = await snapshots.findOneAndUpdate(
        { _id: projectId, 'lease.holder': holder },
        {
          $set: { version, stateVector: new Binary(stateVector), ...content },
          $unset: { lease: 1, ...(content.parts === undefined && { parts: 1 }) },
        },
        { projection: { version: 1, parts: 1 } },
      )
      if (!before) {
        await deletePieces(version, 1, content.parts ?? 0)
        return false
      }
      if (before['version']) await deletePieces(before['version'], 1, before['parts'] ?? 0)
      return true
    },

    /** Deletes records that a snapshot holds. */
    async deleteRecords(records: readonly StoredRecord[]): Promise<void> {
      for (let index = 0; index < records.length; index += idsPerDelete) {
        const some = records.slice(index, index + idsPerDelete)
        await updates.deleteMany({ _id: { $in: some.map(({ id }) => id) } })
        for (const { id, parts } of some) if (parts) await deletePieces(id, 1, parts)
      }
    },

    /** Deletes all of a board. */
    async deleteBoard(projectId: string): Promise<void> {
      await updates.deleteMany({ projectId })
      await snapshots.deleteOne({ _id: projectId })
      await pieces.deleteMany({ projectId })
    },
  }
}

/** The bytes of a stored Binary, without a copy. */
function bytesOf(data: unknown): Uint8Array {
  if (data instanceof Uint8Array) return data
  const binary = data as mongoose.mongo.Binary
  return binary.buffer.subarray(0, binary.position)
}

/** A time of MongoDB's some seconds earlier. */
export const earlier = (time: Time, seconds: number): Time =>
  new Timestamp({ t: Math.max(0, time.getHighBits() - seconds), i: 0 })
