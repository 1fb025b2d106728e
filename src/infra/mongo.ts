import mongoose, { type Connection, type Model } from 'mongoose'
import type { Entity, Stored } from '../kernel/entity.ts'
import type { Logger } from '../kernel/ports.ts'
import { createLanes } from './wire/lanes.ts'
import { type AggregateOptions, createReads, type FindOptions, withFindOne } from './wire/reads.ts'

/** The database as services see it. */
export interface Database {
  connection: Connection
  /** The mongoose model of an entity: validated writes. */
  model<E extends Entity<any, any, any>>(entity: E): Model<Stored<E>>
  /**
   * The driver's collection of an entity: reads and hot writes, without hydration. Its `findOne` goes the way of `find`
   * below, except in a session.
   */
  collection<E extends Entity<any, any, any>>(entity: E): mongoose.mongo.Collection<Stored<E> & { _id: string }>
  /** As the collection's `find`, for the reads that come often: by a connection of our own where one is free. */
  find<E extends Entity<any, any, any>>(
    entity: E,
    filter: mongoose.mongo.Filter<Stored<E> & { _id: string }>,
    options: FindOptions,
  ): Promise<(Stored<E> & { _id: string })[]>
  /** As the collection's `aggregate`, in the same way; documents are as the pipeline makes them. */
  aggregate(
    entity: Entity<any, any, any>,
    pipeline: mongoose.mongo.BSON.Document[],
    options?: AggregateOptions,
  ): Promise<mongoose.mongo.BSON.Document[]>
  /** An aggregation of the database `admin`: what the server itself is doing. */
  aggregateAdmin(
    pipeline: mongoose.mongo.BSON.Document[],
    options?: AggregateOptions,
  ): Promise<mongoose.mongo.BSON.Document[]>
  /** Runs a command as it is; concerns and outcomes are the caller's. */
  command(command: mongoose.mongo.BSON.Document): Promise<mongoose.mongo.BSON.Document>
  /**
   * As `command`, for the writes of each message and edit: by a connection of its own where one is free. Throws a
   * MongoWriteConcernError where what was written is not known to be durable.
   */
  write(command: mongoose.mongo.BSON.Document): Promise<mongoose.mongo.BSON.Document>
  /** Runs `work` in a transaction with majority, journalled commit; the driver retries transient failures. */
  transaction<T>(work: (session: mongoose.mongo.ClientSession) => Promise<T>): Promise<T>
  /** Whether MongoDB answers within `ms`. */
  ping(ms: number): Promise<boolean>
  close(): Promise<void>
}

/** What our connections call themselves to MongoDB. */
export const appName = 'phantom-power'

/**
 * Connects mongoose to a replica set, registers the entities' models and builds their indexes.
 * All writes are majority and journalled, all reads see only what is.
 */
