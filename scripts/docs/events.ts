import { emissions, events } from '../../rooms/index.ts'
import { toJsonSchema } from '../../src/kernel/schema.ts'

type Json = Record<string, any>

/** The tables of all socket events, from their declarations, as Markdown. */
export function describeEvents(): string {
  const asked = events.map(({ name, payload, ack, scope, rate, summary }) =>
    row(`\`${name}\``, code(payload), code(ack), scope ?? 'people', `${rate.points} in ${rate.seconds} s`, summary),
  )
  const told = emissions.map(({ name, payload, summary }) => row(`\`${name}\``, code(payload), summary))
  return [
    '### What a client emits',
    '',
    row('event', 'payload', 'ack data', 'scope of a bot', 'rate', 'what'),
    row('---', '---', '---', '---', '---', '---'),
    ...asked,
    '',
    '### What the server emits',
    '',
    row('event', 'payload', 'what'),
    row('---', '---', '---'),
    ...told,
  ].join('\n')
}

const row = (...cells: string[]) => `| ${cells.join(' | ')} |`
const code = (type: unknown) => `\`${brief(toJsonSchema(type as never)).replaceAll('|', '\\|')}\``

/** A JSON Schema in the shorthand of the contract: `{roomId, limit?: int}`. */
function brief(schema: Json): string {
  if (schema['$ref']) return String(schema['$ref']).split('/').at(-1)!
  if (schema['allOf']) return (schema['allOf'] as Json[]).map(brief).join(' & ')
  if (schema['anyOf']) return (schema['anyOf'] as Json[]).map(brief).join(' | ')
  if (schema['enum']) return (schema['enum'] as unknown[]).map((value) => (value === null ? 'null' : value)).join(' | ')
  const types: string[] = [schema['type'] ?? 'any'].flat()
  return types.map((type) => briefType(type, schema)).join(' | ')
}

function briefType(type: string, schema: Json): string {
  if (type === 'array') {
    const item = brief(schema['items'] ?? {})
    return / [|&] /.test(item) && !item.startsWith('{') ? `(${item})[]` : `${item}[]`
  }
  if (type === 'object') {
    const required = new Set<string>(schema['required'] ?? [])
    const fields = Object.entries((schema['properties'] ?? {}) as Record<string, Json>).map(
      ([name, field]) => `${name}${required.has(name) ? '' : '?'}: ${brief(field)}`,
    )
    return fields.length > 0 ? `{${fields.join(', ')}}` : 'object'
  }
  if (type === 'string' && schema['format'] === 'tsid') return 'id'
  return type === 'integer' ? 'int' : type
}
