import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { documentedEntities, entities, ownEntities } from '../../models/index.ts'
import { f } from '../../src/kernel/fields.ts'
import { storedArbitrary } from '../support/arbitraries.ts'
import {
  compileSchema,
  type DataModel,
  dataModels,
  derivedSchema,
  entityNamed,
  extraFields,
  hiddenFields,
  modelNames,
} from './modelSchemas.ts'

const runs = { numRuns: 60 }

describe('the registry', () => {
  it('[MODEL-01] lists the 32 models of the source document, and the server’s own apart from them', () => {
    expect(documentedEntities.map(({ name }) => name).sort()).toEqual([...modelNames].sort())
    expect(documentedEntities).toHaveLength(32)
    expect(new Set(entities.map(({ name }) => name)).size).toBe(32 + ownEntities.length)
    const storedIn = entities.filter(({ spec }) => !spec.kind).map(({ spec }) => spec.collection)
    expect(new Set(storedIn).size).toBe(storedIn.length)
  })
})

describe('derived JSON Schemas', () => {
  it.each(modelNames)('[MODEL-02] %s has the model’s fields, hidden ones less and documented extras more', (name) => {
    const { schema } = dataModels[name]!
    const hidden = hiddenFields[name] ?? []
    const extra = extraFields[name] ?? []
    const derived = derivedSchema(name)
    const documented = Object.keys(schema.properties).filter((key) => !hidden.includes(key))
    expect(Object.keys(derived.properties).sort()).toEqual([...documented, ...extra].sort())
    expect(derived.required.filter((key) => !extra.includes(key)).sort()).toEqual(
      schema.required.filter((key) => !hidden.includes(key)).sort(),
    )
    expect(derived['additionalProperties']).toBe(schema['additionalProperties'])
    expect([derived['title'], derived['type']]).toEqual([schema['title'], schema['type']])
    if (schema['additionalProperties'] === false) expect(extra).toEqual([])
  })

  it.each(modelNames)('[MODEL-03] %s: each field has the model’s types, format, values, bounds and default', (name) => {
    const derived = derivedSchema(name)
    for (const [key, property] of Object.entries(dataModels[name]!.schema.properties)) {
      if (hiddenFields[name]?.includes(key)) continue
      expect(comparable(derived.properties[key]!, property), `${name}.${key}`).toEqual(comparable(property, property))
    }
  })
})

describe('serialisers', () => {
  it.each(modelNames)('[MODEL-04] %s: the sample comes out as it went in, times in milliseconds', (name) => {
    const { schema, sample } = dataModels[name]!
    const { id, ...rest } = sample
    const stored: Record<string, unknown> = id === undefined ? {} : { _id: id }
    const expected: Record<string, unknown> = id === undefined ? {} : { id }
    for (const [key, value] of Object.entries(rest)) {
      const isTime = schema.properties[key]!['format'] === 'date-time' && typeof value === 'string'
      stored[key] = isTime ? new Date(value as string) : value
      if (!hiddenFields[name]?.includes(key)) expected[key] = isTime ? new Date(value as string).toISOString() : value
    }
    expect(entityNamed(name).toWire(stored)).toEqual(expected)
  })

  it.each(modelNames)(
    '[MODEL-05] %s: whatever is stored goes out valid by the model and by the derived schema',
    (name) => {
      const entity = entityNamed(name)
      const byModel = compileSchema(dataModels[name]!.schema)
      const byOurs = compileSchema(derivedSchema(name))
      fc.assert(
        fc.property(storedArbitrary(entity), (doc) => {
          const wire: Record<string, unknown> = JSON.parse(JSON.stringify(entity.toWire(doc)))
          if (!byModel(wire)) throw new Error(`model: ${JSON.stringify(byModel.errors)}`)
          if (!byOurs(wire)) throw new Error(`derived: ${JSON.stringify(byOurs.errors)}`)
          expect(entity.wire.safeParse(wire).error).toBeUndefined()
          for (const [key, value] of Object.entries(wire)) {
            if (dataModels[name]!.schema.properties[key]?.['format'] === 'date-time' && value !== null) {
              expect(value).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
            }
          }
        }),
        runs,
      )
    },
  )

  it.each(entities.map((entity) => [entity.name, entity] as const))(
    '[MODEL-06] %s: what is hidden, stored only or unknown stays in, wherever in the document it is planted',
    (_name, entity) => {
      const { fields, extra, stored, hidden = [] } = entity.spec
      const secretKeys = [...Object.keys(stored ?? {}), ...(hidden as string[]), ...strangers, '_id', 'kind'].filter(
        (key) => !entity.wireFields.includes(key),
      )
      fc.assert(
        fc.property(storedArbitrary(entity), fc.boolean(), (doc, asDocument) => {
          const planted = plant({ ...fields, ...extra }, doc)
          for (const key of secretKeys) if (key !== '_id') planted[key] = planting
          const wire = entity.toWire(asDocument ? Object.create(planted) : planted) as Record<string, unknown>
          expect(JSON.stringify(wire)).not.toContain(planting)
          expect(Object.keys(wire).filter((key) => !entity.wireFields.includes(key))).toEqual([])
          if (!entity.wireFields.includes('id')) expect(JSON.stringify(wire)).not.toContain(String(doc['_id']))
        }),
        runs,
      )
    },
  )

  it.each(modelNames.filter((name) => dataModels[name]!.schema['additionalProperties'] === false))(
    '[MODEL-07] %s is closed: exactly the model’s fields go out',
    (name) => {
      const entity = entityNamed(name)
      const { properties, required } = dataModels[name]!.schema
      expect(entity.spec.closed).toBe(true)
      expect([...entity.wireFields].sort()).toEqual(Object.keys(properties).sort())
      fc.assert(
        fc.property(storedArbitrary(entity), (doc) => {
          const keys = Object.keys(entity.toWire({ ...doc, another: planting }))
          expect(keys.filter((key) => !(key in properties))).toEqual([])
          expect(required.filter((key) => !keys.includes(key))).toEqual([])
        }),
        runs,
      )
    },
  )
})