export async function connectMongo(
  uri: string,
  entities: Entity<any, any, any>[],
  log: Logger,
  { poolSize = 50, selectMs = 8_000, startMs = 60_000, buildIndexes = true } = {},
): Promise<Database> {
  mongoose.set('strictQuery', true)
  const connection = await patiently(log, startMs, () =>
    mongoose.createConnection(uri, {
      autoIndex: false,
      autoCreate: false,
      maxPoolSize: poolSize,
      // A request waits this long for a primary before it answers `unavailable`.
      serverSelectionTimeoutMS: selectMs,
      connectTimeoutMS: 10_000,
      // A stopped mongod keeps sockets open: without this a request would wait for ever.
      socketTimeoutMS: 12_000,
      waitQueueTimeoutMS: 12_000,
      heartbeatFrequencyMS: 2_000,
      writeConcern: { w: 'majority', journal: true, wtimeoutMS: 8_000 },
      readConcern: { level: 'majority' },
      readPreference: 'primary',
      retryWrites: true,
      ignoreUndefined: true,
      appName,
    }),
  )
  connection.on('error', (error) => log.error({ err: error }, 'MongoDB connection'))
  const models = new Map<string, Model<any>>()
  for (const entity of entities) models.set(entity.name, connection.model(entity.name, entity.schema) as never)
  // Made once: each call of `db()` reads all options anew.
  const db = connection.getClient().db(connection.name)
  // A write waits for the journal: nothing is to wait behind it. Reads that are few documents by an index may.
  const lanes = createLanes(connection.getClient(), { appName, logger: log, max: 3, depth: 1 })
  const readLanes = createLanes(connection.getClient(), { appName, logger: log, max: 4, depth: 8 })
  const reads = createReads(connection.getClient(), db, readLanes)
  const database: Database = {
    connection,
    model: (entity) => models.get(entity.name) as never,
    collection: (entity) => withFindOne(db.collection(entity.spec.collection), reads.find) as never,
    find: (entity, filter, options) => reads.find(entity.spec.collection, filter, options) as never,
    aggregate: (entity, pipeline, options) => reads.aggregate(entity.spec.collection, pipeline, options),
    aggregateAdmin: reads.aggregateAdmin,
    command: (command) => db.command(command),
    async write(command) {
      const answer = await (lanes.run({ ...command, $db: db.databaseName }) ?? db.command(command))
      const concern = answer['writeConcernError'] as { code: number; errmsg: string } | undefined
      if (!concern) return answer
      throw Object.assign(new Error(concern.errmsg), { name: 'MongoWriteConcernError', code: concern.code })
    },
    transaction: (work) =>
      connection.getClient().withSession((session) =>
        session.withTransaction(() => work(session), {
          readConcern: { level: 'snapshot' },
          writeConcern: { w: 'majority', journal: true },
          readPreference: 'primary',
        }),
      ) as never,
    async ping(ms) {
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<boolean>((done) => {
        timer = setTimeout(done, ms, false)
      })
      const answer = connection
        .getClient()
        .db('admin')
        .command({ ping: 1 })
        .then(
          () => true,
          () => false,
        )
      try {
        return await Promise.race([answer, late])
      } finally {
        clearTimeout(timer)
      }
    },
    close() {
      lanes.close()
      readLanes.close()
      return connection.close()
    },
  }
  if (buildIndexes) await ensureIndexes(database, entities)
  return database
}

type IndexSpec = { key: Record<string, unknown>; [option: string]: unknown }

/** The declared indexes by collection; entities can share one. */
function declaredIndexes(entities: Entity<any, any, any>[]): Map<string, IndexSpec[]> {
  const byCollection = new Map<string, IndexSpec[]>()
  for (const entity of entities) {
    const specs = byCollection.get(entity.spec.collection) ?? []
    for (const index of entity.spec.indexes) specs.push({ key: index.keys as never, ...index.options })
    byCollection.set(entity.spec.collection, specs)
  }
  return byCollection
}

/** Creates the declared indexes that are missing. Instances that start together do no harm to each other. */
async function ensureIndexes(database: Database, entities: Entity<any, any, any>[]) {
  const db = database.connection.getClient().db(database.connection.name)
  for (const [name, specs] of declaredIndexes(entities)) {
    // Transactions can't create a collection that two of them race for.
    await db.createCollection(name).catch((error) => {
      if (error?.codeName !== 'NamespaceExists') throw error
    })
    if (specs.length > 0) await db.collection(name).createIndexes(specs as never, { socketTimeoutMS: 0 } as object)
  }
}

/** The declared indexes that a database lacks, as `collection.name`; makes none. */
export async function missingIndexes(db: mongoose.mongo.Db, entities: Entity<any, any, any>[]): Promise<string[]> {
  const missing: string[] = []
  for (const [collection, specs] of declaredIndexes(entities)) {
    const present = await db
      .collection(collection)
      .indexes()
      .catch((error) => {
        if (error?.codeName === 'NamespaceNotFound') return []
        throw error
      })
    const names = new Set(present.map((index) => index.name))
    for (const spec of specs) {
      // MongoDB's own naming where the declaration gives none.
      const name = (spec['name'] as string | undefined) ?? Object.entries(spec.key).flat().join('_')
      if (!names.has(name)) missing.push(`${collection}.${name}`)
    }
  }
  return missing
}

/** The database may come up after us: asks for it again for `ms`. A wrong address or password is told at once. */
async function patiently(log: Logger, ms: number, connect: () => Connection): Promise<Connection> {
  const end = Date.now() + ms
  while (true) {
    const connection = connect()
    try {
      return await connection.asPromise()
    } catch (error) {
      await connection.close().catch(() => {})
      if (!(error instanceof mongoose.Error.MongooseServerSelectionError) || Date.now() > end) throw error
      log.warn({ err: error }, 'MongoDB is out of reach; trying again')
    }
  }
}
