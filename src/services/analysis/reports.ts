import type { mongo } from 'mongoose'
import {
  AIAudioFileAnalysisResult,
  type AIAudioFileAnalysisResultWire,
} from '../../../models/AIAudioFileAnalysisResult.ts'
import { AudioFile } from '../../../models/AudioFile.ts'
import { AudioFileMetricType, type AudioFileMetricTypeWire } from '../../../models/AudioFileMetricType.ts'
import { AudioFileMetricValue, type AudioFileMetricValueWire } from '../../../models/AudioFileMetricValue.ts'
import {
  AudioFileReport,
  type AudioFileReportDoc,
  type AudioFileReportWire,
  maxReportIds,
} from '../../../models/AudioFileReport.ts'
import { UserAudioFileAnalysis, type UserAudioFileAnalysisWire } from '../../../models/UserAudioFileAnalysis.ts'
import type { Database } from '../../infra/mongo.ts'
import { type Actor, permits } from '../../kernel/actor.ts'
import { forbidden, notFound } from '../../kernel/errors.ts'
import { newId } from '../../kernel/ids.ts'
import { createLanes } from '../../kernel/lanes.ts'
import type { Page, PageRequest } from '../../kernel/page.ts'
import type { Viewer } from '../../policies/audio.ts'
import { isDuplicate } from '../shared/duplicates.ts'
import { pageById } from '../shared/pages.ts'
import { seenTarget } from '../shared/targets.ts'
import { boundedTransaction } from '../shared/transactions.ts'

/** A report with the objects that it names. */
export interface ExpandedReport {
  aiAnalyses?: AIAudioFileAnalysisResultWire[]
  userAnalyses?: UserAudioFileAnalysisWire[]
  metricValues?: AudioFileMetricValueWire[]
}

