import mongoose from 'mongoose'

const { BSON } = mongoose.mongo

/** Keys by which values that JSON does not have are told; objects of people's own with such keys are spelled out. */
const tags = ['$date', '$binary', '$timestamp', '$number', '$object'] as const
const plainKey = (key: string) => !key.startsWith('$')

/** A stored value as JSON: all that is stored comes back the same by `decodeValue`. Throws for what has no form. */
export function encodeValue(value: unknown): unknown {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number') {
    return Number.isFinite(value) && !Object.is(value, -0)
      ? value
      : { $number: Object.is(value, -0) ? '-0' : `${value}` }
  }
  if (value instanceof Date) return { $date: value.toISOString() }
  if (Array.isArray(value)) return value.map((item) => (item === undefined ? null : encodeValue(item)))
  if (value instanceof Uint8Array) return { $binary: Buffer.from(value).toString('base64') }
  switch ((value as { _bsontype?: string })?._bsontype) {
    case 'Binary':
      return { $binary: Buffer.from((value as mongoose.mongo.BSON.Binary).value()).toString('base64') }
    case 'Timestamp':
      return { $timestamp: (value as mongoose.mongo.BSON.Timestamp).toBigInt().toString() }
    case undefined:
      break
    default:
      throw new TypeError(`a ${(value as { _bsontype: string })._bsontype} has no form in an export`)
  }
  if (typeof value !== 'object') throw new TypeError(`a ${typeof value} has no form in an export`)
  const entries = Object.entries(value as object).filter(([, inner]) => inner !== undefined)
  const coded = entries.map(([key, inner]) => [key, encodeValue(inner)] as const)
  // Entries, not a literal: `__proto__` is a key like others.
  return entries.every(([key]) => plainKey(key)) ? Object.fromEntries(coded) : { $object: coded }
}

/** The stored value of what `encodeValue` made. Throws a TypeError for anything else. */
export function decodeValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(decodeValue)
  if (value === null || typeof value !== 'object') return value
  const entries = Object.entries(value)
  const [first] = entries
  if (!first || entries.every(([key]) => plainKey(key))) {
    return Object.fromEntries(entries.map(([key, inner]) => [key, decodeValue(inner)]))
  }
  const [tag, inner] = first
  if (entries.length === 1 && (tags as readonly string[]).includes(tag)) {
    const decoded = decoders[tag as (typeof tags)[number]](inner)
    if (decoded !== undefined) return decoded
  }
  throw new TypeError(`"${tag}" is not followed by what it announces`)
}

const decoders: Record<(typeof tags)[number], (inner: unknown) => unknown> = {
  $date(inner) {
    const date = typeof inner === 'string' ? new Date(inner) : undefined
    return date && !Number.isNaN(date.getTime()) ? date : undefined
  },
  $binary(inner) {
    if (typeof inner !== 'string') return undefined
    const bytes = Buffer.from(inner, 'base64')
    return bytes.toString('base64') === inner ? new BSON.Binary(bytes) : undefined
  },
  $timestamp: (inner) =>
    typeof inner === 'string' && /^\d{1,20}$/.test(inner) && BigInt(inner) < 2n ** 64n
      ? new BSON.Timestamp(BigInt(inner))
      : undefined,
  $number: (inner) =>
    inner === '-0' || inner === 'NaN' || inner === 'Infinity' || inner === '-Infinity' ? Number(inner) : undefined,
  $object: (inner) =>
    Array.isArray(inner) &&
    inner.every((pair) => Array.isArray(pair) && pair.length === 2 && typeof pair[0] === 'string')
      ? Object.fromEntries(inner.map(([key, value]) => [key, decodeValue(value)]))
      : undefined,
}
