import type { mongo } from 'mongoose'
import { Permission } from '../../../models/Permission.ts'
import { RolePermission } from '../../../models/RolePermission.ts'
import type { Database } from '../../infra/mongo.ts'

/** What a role permits, as `action:resource`, as the database has it within a transaction. */
export async function permittedBy(database: Database, roleId: string, session: mongo.ClientSession): Promise<string[]> {
  const links = await database.collection(RolePermission).find({ roleId }, { session }).toArray()
  const permissions = await database
    .collection(Permission)
    .find({ _id: { $in: links.map(({ permissionId }) => permissionId) } }, { session })
    .toArray()
  return permissions.map(({ action, resource }) => `${action}:${resource}`)
}