/** What is known of a recording, by id: one report each, in step with what there is. */
export function createReports({ database }: { database: Database }) {
  const reports = database.collection(AudioFileReport)
  const results = database.collection(AIAudioFileAnalysisResult)
  const analyses = database.collection(UserAudioFileAnalysis)
  const values = database.collection(AudioFileMetricValue)
  const lanes = createLanes()
  const listeners: ((audioFileId: string) => Promise<void>)[] = []

  /** The report of a recording, made where there is none. Throws `not_found` for a recording that is gone. */
  async function ensure(audioFileId: string): Promise<AudioFileReportDoc> {
    const make = () =>
      reports.findOneAndUpdate(
        { audioFileId },
        {
          $setOnInsert: {
            _id: newId(),
            aiAnalysisIds: [],
            userAnalysisIds: [],
            metricValueIds: [],
            createdAt: new Date(),
            updatedAt: null,
          },
        },
        { upsert: true, returnDocument: 'after' },
      ) as Promise<AudioFileReportDoc | null>
    // Another was faster: then it is there.
    const report = await make().catch((error) => (isDuplicate(error) ? make() : Promise.reject(error)))
    if (!(await database.collection(AudioFile).findOne({ _id: audioFileId }, { projection: { _id: 1 } }))) {
      await forget(audioFileId)
      throw notFound('AudioFile')
    }
    return report!
  }

  /** Removes all that is known of a recording that goes; call it once more when it is gone for certain. */
  async function forget(audioFileId: string, session?: mongo.ClientSession): Promise<void> {
    const options = session ? { session } : {}
    const report = await reports.findOne({ audioFileId }, { ...options, projection: { _id: 1 } })
    if (report) await values.deleteMany({ reportId: report._id }, options)
    await reports.deleteMany({ audioFileId }, options)
    await results.deleteMany({ audioFileId }, options)
    await analyses.deleteMany({ audioFileId }, options)
  }

  /** The newest ids of what a filter finds, oldest first. */
  async function newest(
    collection: { find: (typeof results)['find'] },
    filter: object,
    session: mongo.ClientSession,
  ): Promise<string[]> {
    const found = await collection
      .find(filter as never, { session, projection: { _id: 1 } })
      .sort({ _id: -1 })
      .limit(maxReportIds)
      .toArray()
    return found.map(({ _id }) => _id).reverse()
  }

  return {
    ensure,
    forget,

    /** Called with each recording of which something else is known than before; must not throw. */
    onRebuilt: (listener: (audioFileId: string) => Promise<void>): void => void listeners.push(listener),

    /**
     * Brings the lists of a recording's report up to what there is; whoever adds or removes an analysis or value calls
     * it afterwards. It touches the report before it reads, so that of two at once the later one has the last word.
     * Throws `not_found` for a recording that is gone.
     */
    async rebuild(audioFileId: string): Promise<AudioFileReportWire> {
      const { _id } = await ensure(audioFileId)
      const rebuilt = await lanes.run(audioFileId, () =>
        boundedTransaction(database, async (session) => {
          const touched = await reports.updateOne({ _id }, { $set: { updatedAt: new Date() } }, { session })
          if (touched.matchedCount === 0) throw notFound('AudioFileReport')
          const aiAnalysisIds = await newest(results, { audioFileId }, session)
          const userAnalysisIds = await newest(analyses as never, { audioFileId }, session)
          const metricValueIds = await newest(values as never, { reportId: _id }, session)
          return reports.findOneAndUpdate(
            { _id },
            { $set: { aiAnalysisIds, userAnalysisIds, metricValueIds } },
            { session, returnDocument: 'after' },
          )
        }),
      )
      for (const listener of listeners) await listener(audioFileId)
      return AudioFileReport.toWire(rebuilt!)
    },

    /** The report on a recording that the viewer sees; with `expand` what it names, too. Throws `not_found`. */
    async get(viewer: Viewer, audioFileId: string, expand = false): Promise<AudioFileReportWire & ExpandedReport> {
      await seenTarget(database, 'AudioFile', audioFileId, viewer)
      const report = (await reports.findOne({ audioFileId })) as AudioFileReportDoc | null
      if (!report) throw notFound('AudioFileReport')
      const wire = AudioFileReport.toWire(report)
      if (!expand) return wire
      const [ai, user, metric] = await Promise.all([
        results
          .find({ _id: { $in: report.aiAnalysisIds } })
          .sort({ _id: 1 })
          .toArray(),
        analyses
          .find({ _id: { $in: report.userAnalysisIds } })
          .sort({ _id: 1 })
          .toArray(),
        values
          .find({ _id: { $in: report.metricValueIds } })
          .sort({ _id: 1 })
          .toArray(),
      ])
      return {
        ...wire,
        aiAnalyses: ai.map((each) => AIAudioFileAnalysisResult.toWire(each)),
        userAnalyses: user.map((each) => UserAudioFileAnalysis.toWire(each)),
        metricValues: metric.map((each) => AudioFileMetricValue.toWire(each)),
      }
    },

    /** Sets the notes of a report; null takes them away. Throws `not_found` and `forbidden`. */
    async annotate(actor: Actor, audioFileId: string, notes: string | null): Promise<AudioFileReportWire> {
      const file = await seenTarget(database, 'AudioFile', audioFileId, actor)
      if (file.ownerId !== actor.userId && !permits(actor, { action: 'manage', resource: 'AudioFileReport' })) {
        throw forbidden('The recording is somebody else’s')
      }
      const changed = await reports.findOneAndUpdate(
        { audioFileId },
        notes === null
          ? { $unset: { notes: '' as const }, $set: { updatedAt: new Date() } }
          : { $set: { notes, updatedAt: new Date() } },
        { returnDocument: 'after' },
      )
      if (!changed) throw notFound('AudioFileReport')
      return AudioFileReport.toWire(changed)
    },

    /** What the measures came to for a recording, newest first; with `expand` the measures. Throws `not_found`. */
    async values(
      viewer: Viewer,
      audioFileId: string,
      {
        limit,
        cursor,
        metricTypeId,
        expand,
      }: PageRequest & { metricTypeId?: string | undefined; expand?: boolean | undefined },
    ): Promise<Page<AudioFileMetricValueWire> & { metricTypes?: AudioFileMetricTypeWire[] }> {
      await seenTarget(database, 'AudioFile', audioFileId, viewer)
      const report = await reports.findOne({ audioFileId }, { projection: { _id: 1 } })
      // Without a report there is nothing, and a cursor is judged all the same.
      const filter = {
        reportId: { $in: report ? [report._id] : [] },
        ...(metricTypeId !== undefined && { metricTypeId }),
      }
      const page = await pageById(values, filter, { limit, cursor }, (value) => AudioFileMetricValue.toWire(value))
      if (!expand) return page
      const types = await database
        .collection(AudioFileMetricType)
        .find({ _id: { $in: [...new Set(page.items.map((value) => value.metricTypeId))] } })
        .toArray()
      return { ...page, metricTypes: types.map((type) => AudioFileMetricType.toWire(type)) }
    },
  }
}

export type Reports = ReturnType<typeof createReports>
