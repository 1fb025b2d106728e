import { type IndexDefinition, type IndexOptions, Schema } from 'mongoose'
import { z } from 'zod'
import { wireType } from './schema.ts'
import { copyFields } from './serialiser.ts'

export interface EntityIndex {
  keys: IndexDefinition
  options?: IndexOptions
  /** The query that it is there for. */
  serves: string
}

/** What an export of the whole instance does with an entity; without a rule all of it goes along as it is. */
export interface ArchiveRule {
  /** Why nothing of it goes along. */
  leftOut?: string
  /** Which documents go along, as a filter of MongoDB. */
  only?: Record<string, unknown>
  /** What goes along in place of fields that hold on this instance alone; undefined: nothing. */
  instead?: Record<string, () => unknown>
}

export interface EntitySpec<M extends z.ZodRawShape, X extends z.ZodRawShape, S extends z.ZodRawShape> {
  /** The fields of the data model. */
  fields: M
  /** Further fields that clients get (only where the model's schema is open). */
  extra?: X
  /** Fields that are stored and never leave the server. */
  stored?: S
  /** Fields of the model that never leave the server, or only by an explicit choice of the presenter. */
  hidden?: (keyof M)[]
  /** `additionalProperties: false` in the model's schema: exactly its fields are sent. */
  closed?: boolean
  indexes: EntityIndex[]
  /** MongoDB collection; several entities can share one where `kind` tells them apart. */
  collection: string
  kind?: string
  description: string
  archive?: ArchiveRule
}

type Out<T extends z.ZodRawShape> = [keyof T] extends [never] ? unknown : z.output<z.ZodObject<T>>
type In<T extends z.ZodRawShape> = [keyof T] extends [never] ? unknown : z.input<z.ZodObject<T>>

/** What MongoDB holds for an entity: `_id` in place of `id`, Dates for times. */
export type Stored<E> =
  E extends Entity<infer M, infer X, infer S> ? Omit<Out<M> & Out<X> & Out<S>, 'id'> & { _id: string } : never
/** What clients get of an entity: JSON. */
export type Wire<E> = E extends Entity<infer M, infer X, any> ? In<M> & In<X> : never

export interface Entity<M extends z.ZodRawShape, X extends z.ZodRawShape, S extends z.ZodRawShape> {
  name: string
  spec: EntitySpec<M, X, S>
  /** Zod type of what clients get; carries the entity's name for `$ref`s. */
  wire: z.ZodType<In<M> & In<X>, In<M> & In<X>>
  /** Field names that may go out. */
  wireFields: string[]
  schema: Schema
  /** The whitelist on the way out, at every depth: copies declared fields, `_id` as `id`, Dates as ISO strings. */
  toWire(doc: object): In<M> & In<X>
}

// mongoose takes an empty text for a missing one; here an empty text is a value (a deleted message has one).
Schema.Types.String.checkRequired((value: unknown) => typeof value === 'string')

/** Declares an entity; see `EntitySpec`. Types, mongoose schema, serialiser and JSON Schema derive from it. */
export function defineEntity<
  M extends z.ZodRawShape,
  // biome-ignore lint/complexity/noBannedTypes: no extra fields
  X extends z.ZodRawShape = {},
  // biome-ignore lint/complexity/noBannedTypes: no stored-only fields
  S extends z.ZodRawShape = {},
>(name: string, spec: EntitySpec<M, X, S>): Entity<M, X, S> {
  if (spec.closed && spec.extra) throw new TypeError(`${name} is closed: it can't have extra fields`)
  const hidden = new Set<string>((spec.hidden ?? []) as string[])
  const declared = { ...spec.fields, ...spec.extra } as unknown as Record<string, z.ZodType>
  const fields = Object.entries(declared).filter(([key]) => !hidden.has(key))
  const shape = Object.fromEntries(fields.map(([key, type]) => [key, wireType(type)]))
  const wire = (spec.closed ? z.strictObject(shape) : z.looseObject(shape)).meta({
    id: name,
    title: name,
    description: spec.description,
  })
  return {
    name,
    spec,
    wire: wire as never,
    wireFields: fields.map(([key]) => key),
    schema: mongooseSchema(name, spec as never),
    toWire: copyFields(fields, { id: '_id' }) as never,
  }
}

function mongooseSchema(name: string, spec: EntitySpec<any, any, any>): Schema {
  const { id: _id, ...shape } = { ...spec.fields, ...spec.extra, ...spec.stored } as unknown as Record<
    string,
    z.ZodType
  >
  const paths: Record<string, object> = { _id: { type: String, required: true } }
  if (spec.kind) paths['kind'] = { type: String, default: spec.kind, immutable: true }
  for (const [key, type] of Object.entries(shape)) paths[key] = path(`${name}.${key}`, type)
  const schema = new Schema(paths as never, {
    strict: 'throw',
    versionKey: false,
    minimize: false,
    id: false,
    collection: spec.collection,
    autoIndex: false,
    autoCreate: false,
    writeConcern: { w: 'majority', journal: true },
  })
  for (const { keys, options } of spec.indexes) schema.index(keys, options)
  return schema
}

/** The mongoose path of a zod type. Empty texts are values here, so `required` asks only for presence. */
function path(
  where: string,
  type: z.ZodType,
): { type: unknown; required?: unknown; default?: unknown; enum?: unknown } {
  if (type instanceof z.ZodOptional) return { ...path(where, type.unwrap() as z.ZodType), required: false }
  if (type instanceof z.ZodNullable) return { ...path(where, type.unwrap() as z.ZodType), required: false }
  if (type instanceof z.ZodDefault) {
    const value = type._zod.def.defaultValue
    return { ...path(where, type.unwrap() as z.ZodType), required: false, default: () => structuredClone(value) }
  }
  if (type instanceof z.ZodCodec) return { type: Date, required: true }
  if (type instanceof z.ZodEnum) return { type: String, enum: [...type.options, null], required: true }
  if (type instanceof z.ZodString || type instanceof z.ZodStringFormat) {
    return { type: String, required: true }
  }
  if (type instanceof z.ZodNumber) return { type: Number, required: true }
  if (type instanceof z.ZodBoolean) return { type: Boolean, required: true }
  if (type instanceof z.ZodArray) {
    const inner = path(`${where}[]`, type.element as z.ZodType)
    return {
      type: [inner.type === Schema.Types.Mixed ? Schema.Types.Mixed : { type: inner.type, enum: inner.enum }],
      required: true,
      default: undefined,
    }
  }
  if (type instanceof z.ZodObject || type instanceof z.ZodRecord || type instanceof z.ZodUnion) {
    return { type: Schema.Types.Mixed, required: true }
  }
  if (type instanceof z.ZodUnknown) return { type: Schema.Types.Mixed, required: false }
  throw new TypeError(`No mongoose type for ${where}`)
}
