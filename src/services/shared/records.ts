import type { mongo } from 'mongoose'
import { LogEntry } from '../../../models/LogEntry.ts'
import type { Database } from '../../infra/mongo.ts'
import type { LogRecord } from '../../log/types.ts'

/** The entries of all logs, of whatever kind. */
export const logRecords = (database: Database) =>
  database.collection(LogEntry) as unknown as mongo.Collection<LogRecord>
