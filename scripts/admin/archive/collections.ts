import type { Schema } from 'mongoose'
import { entities } from '../../../models/index.ts'
import type { ArchiveRule, Entity } from '../../../src/kernel/entity.ts'

type AnyEntity = Entity<any, any, any>

/** A collection of MongoDB with what is declared of it. */
export interface ArchivedCollection {
  name: string
  /** Several where their `kind` tells them apart. */
  entities: AnyEntity[]
  rule: ArchiveRule
}

/** The collections that go along in an export, by the declarations of their entities. */
export function archivedCollections(among: AnyEntity[] = entities): ArchivedCollection[] {
  const byName = new Map<string, ArchivedCollection>()
  for (const entity of among) {
    const { collection: name, archive: rule = {} } = entity.spec
    const there = byName.get(name)
    if (!there) byName.set(name, { name, entities: [entity], rule })
    else {
      if (rule.leftOut || rule.only || rule.instead || Object.keys(there.rule).length > 0) {
        throw new TypeError(`${entity.name} shares its collection: there is no rule for its export alone`)
      }
      there.entities.push(entity)
    }
  }
  return [...byName.values()].filter(({ rule }) => !rule.leftOut)
}

/** What is stored, with what holds on this instance alone put aside. */
export function forExport(document: Record<string, unknown>, { instead }: ArchiveRule): Record<string, unknown> {
  if (!instead) return document
  const changed = { ...document }
  for (const [field, make] of Object.entries(instead)) {
    const value = make()
    if (value === undefined) delete changed[field]
    else changed[field] = value
  }
  return changed
}

/** What is wrong with a document by the declaration of its fields; null: nothing. */
export function problemOf(
  document: Record<string, unknown>,
  { name, entities: own }: ArchivedCollection,
): string | null {
  const kind = document['kind']
  const entity = own.length > 1 || own[0]!.spec.kind ? own.find((each) => each.spec.kind === kind) : own[0]!
  if (!entity) return `${name}: there is no kind ${JSON.stringify(kind)}`
  const paths = entity.schema.paths as Record<string, Schema.Types.Mixed>
  for (const [field, value] of Object.entries(document)) {
    const path = paths[field]
    if (!path) return `${entity.name} has no field "${field}"; the export may be of a newer version`
    if (value === null) continue
    const wanted = path.instance
    if (wanted !== 'Mixed' && wanted !== typeOf(value)) return `${entity.name}.${field} is not of the type ${wanted}`
  }
  for (const [field, path] of Object.entries(paths)) {
    if (path.isRequired && document[field] == null) return `${entity.name}.${field} is missing`
  }
  return null
}

/** The type of a value in mongoose's terms. */
function typeOf(value: unknown): string {
  if (value instanceof Date) return 'Date'
  if (Array.isArray(value)) return 'Array'
  const type = typeof value
  return type === 'object' ? 'Mixed' : type[0]!.toUpperCase() + type.slice(1)
}
