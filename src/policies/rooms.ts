import type { RoomRole } from '../../models/ChatRoom.ts'

/** Who may do what in a room; undefined stands for someone who is not a member. */
type Role = RoomRole | undefined

const leads = (role: Role) => role === 'owner' || role === 'moderator'

export const roomPolicy = {
  /** Private rooms are not there for those who are not in them. */
  see: (role: Role, visibility: 'public' | 'private') => role !== undefined || visibility === 'public',
  send: (role: Role) => role !== undefined,
  /** Whoever is in a room chooses what it listens to, and hears it. */
  listen: (role: Role) => role !== undefined,
  invite: leads,
  /** `moderates`: by a permission, which reaches public rooms alone. */
  update: (role: Role, visibility: 'public' | 'private' = 'private', moderates = false) =>
    leads(role) || (moderates && visibility === 'public'),
  assignRoles: (role: Role) => role === 'owner',
  /** Owners remove anyone but owners, moderators remove plain members. */
  remove: (role: Role, target: Role) =>
    role === 'owner' ? target !== 'owner' : role === 'moderator' && target === 'member',
  edit: (isSender: boolean) => isSender,
  deleteMessage: (role: Role, isSender: boolean, moderates: boolean) =>
    (role !== undefined && isSender) || leads(role) || moderates,
  pin: (role: Role) => role !== undefined,
  /** Those who lead a room are not slowed down in it. */
  skipsSlowMode: leads,
}
