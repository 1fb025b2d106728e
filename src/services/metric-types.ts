import type { mongo } from 'mongoose'
import {
  AudioFileMetricType,
  type AudioFileMetricTypeDoc,
  type AudioFileMetricTypeWire,
} from '../../models/AudioFileMetricType.ts'
import {
  AudioFileMetricTypeStatusLog,
  type AudioFileMetricTypeStatusLogWire,
} from '../../models/AudioFileMetricTypeStatusLog.ts'
import { AudioFileMetricValue } from '../../models/AudioFileMetricValue.ts'
import type { Database } from '../infra/mongo.ts'
import type { Actor } from '../kernel/actor.ts'
import { conflict, notFound } from '../kernel/errors.ts'
import { newId } from '../kernel/ids.ts'
import type { Page, PageRequest } from '../kernel/page.ts'
import type { Audit } from './accounts/audit.ts'
import { isDuplicate } from './shared/duplicates.ts'
import { pageById } from './shared/pages.ts'
import { toUpdate } from './shared/patches.ts'

type Status = AudioFileMetricTypeDoc['status']

/** What of a measure is given; null takes a field away where that is allowed. */
export interface MetricTypeChange {
  name?: string | undefined
  description?: string | null | undefined
  importance?: number | null | undefined
  status?: Status | undefined
  /** Why the status changes. */
  notes?: string | undefined
}

const taken = () => conflict('There is a measure of this name')

/** The measures that audio files are described by, and the history of their status. */
export function createMetricTypes({ database, audit }: { database: Database; audit: Audit }) {
  const types = database.collection(AudioFileMetricType)
  const statusLog = database.collection(AudioFileMetricTypeStatusLog)

  async function find(typeId: string): Promise<AudioFileMetricTypeDoc> {
    const type = await types.findOne({ _id: typeId })
    if (!type) throw notFound('Measure')
    return type
  }

  async function writeStatus(
    actor: Actor,
    type: AudioFileMetricTypeDoc,
    notes: string | undefined,
    session: mongo.ClientSession,
  ) {
    await statusLog.insertOne(
      {
        _id: newId(),
        metricTypeId: type._id,
        status: type.status,
        changedByUserId: actor.userId,
        ...(notes !== undefined && { notes }),
        changedAt: new Date(),
      },
      { session },
    )
  }

  return {
    /** Newest first, of one status where given. */
    list: ({ status }: { status?: Status | undefined }, page: PageRequest): Promise<Page<AudioFileMetricTypeWire>> =>
      pageById(types, status ? { status } : {}, page, (type) => AudioFileMetricType.toWire(type)),

    async get(typeId: string): Promise<AudioFileMetricTypeWire> {
      return AudioFileMetricType.toWire(await find(typeId))
    },

    /** Makes a measure; its first status is the first line of its history. Throws `conflict` where the name is taken. */
    async create(
      actor: Actor,
      input: {
        name: string
        description?: string | undefined
        importance?: number | undefined
        status: Status
        notes?: string | undefined
      },
    ): Promise<AudioFileMetricTypeWire> {
      const { description, importance, status, notes } = input
      const type: AudioFileMetricTypeDoc = {
        _id: newId(),
        name: input.name.trim(),
        ...(description !== undefined && { description }),
        ...(importance !== undefined && { importance }),
        status,
        createdAt: new Date(),
        updatedAt: null,
      }
      try {
        await database.transaction(async (session) => {
          await types.insertOne(type, { session })
          await writeStatus(actor, type, notes, session)
          await audit.record('AudioFileMetricTypeCreate', actor.userId, { metricTypeId: type._id }, session)
        })
      } catch (error) {
        throw isDuplicate(error) ? taken() : error
      }
      return AudioFileMetricType.toWire(type)
    },

    /** Changes the fields given. Another status is written down with its notes in the same transaction. */
    async update(actor: Actor, typeId: string, change: MetricTypeChange): Promise<AudioFileMetricTypeWire> {
      const { notes, ...fields } = change
      const patch = { ...fields, name: fields.name?.trim() }
      try {
        return await database.transaction(async (session) => {
          const before = await types.findOneAndUpdate({ _id: typeId }, toUpdate(patch), {
            session,
            returnDocument: 'before',
          })
          if (!before) throw notFound('Measure')
          const type = (await types.findOne({ _id: typeId }, { session }))!
          if (type.status !== before.status) await writeStatus(actor, type, notes, session)
          const changed = Object.entries(patch).flatMap(([field, value]) => (value === undefined ? [] : [field]))
          await audit.record('AudioFileMetricTypeUpdate', actor.userId, { metricTypeId: typeId, changed }, session)
          return AudioFileMetricType.toWire(type)
        })
      } catch (error) {
        throw isDuplicate(error) ? taken() : error
      }
    },

    /** Deletes a measure that nothing was measured by, with its history. Throws `conflict` for one with values. */
    async remove(actor: Actor, typeId: string): Promise<void> {
      await database.transaction(async (session) => {
        const type = await types.findOneAndDelete({ _id: typeId }, { session })
        if (!type) throw notFound('Measure')
        const value = await database.collection(AudioFileMetricValue).findOne({ metricTypeId: typeId }, { session })
        if (value) throw conflict('There are values of this measure: make it defunct instead')
        await statusLog.deleteMany({ metricTypeId: typeId }, { session })
        await audit.record(
          'AudioFileMetricTypeDelete',
          actor.userId,
          { metricTypeId: typeId, name: type.name },
          session,
        )
      })
    },

    /** Which status it had when, newest first. Throws `not_found`. */
    async history(typeId: string, page: PageRequest): Promise<Page<AudioFileMetricTypeStatusLogWire>> {
      await find(typeId)
      return pageById(statusLog, { metricTypeId: typeId }, page, (line) => AudioFileMetricTypeStatusLog.toWire(line))
    },
  }
}
export type MetricTypes = ReturnType<typeof createMetricTypes>
