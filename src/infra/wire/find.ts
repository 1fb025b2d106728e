import mongoose, { type mongo } from 'mongoose'
import type { Lanes } from './lanes.ts'

const { MongoNetworkTimeoutError } = mongoose.mongo
type Document = mongo.BSON.Document

export interface FindOptions {
  /** The most documents to be found. */
  limit: number
  sort?: Record<string, 1 | -1>
  projection?: Record<string, 0 | 1>
}

/** Finds in the collection of this name. Throws as the driver does. */
export type Find = (name: string, filter: object, options: FindOptions) => Promise<Document[]>

/**
 * Reads as the driver's `find` does (majority, from the primary), on connections of our own where one is free; what goes
 * wrong there the driver is asked for, as reading twice does no harm.
 */
export function createFind(db: mongo.Db, lanes: Lanes): Find {
  const byDriver = (name: string, filter: object, { limit, sort, projection }: FindOptions) =>
    db
      .collection(name)
      .find(filter, { limit, ...(sort && { sort }), ...(projection && { projection }) })
      .toArray()

  return async (name, filter, options) => {
    const { limit, sort, projection } = options
    const command: Document = { find: name, filter, sort, projection, limit, batchSize: limit }
    const $db = db.databaseName
    const asked = lanes.run({ ...command, readConcern: { level: 'majority' }, $db })
    const answer = await asked?.catch((error) => {
      // Who has waited in vain does not wait as long once more.
      if (error instanceof MongoNetworkTimeoutError) throw error
      return null
    })
    const cursor = answer?.['cursor']
    if (cursor && String(cursor.id) === '0') return cursor.firstBatch
    // More than an answer may hold is left to the driver, which asks for the rest.
    if (cursor) lanes.run({ killCursors: name, cursors: [cursor.id], $db })?.catch(() => {})
    return byDriver(name, filter, options)
  }
}

/** What `findOne` may be asked on a connection of our own. */
const plainOptions = new Set(['projection', 'sort'])

/** The collection, with a `findOne` that goes by `find`, unless it is in a session or asks for something rare. */
export function withFindOne<T extends Document>(collection: mongo.Collection<T>, find: Find): mongo.Collection<T> {
  const byDriver = collection.findOne.bind(collection) as (...input: unknown[]) => Promise<never>
  const findOne = async (filter: object = {}, options: Partial<FindOptions> = {}) => {
    // An option that is undefined is none, as for the driver.
    const isPlain = Object.entries(options).every(([name, value]) => value === undefined || plainOptions.has(name))
    if (!isPlain) return byDriver(filter, options)
    return (await find(collection.collectionName, filter, { ...options, limit: 1 }))[0] ?? null
  }
  return Object.assign(collection, { findOne }) as never
}
