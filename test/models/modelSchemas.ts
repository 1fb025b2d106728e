import { readFileSync } from 'node:fs'
import { Ajv, type AnySchemaObject, type ValidateFunction } from 'ajv'
import addFormats from 'ajv-formats'
import { documentedEntities } from '../../models/index.ts'
import { idPattern } from '../../src/kernel/fields.ts'
import { toJsonSchema } from '../../src/kernel/schema.ts'

export interface DataModel {
  schema: AnySchemaObject & { properties: Record<string, AnySchemaObject>; required: string[] }
  sample: Record<string, unknown>
}

/** The data models of the source document. */
export const dataModels: Record<string, DataModel> = JSON.parse(
  readFileSync(new URL('./data-models.json', import.meta.url), 'utf8'),
)

/** The names of the data models, for `it.each`. */
export const modelNames = Object.keys(dataModels)

/** What clients get beyond the models, where their schemas are open. */
export const extraFields: Record<string, string[]> = {
  AudioFile: ['mimeType', 'sizeBytes', 'tags'],
  Image: ['sizes', 'animated'],
  Booking: ['requestedBy'],
  ChatMessage: [
    'seq',
    'rev',
    'clientId',
    'seenCount',
    'reactions',
    'mentions',
    'attachments',
    'anchor',
    'pinned',
    'deletedAt',
  ],
  ChatRoom: ['visibility', 'topic', 'slowModeSeconds', 'createdBy', 'members', 'memberCount', 'rev', 'seq'],
  Comment: ['atSeconds', 'cardId'],
  Profile: ['followerCount', 'followingCount'],
  Match: ['reasons'],
  Message: ['seq', 'rev', 'clientId', 'reactions', 'deletedAt'],
}

/** What never leaves the server though the models name it. */
export const hiddenFields: Record<string, string[]> = { User: ['passwordHash'] }

export const entityNamed = (name: string) => documentedEntities.find((entity) => entity.name === name)!

/** The JSON Schema that derives from an entity. */
export function derivedSchema(name: string): DataModel['schema'] {
  const components: Record<string, AnySchemaObject> = {}
  toJsonSchema(entityNamed(name).wire, components)
  return components[name] as DataModel['schema']
}

const ajv = new Ajv({ strict: true, strictTypes: false, allErrors: true, allowUnionTypes: true })
// ajv-formats is CommonJS: what its types call the default export is the function itself.
;(addFormats as unknown as (ajv: Ajv) => void)(ajv)
ajv.addFormat('tsid', idPattern)

/** Validates by all keywords and formats, `tsid` being 26 characters of a ULID. */
export const compileSchema = (schema: AnySchemaObject): ValidateFunction => ajv.compile(schema)
