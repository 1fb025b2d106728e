import { createHash } from 'node:crypto'
import type { mongo } from 'mongoose'
import { Instance } from '../../../models/Instance.ts'
import { Lineage, mostImports } from '../../../models/Lineage.ts'
import type { Database } from '../../../src/infra/mongo.ts'
import { checkKey } from '../../../src/infra/storage/failures.ts'
import type { ObjectStorage } from '../../../src/kernel/storage.ts'
import { type ArchivedCollection, archivedCollections, problemOf } from './collections.ts'
import { ArchiveError, type Header, type Line, linesOf, parseHeader, parseLine } from './format.ts'
import { decodeValue } from './values.ts'

/** What an import found and did. */
export interface Imported {
  documents: number
  /** Of these, how many were not there yet. */
  added: number
  files: number
  filesAdded: number
  /** When this very export was imported before; then nothing was done. */
  before?: Date
}

type Row = { _id: string; [field: string]: unknown }
/** Where checked lines go; without it they are only checked. */
export interface Target {
  database: Database
  /** null: files are passed over. */
  storage: ObjectStorage | null
}

/** Documents are written in batches of so many, or of so many bytes of their lines. */
const batchCount = 500
const batchBytes = 8 * 1024 * 1024
/** An instance whose heart beat within this time runs, in milliseconds. */
const aliveMs = 15_000
const writes = { writeConcern: { w: 'majority', journal: true, wtimeoutMS: 60_000 } } as const

/**
 * Goes through an export and checks every line; with a target also puts what is not there yet into it, and leaves what is
 * there as it is. So it can be cut off and done again. Throws an ArchiveError that names the line.
 */
export async function readArchive(source: AsyncIterable<Uint8Array>, target?: Target): Promise<Imported> {
  const known = new Map(archivedCollections().map((each) => [each.name, each]))
  const done: Imported = { documents: 0, added: 0, files: 0, filesAdded: 0 }
  const lines = linesOf(source)
  const first = await lines.next()
  if (first.done) throw new ArchiveError(1, 'the file is empty')
  const header = parseHeader(first.value.text)
  if (target) {
    const before = await checkTarget(target.database, header)
    if (before) return { ...done, before }
  }
  let waiting: { document: Row; line: number }[] = []
  let waitingIn: ArchivedCollection | undefined
  let waitingBytes = 0
  const flush = async () => {
    if (target && waitingIn) done.added += await insert(target.database, waitingIn, waiting)
    waiting = []
    waitingBytes = 0
  }
  let ended = false
  let last = 1
  for await (const { text, line } of lines) {
    last = line
    if (ended) throw new ArchiveError(line, 'something follows the end')
    const parsed = parseLine(text, line)
    if (parsed.kind === 'document') {
      const collection = known.get(parsed.collection)
      if (!collection) {
        const why = 'the export may be of a newer version'
        throw new ArchiveError(line, `there is no collection ${JSON.stringify(parsed.collection)} to import; ${why}`)
      }
      const document = decodeDocument(parsed.document, line)
      const problem = problemOf(document, collection)
      if (problem) throw new ArchiveError(line, problem)
      if (collection !== waitingIn || waiting.length >= batchCount || waitingBytes > batchBytes) await flush()
      waitingIn = collection
      waiting.push({ document, line })
      waitingBytes += text.length
      done.documents++
    } else {
      await flush()
      if (parsed.kind === 'file') {
        if (await takeFile(parsed, line, lines, target?.storage ?? null)) done.filesAdded++
        done.files++
      } else if (parsed.kind === 'end') {
        const { documents, files } = parsed.end
        if (documents !== done.documents || files !== done.files) {
          throw new ArchiveError(line, `there were to be ${documents} documents and ${files} files; some are missing`)
        }
        ended = true
      } else throw new ArchiveError(line, 'a piece of no file')
    }
  }
  if (!ended) throw new ArchiveError(last, 'the file ends here, before its end: it was cut off')
  if (target) {
    await target.database
      .collection(Lineage)
      .updateOne(
        { _id: 'lineage' },
        { $push: { imports: { $each: [{ exportId: header.exportId, at: new Date() }], $slice: -mostImports } } },
        writes,
      )
  }
  return done
}

