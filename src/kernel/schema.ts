import { z } from 'zod'

type JsonSchema = Record<string, any>

/** The JSON side of a declared type: codecs replaced by what travels, so that the result validates wire values. */
export function wireType(type: z.ZodType): z.ZodType {
  if (type instanceof z.ZodCodec) return type._zod.def.in as z.ZodType
  if (type instanceof z.ZodOptional) return wireType(type.unwrap() as z.ZodType).optional()
  if (type instanceof z.ZodNullable) return wireType(type.unwrap() as z.ZodType).nullable()
  if (type instanceof z.ZodDefault) {
    const value = type._zod.def.defaultValue
    return wireType(type.unwrap() as z.ZodType)
      .optional()
      .meta({ default: value instanceof Date ? value.toISOString() : value })
  }
  if (type instanceof z.ZodArray && !type.meta()?.id) {
    const element = wireType(type.element as z.ZodType)
    return element === type.element ? type : z.array(element)
  }
  return type
}

/**
 * The JSON Schema (2020-12 vocabulary, which the draft-07 of the data models is a subset of here) of a wire type.
 * Entities carry an `id` in their metadata and come out as `$ref` to `#/components/schemas/<name>`; their bodies are
 * collected in `components`.
 */
export function toJsonSchema(type: z.ZodType, components: Record<string, JsonSchema> = {}): JsonSchema {
  const schema = z.toJSONSchema(type, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ jsonSchema }) => tidy(jsonSchema as JsonSchema),
  }) as JsonSchema
  const { $defs, $schema: _dialect, ...own } = schema
  for (const [name, body] of Object.entries(($defs ?? {}) as Record<string, JsonSchema>)) {
    components[name] ??= relink(body)
  }
  if (own['id'] && typeof own['id'] === 'string') {
    const { id, ...body } = own
    components[id] ??= relink(body)
    return { $ref: `#/components/schemas/${id}` }
  }
  return relink(own)
}

/** Says in the field's common terms what zod spells out with patterns and unions. */
function tidy(schema: JsonSchema) {
  for (const own of ['ref', 'refBy', 'onDelete']) delete schema[own]
  if (schema['format'] && schema['format'] !== 'tsid') delete schema['pattern']
  if (schema['maximum'] === Number.MAX_SAFE_INTEGER) delete schema['maximum']
  if (schema['minimum'] === Number.MIN_SAFE_INTEGER) delete schema['minimum']
  const options = schema['anyOf'] as JsonSchema[] | undefined
  if (options && areApart(options)) {
    delete schema['anyOf']
    for (const option of options) Object.assign(schema, option)
    schema['type'] = options.map((option) => option['type'])
    if (Array.isArray(schema['enum'])) schema['enum'] = [...schema['enum'], null]
  }
  if (schema['type'] === 'object' && schema['propertyNames']) {
    delete schema['propertyNames']
  }
  const others = schema['additionalProperties']
  if (others && typeof others === 'object' && Object.keys(others).length === 0) delete schema['additionalProperties']
}

/**
 * Whether a union can be said as one schema with a list of types: each option has a type of its own, and no keyword of
 * one says anything about values of the others' types.
 */
function areApart(options: JsonSchema[]): boolean {
  const types = options.map((option) => option['type'])
  if (new Set(types).size !== types.length || !types.every((type) => typeof type === 'string')) return false
  // `enum` and `const` are about values of all types; null is then one more value.
  const named = options.filter((option) => 'enum' in option)
  return (
    !options.some((option) => 'const' in option) &&
    (named.length === 0 || (options.length === 2 && named.length === 1 && types.includes('null')))
  )
}

function relink(value: any): any {
  if (Array.isArray(value)) return value.map(relink)
  if (!value || typeof value !== 'object') return value
  const out: JsonSchema = {}
  for (const [key, inner] of Object.entries(value)) {
    if (key === '$ref' && typeof inner === 'string') out[key] = inner.replace('#/$defs/', '#/components/schemas/')
    else if (key === 'id' && typeof inner === 'string' && 'type' in value) continue
    else out[key] = relink(inner)
  }
  return out
}
