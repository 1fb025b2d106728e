import { z } from 'zod'

type Copy = (value: unknown) => unknown

/**
 * Copies the given fields of a document and nothing else, at every depth that their types declare; Dates become ISO
 * strings. `from` names the fields that are stored under another name. A missing field stays missing, and so does a
 * null where the type has none. What a type leaves open (`f.json()`) is handed on as it is.
 */
export function copyFields(fields: [string, z.ZodType][], from: Record<string, string> = {}): (doc: object) => object {
  const plan = fields.map(([key, type]) => ({
    key,
    source: from[key] ?? key,
    nullable: isNullable(type),
    copy: copier(type),
  }))
  return (doc) => {
    const out: Record<string, unknown> = {}
    for (const { key, source, nullable, copy } of plan) {
      const value = (doc as Record<string, unknown>)[source]
      if (value === undefined || (value === null && !nullable)) continue
      out[key] = copy && value !== null ? copy(value) : value
    }
    return out
  }
}

/** What has to be done to a stored value of the type on its way out; undefined: nothing. */
function copier(type: z.ZodType): Copy | undefined {
  if (type instanceof z.ZodOptional || type instanceof z.ZodNullable || type instanceof z.ZodDefault) {
    return copier(type.unwrap() as z.ZodType)
  }
  if (type instanceof z.ZodCodec || type instanceof z.ZodDate) {
    return (value) => (value instanceof Date ? value.toISOString() : value)
  }
  if (type instanceof z.ZodArray) {
    const copy = copier(type.element as z.ZodType)
    return copy && ((value) => (Array.isArray(value) ? value.map((item) => copy(item)) : value))
  }
  if (type instanceof z.ZodObject && isPlain(type)) {
    const copy = copyFields(Object.entries(type.shape as Record<string, z.ZodType>))
    return (value) => (value !== null && typeof value === 'object' ? copy(value) : value)
  }
  return undefined
}

const isNullable = (type: z.ZodType): boolean =>
  type instanceof z.ZodOptional || type instanceof z.ZodDefault
    ? isNullable(type.unwrap() as z.ZodType)
    : type instanceof z.ZodNullable || type instanceof z.ZodUnknown

/** Whether the object's type names all its fields (not `looseObject` or `catchall`). */
const isPlain = (type: z.ZodObject): boolean => {
  const others = type._zod.def.catchall
  return others === undefined || others instanceof z.ZodNever
}
