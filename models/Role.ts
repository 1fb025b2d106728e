import { defineEntity, type Stored, type Wire } from '../src/kernel/entity.ts'
import { f } from '../src/kernel/fields.ts'

export const Role = defineEntity('Role', {
  description: 'A named set of permissions',
  collection: 'roles',
  closed: true,
  fields: {
    id: f.id(),
    name: f.name(60),
    description: f.text(0, 500).optional(),
    createdAt: f.time(),
    /** The one model in which it is absent, not null, until the first change. */
    updatedAt: f.time().optional(),
  },
  indexes: [{ keys: { name: 1 }, options: { unique: true }, serves: 'a role by its name; one each' }],
})
export type RoleDoc = Stored<typeof Role>
export type RoleWire = Wire<typeof Role>
