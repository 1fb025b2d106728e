import { z } from 'zod'
import { defineEntity, type Stored } from '../src/kernel/entity.ts'
import { f } from '../src/kernel/fields.ts'
import { logFields } from './ChatMessage.ts'

/** What every entry of a log has, and the whole of those that are not messages (members, renames). */
export const LogEntry = defineEntity('LogEntry', {
  description: 'A change in a log that is not a message',
  collection: 'log',
  kind: 'LogEntry',
  fields: {
    id: f.id(),
    rev: z.int().min(1),
    senderId: f.ref('User', 'keep'),
    /** What happened, in the form of the event's payload. */
    body: f.json(),
  },
  stored: { ...logFields, seq: z.int().optional(), clientId: z.string().optional() },
  indexes: [
    {
      keys: { logId: 1, rev: -1 },
      options: { name: 'rev' },
      serves: 'the head and gaps',
    },
    {
      keys: { logId: 1, slots: -1 },
      options: { unique: true, name: 'slots' },
      serves: 'that each rev is given once; see `src/log/store.ts`',
    },
    {
      keys: { logId: 1, senderId: 1, clientId: 1 },
      options: { unique: true, name: 'clientId', partialFilterExpression: { clientId: { $exists: true } } },
      serves: 'sending the same twice stores it once',
    },
    {
      keys: { logId: 1, seq: -1 },
      options: { partialFilterExpression: { seq: { $exists: true } } },
      serves: 'history',
    },
    {
      keys: { logId: 1, senderId: 1, seq: 1 },
      options: { partialFilterExpression: { seq: { $exists: true } } },
      serves: 'counting one’s own messages past one’s reading mark',
    },
  ],
})
export type LogEntryDoc = Stored<typeof LogEntry>
