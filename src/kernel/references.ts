import { z } from 'zod'
import type { Entity } from './entity.ts'
import type { OnDelete } from './fields.ts'

/** A stored field that holds the id of something. */
export interface Reference {
  /** Whose field it is. */
  from: Entity<any, any, any>
  /** As MongoDB's paths have it. */
  field: string
  /** The entity that it names; for one of several, `by` names the field that says of which. */
  to: string | null
  by: string | null
  isList: boolean
  /** Whether null is a value of the field; else it is taken away. */
  isNullable: boolean
  onDelete: OnDelete | undefined
}

/** All references among the fields of the entities, at every depth. */
export function referencesOf(entities: Entity<any, any, any>[]): Reference[] {
  const found: Reference[] = []
  for (const from of entities) {
    const fields = { ...from.spec.fields, ...from.spec.extra, ...from.spec.stored } as Record<string, z.ZodType>
    for (const [name, type] of Object.entries(fields)) {
      walk(type, { from, field: name === 'id' ? '_id' : name, isList: false, isNullable: false })
    }
  }
  return found

  function walk(type: z.ZodType, at: Pick<Reference, 'from' | 'field' | 'isList' | 'isNullable'>): void {
    const meta = type.meta() as { ref?: string; refBy?: string; onDelete?: OnDelete } | undefined
    if (meta?.ref || meta?.refBy) {
      found.push({ ...at, to: meta.ref ?? null, by: meta.refBy ?? null, onDelete: meta.onDelete })
    } else if (type instanceof z.ZodNullable) walk(type.unwrap() as z.ZodType, { ...at, isNullable: true })
    else if (type instanceof z.ZodOptional || type instanceof z.ZodDefault) walk(type.unwrap() as z.ZodType, at)
    else if (type instanceof z.ZodArray) walk(type.element as z.ZodType, { ...at, isList: true })
    else if (type instanceof z.ZodObject) {
      for (const [name, inner] of Object.entries(type.shape as Record<string, z.ZodType>)) {
        walk(inner, { ...at, field: `${at.field}.${name}` })
      }
    }
  }
}
