import { defineEntity, type Stored, type Wire } from '../src/kernel/entity.ts'
import { f } from '../src/kernel/fields.ts'

export const Permission = defineEntity('Permission', {
  description: 'Leave to do an action to a kind of resource',
  collection: 'permissions',
  closed: true,
  fields: {
    id: f.id(),
    action: f.name(60),
    resource: f.name(60),
    description: f.text(0, 500).optional(),
    createdAt: f.time(),
    updatedAt: f.time().nullable().default(null),
  },
  indexes: [
    {
      keys: { resource: 1, action: 1 },
      options: { unique: true },
      serves: 'a permission by what it permits; the permissions on a resource',
    },
  ],
})
export type PermissionDoc = Stored<typeof Permission>
export type PermissionWire = Wire<typeof Permission>
