import fc from 'fast-check'
import { z } from 'zod'
import type { Entity } from '../../src/kernel/entity.ts'

const crockford = [...'0123456789ABCDEFGHJKMNPQRSTVWXYZ']

/** ULIDs of any time: the first character is at most 7, as 26 × 5 bits are two more than 128. */
const idArbitrary: fc.Arbitrary<string> = fc
  .tuple(
    fc.constantFrom(...crockford.slice(0, 8)),
    fc.array(fc.constantFrom(...crockford), { minLength: 25, maxLength: 25 }),
  )
  .map(([first, rest]) => first + rest.join(''))

const times = fc.date({
  min: new Date('1970-01-01T00:00:00.000Z'),
  max: new Date('9999-12-31T23:59:59.999Z'),
  noInvalidDate: true,
})

/** Keys that mongoose leaves out of objects, against prototype pollution. */
const poisonous = /"(?:__proto__|constructor|prototype)":/

/** JSON values; no `-0`, which JSON has not. */
const jsonValues = fc
  .jsonValue({ maxDepth: 3 })
  .map((value) => JSON.stringify(value))
  .filter((text) => !poisonous.test(text))
  .map((text) => JSON.parse(text) as unknown)
const jsonObjects = fc.dictionary(
  fc.string({ minLength: 1, maxLength: 12 }).filter((key) => !poisonous.test(`"${key}":`)),
  jsonValues,
  { maxKeys: 5 },
)

/** Documents of an entity as MongoDB holds them; optional and defaulted fields are sometimes missing. */
export function storedArbitrary(entity: Entity<any, any, any>): fc.Arbitrary<Record<string, unknown>> {
  const { fields, extra, stored } = entity.spec
  const { id: _id, ...shape } = { ...fields, ...extra, ...stored } as Record<string, z.ZodType>
  return fc
    .tuple(idArbitrary, objectArbitrary(shape))
    .map(([id, rest]) => ({ _id: id, ...(entity.spec.kind ? { kind: entity.spec.kind } : {}), ...rest }))
}

function objectArbitrary(shape: Record<string, z.ZodType>): fc.Arbitrary<Record<string, unknown>> {
  const optional = (type: z.ZodType): boolean => type instanceof z.ZodOptional || type instanceof z.ZodDefault
  return fc.record(Object.fromEntries(Object.entries(shape).map(([key, type]) => [key, arbitrary(type)])), {
    requiredKeys: Object.keys(shape).filter((key) => !optional(shape[key]!)),
    noNullPrototype: true,
  })
}

/** Stored values of a type. Throws for types that entities don't use. */
function arbitrary(type: z.ZodType): fc.Arbitrary<unknown> {
  if (type instanceof z.ZodOptional || type instanceof z.ZodDefault) return arbitrary(type.unwrap() as z.ZodType)
  if (type instanceof z.ZodNullable) return fc.option(arbitrary(type.unwrap() as z.ZodType), { freq: 3 })
  if (type instanceof z.ZodCodec || type instanceof z.ZodDate) return times
  if (type instanceof z.ZodEnum) return fc.constantFrom(...type.options)
  if (type instanceof z.ZodBoolean) return fc.boolean()
  if (type instanceof z.ZodNumber) return numbers(type)
  if (type instanceof z.ZodString || type instanceof z.ZodStringFormat) return strings(type)
  if (type instanceof z.ZodArray) {
    const max = Math.min(3, (z.toJSONSchema(type, { unrepresentable: 'any' }).maxItems as number | undefined) ?? 3)
    return fc.array(arbitrary(type.element as z.ZodType), { maxLength: max })
  }
  if (type instanceof z.ZodObject) return objectArbitrary(type.shape as Record<string, z.ZodType>)
  if (type instanceof z.ZodRecord || type instanceof z.ZodUnknown) return jsonObjects
  if (type instanceof z.ZodUnion) return fc.oneof(...(type.options as z.ZodType[]).map(arbitrary))
  throw new TypeError(`No arbitrary for ${type.type}`)
}

function numbers(type: z.ZodNumber): fc.Arbitrary<number> {
  const { minimum, maximum, type: kind } = z.toJSONSchema(type)
  const bounds = { ...(minimum !== undefined && { min: minimum }), ...(maximum !== undefined && { max: maximum }) }
  // -0 is stored as 0 by JSON, and mongod compares them as equal.
  return kind === 'integer'
    ? fc.integer({
        ...bounds,
        max: Math.min(bounds.max ?? 2 ** 31, 2 ** 31),
        min: Math.max(bounds.min ?? -(2 ** 31), -(2 ** 31)),
      })
    : fc.double({ ...bounds, noNaN: true, noDefaultInfinity: true }).map((value) => (value === 0 ? 0 : value))
}

function strings(type: z.ZodType): fc.Arbitrary<string> {
  const { format, pattern, minLength = 0, maxLength = 60 } = z.toJSONSchema(type) as Record<string, any>
  const valid = (value: string) => type.safeParse(value).success
  if (format === 'uri') {
    return fc
      .webUrl({ size: 'xsmall', withQueryParameters: true })
      .filter(valid)
      .map((url) => type.parse(url) as string)
  }
  if (format === 'email') return fc.emailAddress().filter(valid)
  if (format === 'ipv4') return fc.ipV4()
  if (pattern?.includes('HJKMNP')) return idArbitrary
  if (pattern && /^\^\[[0-9a-f-]+\]\{\d+\}\$$/.test(pattern)) return fc.stringMatching(new RegExp(pattern))
  return fc.string({ unit: 'grapheme', minLength, maxLength: Math.min(maxLength, minLength + 60) }).filter(valid)
}
