import type { ProjectAccess } from '../../models/UserProject.ts'

/** A member as far as rights go; undefined stands for someone who is not in the project. */
type Member = { role: string; access?: ProjectAccess | null | undefined } | undefined

const namedRoles = new Set(['owner', 'editor', 'commenter', 'viewer'])

/** Roles that mean something are written in one way; any other is free text. */
export const projectRole = (role: string): string => {
  const named = role.trim().toLowerCase()
  return namedRoles.has(named) ? named : role.trim()
}

export const projectPolicy = {
  /** Closed projects are not there for those who are not in them. */
  see: (member: Member, isOpen: boolean) => member !== undefined || isOpen,
  /** Changing the project itself and who is in it. */
  manage: (member: Member) => member?.role === 'owner',
  /** What one may do with the project's board (contract, section 8). */
  board(member: Member, isOpen: boolean): 'write' | 'read' | 'none' {
    if (!member) return isOpen ? 'read' : 'none'
    if (member.role === 'owner' || member.role === 'editor') return 'write'
    return member.role === 'viewer' || member.access === 'viewer' ? 'read' : 'write'
  },
  /** Whether an access can be set beside a role: these three say all by themselves. */
  takesAccess: (role: string, access: ProjectAccess) =>
    role === 'viewer' ? access === 'viewer' : role === 'owner' || role === 'editor' ? access === 'editor' : true,
}