describe('fields', () => {
  it('[MODEL-08] a web address that is taken is a URI in normal form; odd ones are refused', () => {
    const isUri = compileSchema({ type: 'string', format: 'uri' })
    const odd = fc.tuple(fc.webUrl(), fc.string({ unit: 'binary', maxLength: 12 })).map(([url, tail]) => url + tail)
    const noise = fc.stringMatching(/^https?:\/\/[!-~]{1,20}$/)
    let taken = 0
    fc.assert(
      fc.property(fc.oneof(fc.webUrl({ withFragments: true, withQueryParameters: true }), odd, noise), (text) => {
        const result = f.uri().safeParse(text)
        if (!result.success) return
        taken++
        expect(isUri(result.data), result.data).toBe(true)
        expect(f.uri().parse(result.data)).toBe(result.data)
      }),
      { numRuns: 1_000 },
    )
    expect(taken).toBeGreaterThan(300)
    for (const text of [
      'javascript:alert(1)',
      'http://a/%zz',
      'http://a/|',
      'data:text/html,x',
      'ftp://a/b',
      'https://',
    ]) {
      expect(f.uri().safeParse(text).success, text).toBe(false)
    }
  })

  it('[MODEL-09] texts refuse control characters and half surrogate pairs; names also blank and long ones, fast', () => {
    expect(f.text(0, 10).safeParse('a\n\tb 🎸').success).toBe(true)
    for (const text of ['a\u0000', '\u001b', '\ud83c', '\udfb8a']) {
      expect(f.text(0, 10).safeParse(text).success).toBe(false)
      expect(f.name(10).safeParse(text).success).toBe(false)
    }
    for (const text of ['', '   ', 'a\nb', 'a'.repeat(11)]) expect(f.name(10).safeParse(text).success).toBe(false)
    const before = performance.now()
    expect(f.name(1_000_000).safeParse(`${'a '.repeat(100_000)}\u0001`).success).toBe(false)
    expect(performance.now() - before).toBeLessThan(1_000)
  })
})

const planting = 'PLANTED-SECRET'
const strangers = ['__v', 'passwordHash', 'tokenHash', 'refreshHash', 'emailKey', 'password', 'stranger', 'logId']

/** The document with a stranger in each object whose fields are declared, and each of the fields that are not sent. */
function plant(shape: Record<string, z.ZodType>, value: Record<string, unknown>): Record<string, unknown> {
  const out = { ...value }
  for (const [key, type] of Object.entries(shape)) if (out[key]) out[key] = plantIn(type, out[key])
  return out
}

function plantIn(type: z.ZodType, value: unknown): unknown {
  if (type instanceof z.ZodOptional || type instanceof z.ZodNullable || type instanceof z.ZodDefault) {
    return plantIn(type.unwrap() as z.ZodType, value)
  }
  if (type instanceof z.ZodArray && Array.isArray(value)) {
    return value.map((item) => plantIn(type.element as z.ZodType, item))
  }
  if (type instanceof z.ZodObject && value && typeof value === 'object') {
    return { ...plant(type.shape, value as Record<string, unknown>), stranger: planting }
  }
  return value
}

/**
 * What of a property has to agree. Bounds of texts and lists are the server's own, they only narrow; so is a default of
 * nothing (null or empty) where the model has none; descriptions are free.
 */
function comparable(property: DataModel['schema'][string], model: DataModel['schema'][string]): unknown {
  if (Array.isArray(property)) return property
  const { description, minLength, maxLength, pattern, maxItems, ...rest } = property
  const isNothing = rest.default === null || (rest.default && Object.keys(rest.default).length === 0)
  if (!('default' in model) && isNothing) delete rest.default
  if (Array.isArray(rest.type)) rest.type = [...rest.type].sort()
  if (rest.items) rest.items = comparable(rest.items, model.items ?? {})
  if (rest.properties) {
    rest.properties = Object.fromEntries(
      Object.entries(rest.properties).map(([key, inner]) => [
        key,
        comparable(inner as DataModel['schema'], model.properties?.[key] ?? {}),
      ]),
    )
  }
  return rest
}
