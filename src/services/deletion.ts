import type { mongo } from 'mongoose'
import type { Database } from '../infra/mongo.ts'
import type { Entity } from '../kernel/entity.ts'
import { conflict } from '../kernel/errors.ts'
import { type Reference, referencesOf } from '../kernel/references.ts'
import type { Jobs } from './jobs.ts'

/** How many documents are taken at once. */
const batch = 200
/** For how long a request deletes before it leaves the rest to the job, in milliseconds. */
const inlineMs = 3_000
/** When the job looks whether something is left; sooner where the request knows. */
const laterMs = 30_000

export interface DeletionPayload {
  entity: string
  id: string
}

/** The job that ends deletions which a request began. */
export const deleting = { kind: 'deletion' }

/** What else goes with documents of an entity, such as bytes in the storage. */
export interface DeletionHook<D = any> {
  /** Within the transaction that deletes them. */
  within?(docs: D[], session: mongo.ClientSession): Promise<void>
  /** Once they are gone; done again by others where the process dies before. */
  after?(docs: D[]): Promise<void>
}

export interface DeletionDeps {
  database: Database
  jobs: Pick<Jobs, 'enqueue'>
  entities: Entity<any, any, any>[]
}

/**
 * Deletes things with all that refers to them, as the models' references say. What a crash cuts off, the stored job
 * ends: the thing itself goes first, so that nobody sees it; what hangs on it is found by its id at any later time.
 */
export function createDeletion({ database, jobs, entities }: DeletionDeps) {
  const byName = new Map(entities.map((entity) => [entity.name, entity]))
  const references = referencesOf(entities)
  const hooks = new Map<string, DeletionHook[]>()

  const entityOf = (name: string): Entity<any, any, any> => {
    const entity = byName.get(name)
    if (!entity) throw new TypeError(`There is no entity ${name}`)
    return entity
  }
  const rows = (entity: Entity<any, any, any>) =>
    database.collection(entity) as unknown as mongo.Collection<{ _id: string }>

  /** The references that can point to an entity. */
  const pointingTo = (name: string) =>
    references.filter((reference) => reference.to === name || (reference.to === null && canBe(reference, name)))
  const filterOf = (reference: Reference, name: string, ids: string[]) => ({
    [reference.field]: { $in: ids },
    ...(reference.by && { [reference.by]: name }),
    ...kindOf(reference.from),
  })

  class OutOfTime extends Error {}

  /** Takes what refers to these away, or the references; those that hang on that first. */
  async function freeOf(name: string, ids: string[], until: Until): Promise<void> {
    for (const reference of pointingTo(name)) {
      const { from, field, onDelete, isList, isNullable } = reference
      const filter = filterOf(reference, name, ids)
      if (onDelete === 'cascade') {
        while (true) {
          until()
          const found = await rows(from)
            .find(filter, { projection: { _id: 1 } })
            .limit(batch)
            .toArray()
          if (found.length === 0) break
          const foundIds = found.map((row) => row._id)
          await freeOf(from.name, foundIds, until)
          await take(from, foundIds)
          // What came to them until they were gone, such as the report of an analysis under way. Nothing finds it later,
          // so that no limit of time holds here; it is next to nothing.
          await freeOf(from.name, foundIds, () => {})
        }
      } else if (onDelete === 'null') {
        until()
        const change = isList
          ? { $pull: { [field]: { $in: ids } } }
          : isNullable
            ? { $set: { [field]: null, ...(reference.by && { [reference.by]: null }) } }
            : { $unset: { [field]: '' } }
        await rows(from).updateMany(filter, change as never)
      }
    }
  }

  /** Deletes documents with what goes with them. */
  async function take(entity: Entity<any, any, any>, ids: string[]): Promise<void> {
    const own = hooks.get(entity.name)
    const collection = rows(entity)
    if (!own) {
      await collection.deleteMany({ _id: { $in: ids } })
      return
    }
    const docs = await database.transaction(async (session) => {
      const found = await collection.find({ _id: { $in: ids } }, { session }).toArray()
      for (const hook of own) await hook.within?.(found, session)
      await collection.deleteMany({ _id: { $in: ids } }, { session })
      return found
    })
    if (docs.length > 0) for (const hook of own) await hook.after?.(docs)
  }

  async function run(name: string, ids: string[], until: Until) {
    await take(entityOf(name), ids)
    await freeOf(name, ids, until)
  }

  function prepare(entity: Entity<any, any, any>, id: string): Promise<void> {
    const payload: DeletionPayload = { entity: entity.name, id }
    return jobs.enqueue(deleting, payload, { key: `${entity.name} ${id}`, delayMs: laterMs })
  }

  return {
    /** Makes sure that a deletion which others begin is ended, whatever happens to them; then call `delete`. */
    prepare,
    /** Adds to what goes with an entity. */
    onDelete<D>(entity: Entity<any, any, any>, hook: DeletionHook<D>): void {
      hooks.set(entity.name, [...(hooks.get(entity.name) ?? []), hook])
    },

    /**
     * Deletes a thing and all that hangs on it; where that is much, the rest goes a little later. Throws `conflict`
     * where something forbids it by a reference.
     */
    async delete(entity: Entity<any, any, any>, id: string): Promise<void> {
      for (const reference of pointingTo(entity.name)) {
        if (reference.onDelete !== 'refuse') continue
        const held = await rows(reference.from).findOne(filterOf(reference, entity.name, [id]))
        if (held) throw conflict(`The ${entity.name} is still in use by ${reference.from.name}`)
      }
      await prepare(entity, id)
      const end = Date.now() + inlineMs
      try {
        await run(entity.name, [id], () => {
          if (Date.now() > end) throw new OutOfTime('the job goes on with it')
        })
      } catch (error) {
        if (!(error instanceof OutOfTime)) throw error
      }
    },

    /** Deletes all that hangs on a thing, which itself may stay. */
    freeOf: (entity: Entity<any, any, any>, id: string, signal: AbortSignal): Promise<void> =>
      freeOf(entity.name, [id], () => signal.throwIfAborted()),

    /** Ends a deletion: the job. */
    run: ({ entity, id }: DeletionPayload, signal: AbortSignal): Promise<void> =>
      run(entity, [id], () => signal.throwIfAborted()),
  }
}

type Until = () => void

/** Entities that share a collection are told apart by their kind. */
const kindOf = (entity: Entity<any, any, any>) => (entity.spec.kind ? { kind: entity.spec.kind } : {})

/** Whether a reference to one of several can be to this one: the field beside it says to which. */
function canBe({ from, by }: Reference, name: string): boolean {
  const type = by && (from.spec.fields as Record<string, any>)[by]
  let inner = type
  while (typeof inner?.unwrap === 'function') inner = inner.unwrap()
  return Array.isArray(inner?.options) && inner.options.includes(name)
}

export type Deletion = ReturnType<typeof createDeletion>
