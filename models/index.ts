import type { Entity } from '../src/kernel/entity.ts'
import { ChatMessage } from './ChatMessage.ts'
import { ChatRoom } from './ChatRoom.ts'
import { LogEntry } from './LogEntry.ts'
import { Membership } from './Membership.ts'
import { Message } from './Message.ts'

/** The models of the source document. */
export const documentedEntities: Entity<any, any, any>[] = [ChatMessage, ChatRoom, Message]

/** What the server keeps beside them. */
export const ownEntities: Entity<any, any, any>[] = [LogEntry, Membership]

export const entities: Entity<any, any, any>[] = [...documentedEntities, ...ownEntities]
