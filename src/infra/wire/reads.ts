import { setTimeout } from 'node:timers/promises'
import mongoose, { type mongo } from 'mongoose'
import { brokenConnections } from '../../kernel/errors.ts'
import type { Lanes } from './lanes.ts'

const { MongoError, MongoNetworkTimeoutError } = mongoose.mongo
type Document = mongo.BSON.Document

const mostAttempts = 5
const againMs = 20

/** Documents that one answer holds where no limit says how many; more take the driver a second question. */
const firstBatch = 10_000

export interface FindOptions {
  /** The most documents to be found; all without it, of which few are expected. */
  limit?: number
  sort?: Record<string, 1 | -1>
  projection?: Record<string, 0 | 1>
  /** After so long the server gives up, in milliseconds. */
  maxTimeMS?: number
}

export interface AggregateOptions {
  /** After so long the server gives up, in milliseconds. */
  maxTimeMS?: number
}

/** Reads of a collection by its name. They throw as the driver does. */
export interface Reads {
  find(name: string, filter: object, options: FindOptions): Promise<Document[]>
  aggregate(name: string, pipeline: Document[], options?: AggregateOptions): Promise<Document[]>
  /** An aggregation of the database `admin` as a whole, such as of what the server is doing. */
  aggregateAdmin(pipeline: Document[], options?: AggregateOptions): Promise<Document[]>
}

/**
 * Reads as the driver does (majority, from the primary), on connections of our own where one is free; what goes wrong
 * there the driver is asked for, as reading twice does no harm.
 */
export function createReads(client: mongo.MongoClient, db: mongo.Db, lanes: Lanes): Reads {
  const admin = client.db('admin')

  async function read($db: string, command: Document, byDriver: () => Promise<Document[]>): Promise<Document[]> {
    const answer = await lanes.run({ ...command, $db })?.catch((error) => {
      // Who has waited in vain does not wait as long once more.
      if (error instanceof MongoNetworkTimeoutError) throw error
      return null
    })
    const cursor = answer?.['cursor']
    if (cursor && String(cursor.id) === '0') return cursor.firstBatch
    // More than an answer holds is left to the driver, which asks for the rest.
    const [, collection] = /^[^.]+\.(.+)$/.exec(cursor?.ns ?? '') ?? []
    if (collection) lanes.run({ killCursors: collection, cursors: [cursor.id], $db })?.catch(() => {})
    return persist(byDriver)
  }

  return {
    find(name, filter, options) {
      const command = { find: name, filter, ...options, batchSize: options.limit ?? firstBatch }
      return read(db.databaseName, { ...command, readConcern: { level: 'majority' } }, () =>
        db.collection(name).find(filter, options).toArray(),
      )
    },
    aggregate(name, pipeline, options = {}) {
      const command = { aggregate: name, pipeline, cursor: { batchSize: firstBatch }, ...options }
      return read(db.databaseName, { ...command, readConcern: { level: 'majority' } }, () =>
        db.collection(name).aggregate(pipeline, options).toArray(),
      )
    },
    aggregateAdmin(pipeline, options = {}) {
      // What a server is doing is its own, and no majority's.
      const readConcern = { level: 'local' } as const
      const command = { aggregate: 1, pipeline, cursor: { batchSize: firstBatch }, ...options, readConcern }
      return read('admin', command, () => admin.aggregate(pipeline, { ...options, readConcern }).toArray())
    },
  }
}

/** Asks the driver, again where a connection was found to have ended. */
async function persist<T>(ask: () => Promise<T>, attempt = 1): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    // The driver reads again by itself, except where the other side had ended the connection already: that is thrown as the
    // system's own error, which it takes for none of the network.
    const isEnded = brokenConnections.has((error as { code?: unknown } | null)?.code)
    if (!isEnded || error instanceof MongoError || attempt === mostAttempts) throw error
    // A moment in which it hears of its other connections' ends.
    await setTimeout(againMs)
    return persist(ask, attempt + 1)
  }
}

/** What `findOne` may be asked on a connection of our own. */
const plainOptions = new Set(['projection', 'sort', 'maxTimeMS'])

/** The collection, with a `findOne` that goes by `find`, unless it is in a session or asks for something rare. */
export function withFindOne<T extends Document>(
  collection: mongo.Collection<T>,
  find: Reads['find'],
): mongo.Collection<T> {
  const byDriver = collection.findOne.bind(collection) as (...input: unknown[]) => Promise<never>
  const findOne = async (filter: object = {}, options: FindOptions = {}) => {
    // An option that is undefined is none, as for the driver.
    const isPlain = Object.entries(options).every(([name, value]) => value === undefined || plainOptions.has(name))
    if (!isPlain) return byDriver(filter, options)
    return (await find(collection.collectionName, filter, { ...options, limit: 1 }))[0] ?? null
  }
  return Object.assign(collection, { findOne }) as never
}
