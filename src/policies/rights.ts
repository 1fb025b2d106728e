import type { Actor } from '../kernel/actor.ts'
import { standardPermissions, standardRoles } from './permissions.ts'

const isAdmin = (actor: Actor) => actor.role === 'admin' && !actor.bot
const standardKeys = new Set(standardPermissions.map(({ action, resource }) => `${action}:${resource}`))

/** Who may change who may do what. That somebody may at all is the permission to manage Role. */
export const rightsPolicy = {
  /**
   * Admins hand out and take everything. Others do so within what they may themselves, so that nobody raises themself or a
   * friend, nor lowers those above. `permitted`: what the role or permission gives, as `action:resource`.
   */
  handOut: (actor: Actor, permitted: Iterable<string>): boolean =>
    isAdmin(actor) || (!actor.bot && [...permitted].every((key) => actor.permits?.has(key) ?? false)),
  /** Only admins make admins, or plain users of them. */
  handOutAdmin: isAdmin,
  /** The server itself refers to the standard ones: they stay, under their names. */
  isStandardRole: (name: string): boolean => Object.hasOwn(standardRoles, name),
  isStandardPermission: (action: string, resource: string): boolean => standardKeys.has(`${action}:${resource}`),
}
