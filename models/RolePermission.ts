import { defineEntity, type Stored, type Wire } from '../src/kernel/entity.ts'
import { f } from '../src/kernel/fields.ts'

export const RolePermission = defineEntity('RolePermission', {
  description: 'A permission that a role gives',
  collection: 'rolepermissions',
  closed: true,
  fields: { roleId: f.ref('Role', 'cascade'), permissionId: f.ref('Permission', 'cascade'), createdAt: f.time() },
  indexes: [
    { keys: { roleId: 1, permissionId: 1 }, options: { unique: true }, serves: 'the permissions of a role, each once' },
    { keys: { permissionId: 1 }, serves: 'which roles give a permission; deleting a permission' },
  ],
})
export type RolePermissionDoc = Stored<typeof RolePermission>
export type RolePermissionWire = Wire<typeof RolePermission>
