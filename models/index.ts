import type { Entity } from '../src/kernel/entity.ts'
import { AuditLog } from './AuditLog.ts'
import { AuthToken } from './AuthToken.ts'
import { Block } from './Block.ts'
import { Bot } from './Bot.ts'
import { ChatMessage } from './ChatMessage.ts'
import { ChatRoom } from './ChatRoom.ts'
import { Instance } from './Instance.ts'
import { Job } from './Job.ts'
import { LogEntry } from './LogEntry.ts'
import { Membership } from './Membership.ts'
import { Message } from './Message.ts'
import { Notification } from './Notification.ts'
import { NotificationPreference } from './NotificationPreference.ts'
import { Permission } from './Permission.ts'
import { Presence } from './Presence.ts'
import { Profile } from './Profile.ts'
import { Role } from './Role.ts'
import { RolePermission } from './RolePermission.ts'
import { Session } from './Session.ts'
import { User } from './User.ts'
import { UserRole } from './UserRole.ts'

/** The models of the source document. */
export const documentedEntities: Entity<any, any, any>[] = [
  AuditLog,
  ChatMessage,
  ChatRoom,
  Message,
  Notification,
  Permission,
  Profile,
  Role,
  RolePermission,
  Session,
  User,
  UserRole,
]

/** What the server keeps beside them. */
export const ownEntities: Entity<any, any, any>[] = [
  AuthToken,
  Block,
  Bot,
  Instance,
  Job,
  LogEntry,
  Membership,
  NotificationPreference,
  Presence,
]

export const entities: Entity<any, any, any>[] = [...documentedEntities, ...ownEntities]
