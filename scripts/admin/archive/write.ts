import { createHash } from 'node:crypto'
import type { mongo } from 'mongoose'
import { AudioFile } from '../../../models/AudioFile.ts'
import { Image } from '../../../models/Image.ts'
import { Lineage } from '../../../models/Lineage.ts'
import type { Database } from '../../../src/infra/mongo.ts'
import { AppError } from '../../../src/kernel/errors.ts'
import { newId } from '../../../src/kernel/ids.ts'
import type { ObjectStorage } from '../../../src/kernel/storage.ts'
import { archivedCollections, forExport } from './collections.ts'
import { formatName, formatVersion, type Header, pieceBytes } from './format.ts'
import { encodeValue } from './values.ts'

/** What was written. */
export interface Written {
  documents: number
  files: number
  /** Keys of files that records name and the storage does not hold; at most 100. */
  missing: string[]
}

export interface WriteDeps {
  database: Database
  /** null: stored files are left out. */
  storage: ObjectStorage | null
  /** Of this program. */
  serverVersion: string
  /** Takes a line; what it awaits is waited for. */
  write(line: string): Promise<void>
}

type Rows = mongo.Collection<{ _id: string; [field: string]: unknown }>

const fetchSize = 200
const mostMissing = 100

/**
 * Writes the whole instance as lines of JSON: all documents as they were at one moment, then the files that their
 * records name. Holds a batch of documents and a piece of a file at a time.
 */
export async function writeArchive({ database, storage, serverVersion, write }: WriteDeps): Promise<Written> {
  const put = (value: object) => write(`${JSON.stringify(value)}\n`)
  const lineage = await database
    .collection(Lineage)
    .findOneAndUpdate(
      { _id: 'lineage' },
      { $setOnInsert: { lineage: newId(), imports: [] } },
      { upsert: true, returnDocument: 'after' },
    )
  const header: Header & { serverVersion: string } = {
    format: formatName,
    version: formatVersion,
    serverVersion,
    exportId: newId(),
    lineage: lineage!.lineage,
    exportedAt: new Date().toISOString(),
  }
  await put(header)
  const written: Written = { documents: 0, files: 0, missing: [] }
  const session = database.connection.getClient().startSession({ snapshot: true })
  try {
    for (const { entities, name, rule } of archivedCollections()) {
      const rows = database.collection(entities[0]!) as unknown as Rows
      const found = rows.find(rule.only ?? {}, { session, readConcern: 'snapshot' })
      for await (const row of found.sort({ _id: 1 }).batchSize(fetchSize)) {
        let document: unknown
        try {
          document = encodeValue(forExport(row, rule))
        } catch (cause) {
          throw new Error(`${name} ${row._id}: ${(cause as Error).message}`, { cause })
        }
        await put({ collection: name, document })
        written.documents++
      }
    }
  } catch (cause) {
    if ((cause as { codeName?: string }).codeName !== 'SnapshotTooOld') throw cause
    const hint = 'Stop the instances, or raise its parameter minSnapshotHistoryWindowInSeconds'
    throw new Error(`MongoDB no longer has the moment at which the export began. ${hint}`, { cause })
  } finally {
    await session.endSession()
  }
  if (storage) {
    for await (const key of fileKeys(database, storage)) {
      if (await writeFile(storage, key, put)) written.files++
      else if (written.missing.length < mostMissing) written.missing.push(key)
    }
  }
  await put({ end: { documents: written.documents, files: written.files } })
  return written
}

/** The keys of what records point to, a page of records at a time. */
async function* fileKeys(database: Database, storage: ObjectStorage): AsyncGenerator<string> {
  const recordings = database.collection(AudioFile)
  for await (const { storageKey } of pages(recordings as unknown as Rows, { storageKey: { $exists: true } })) {
    yield String(storageKey)
  }
  for await (const { _id } of pages(database.collection(Image) as unknown as Rows, {})) {
    for await (const { key } of storage.list(`images/${_id}/`)) yield key
  }
}

async function* pages(rows: Rows, filter: mongo.Filter<{ _id: string }>) {
  let after = ''
  while (true) {
    const page = await rows
      .find({ ...filter, _id: { $gt: after } }, { projection: { storageKey: 1 } })
      .sort({ _id: 1 })
      .limit(fetchSize)
      .toArray()
    yield* page
    if (page.length < fetchSize) return
    after = page.at(-1)!._id
  }
}

/** Writes a stored file; false where the storage does not hold it. It is read twice: its hash goes in front. */
async function writeFile(storage: ObjectStorage, key: string, put: (value: object) => Promise<void>): Promise<boolean> {
  const hash = createHash('sha256')
  let bytes = 0
  try {
    for await (const chunk of await storage.get(key)) {
      hash.update(chunk)
      bytes += chunk.length
    }
  } catch (error) {
    if (error instanceof AppError && error.code === 'not_found') return false
    throw error
  }
  await put({ file: key, bytes, sha256: hash.digest('hex') })
  for (let start = 0; start < bytes; start += pieceBytes) {
    const range = { start, end: Math.min(bytes, start + pieceBytes) - 1 }
    const piece: Uint8Array[] = []
    for await (const chunk of await storage.get(key, range)) piece.push(chunk)
    await put({ piece: Buffer.concat(piece).toString('base64') })
  }
  return true
}