function decodeDocument(document: object, line: number): Row {
  try {
    return decodeValue(document) as Row
  } catch (cause) {
    throw new ArchiveError(line, (cause as Error).message, cause)
  }
}

/**
 * Throws where instances run on the database, or it holds anything but data of the same lineage. Returns when this very
 * export was imported to its end, if it was. An empty database is of the export's lineage from now on.
 */
async function checkTarget(database: Database, header: Header): Promise<Date | undefined> {
  const alive = { $expr: { $gt: ['$heartbeatAt', { $subtract: ['$$NOW', aliveMs] }] } }
  if (await database.collection(Instance).findOne(alive as never)) {
    throw new Error('Instances run on this database, which would not see what is imported: stop them first')
  }
  const lineages = database.collection(Lineage)
  const there = await lineages.findOne({ _id: 'lineage' })
  if (there && there.lineage === header.lineage) {
    return there.imports.find(({ exportId }) => exportId === header.exportId)?.at
  }
  const name = database.connection.name
  const elsewhere = `The database ${name} holds the data of another instance: import into an empty one`
  if (there) throw new Error(elsewhere)
  for (const { entities } of archivedCollections()) {
    if (await database.collection(entities[0]!).findOne({}, { projection: { _id: 1 } })) throw new Error(elsewhere)
  }
  await lineages.insertOne({ _id: 'lineage', lineage: header.lineage, imports: [] }, writes)
  return undefined
}

/** Stores those that are not there yet; returns how many. */
async function insert(database: Database, { entities }: ArchivedCollection, batch: { document: Row; line: number }[]) {
  const rows = database.collection(entities[0]!) as unknown as mongo.Collection<Row>
  const ids = batch.map(({ document }) => document._id)
  const there = await rows.find({ _id: { $in: ids } }, { projection: { _id: 1 } }).toArray()
  const known = new Set(there.map(({ _id }) => _id))
  const missing = batch.filter(({ document }) => !known.has(document._id))
  if (missing.length === 0) return 0
  try {
    await rows.insertMany(
      missing.map(({ document }) => document),
      { ordered: true, ...writes },
    )
  } catch (error) {
    const { writeErrors } = error as {
      writeErrors?: { index: number; errmsg?: string } | { index: number; errmsg?: string }[]
    }
    const [failed] = [writeErrors ?? []].flat()
    if (!failed) throw error
    throw new ArchiveError(missing[failed.index]!.line, `MongoDB refuses it: ${failed.errmsg}`, error)
  }
  return missing.length
}

/** Takes a file's pieces and puts it into the storage, where it is not yet. Returns whether it was put there. */
async function takeFile(
  { file: key, bytes, sha256 }: Extract<Line, { kind: 'file' }>,
  line: number,
  lines: AsyncGenerator<{ text: string; line: number }>,
  storage: ObjectStorage | null,
): Promise<boolean> {
  try {
    checkKey(key)
  } catch (cause) {
    throw new ArchiveError(line, (cause as Error).message, cause)
  }
  async function* pieces() {
    const hash = createHash('sha256')
    let come = 0
    while (come < bytes) {
      const next = await lines.next()
      if (next.done) throw new ArchiveError(line, `${key} is cut off`)
      const parsed = parseLine(next.value.text, next.value.line)
      if (parsed.kind !== 'piece') throw new ArchiveError(next.value.line, `more of ${key} was to come`)
      const piece = Buffer.from(parsed.piece, 'base64')
      come += piece.length
      hash.update(piece)
      if (come > bytes || piece.length === 0) throw new ArchiveError(next.value.line, `this is not a piece of ${key}`)
      yield piece
    }
    if (hash.digest('hex') !== sha256)
      throw new ArchiveError(line, `the bytes of ${key} are not those that were exported`)
  }
  const there = storage && (await storage.head(key))
  if (!storage || there?.bytes === bytes) {
    // Its pieces are passed over, and checked.
    for await (const piece of pieces()) void piece
    return false
  }
  await storage.put(key, pieces())
  return true
}
