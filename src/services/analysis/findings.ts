import type { mongo } from 'mongoose'
import {
  AIAudioFileAnalysisResult,
  type AIAudioFileAnalysisResultDoc,
} from '../../../models/AIAudioFileAnalysisResult.ts'
import { AudioFile } from '../../../models/AudioFile.ts'
import { AudioFileMetricType } from '../../../models/AudioFileMetricType.ts'
import { AudioFileMetricValue } from '../../../models/AudioFileMetricValue.ts'
import { AudioFileReport } from '../../../models/AudioFileReport.ts'
import { AudioWaveform } from '../../../models/AudioWaveform.ts'
import { METRICS } from '../../audio/metrics.ts'
import type { AnalysisOutput } from '../../audio/types.ts'
import type { Database } from '../../infra/mongo.ts'
import { notFound } from '../../kernel/errors.ts'
import { newId } from '../../kernel/ids.ts'
import { isDuplicate } from '../shared/duplicates.ts'
import { boundedTransaction } from '../shared/transactions.ts'

const metricNames = METRICS.map(({ name }) => name)

/** What of an analysis is in its result's metadata: all but the bytes, and what the result has fields for. */
function metadataOf(output: AnalysisOutput): Record<string, unknown> {
  const { waveform: _bytes, tags, modelVersion: _model, confidence: _confidence, ...heard } = output
  const { cover, ...said } = tags
  return { ...heard, tags: { ...said, hasCover: cover !== null } }
}

/** Stores the standard measures that are missing, by name; those that are there stay as they are. */
export async function seedMetricTypes(database: Database): Promise<void> {
  const createdAt = new Date()
  const drafts = METRICS.map(({ name, description, importance }) => ({
    updateOne: {
      filter: { name },
      update: {
        $setOnInsert: { _id: newId(), description, importance, status: 'active', createdAt, updatedAt: null },
      },
      upsert: true,
    },
  }))
  try {
    await database.collection(AudioFileMetricType).bulkWrite(drafts as never, { ordered: false })
  } catch (error) {
    // Another instance was faster with some.
    if (!isDuplicate(error)) throw error
  }
}

/**
 * Stores what was heard in a recording, all or nothing: the result of this model (in place of an earlier one), the values
 * of the active measures, the waveform, and the duration. As often as it is done, it is there once. Throws `not_found`
 * where the recording or its report is gone.
 */
export async function storeFindings(
  database: Database,
  { audioFileId, reportId, waveformDataUrl }: { audioFileId: string; reportId: string; waveformDataUrl: string },
  output: AnalysisOutput,
): Promise<void> {
  const { modelVersion } = output
  const result = {
    ...(output.tempo && { tempo: output.tempo.bpm }),
    ...(output.key && { key: output.key.name }),
    ...(output.genre && { genre: output.genre.name.slice(0, 60) }),
  }
  const gone = Object.fromEntries(['tempo', 'key', 'genre'].filter((field) => !(field in result)).map((f) => [f, '']))
  await boundedTransaction(database, async (session) => {
    // First, and written: a deletion that comes at the same time comes before or after all of this.
    const file = await database
      .collection(AudioFile)
      .updateOne({ _id: audioFileId }, { $set: { duration: output.seconds, waveformDataUrl } }, { session })
    if (file.matchedCount === 0) throw notFound('AudioFile')
    if (!(await database.collection(AudioFileReport).findOne({ _id: reportId }, { session }))) {
      throw notFound('AudioFileReport')
    }
    const results = database.collection(AIAudioFileAnalysisResult)
    await results.updateOne(
      { audioFileId, modelVersion, botUserId: { $exists: false } },
      {
        $set: {
          ...result,
          confidence: output.confidence,
          metadata: metadataOf(output),
          analyzedAt: new Date(),
        } as Partial<AIAudioFileAnalysisResultDoc>,
        ...(Object.keys(gone).length > 0 && { $unset: gone }),
        $setOnInsert: { _id: newId() },
      } as never,
      { upsert: true, session },
    )
    await storeValues(database, reportId, output, session)
    await database
      .collection(AudioWaveform)
      .replaceOne({ _id: audioFileId }, { data: Buffer.from(output.waveform), modelVersion }, { upsert: true, session })
  })
}

/** The values of the measures that are active; those of others stay what they were. */
async function storeValues(
  database: Database,
  reportId: string,
  output: AnalysisOutput,
  session: mongo.ClientSession,
): Promise<void> {
  const values = database.collection(AudioFileMetricValue)
  const types = await database
    .collection(AudioFileMetricType)
    .find({ name: { $in: metricNames }, status: 'active' }, { session })
    .toArray()
  const computed = types.map((type) => {
    const metric = METRICS.find(({ name }) => name === type.name)!
    return { metricTypeId: type._id, unit: metric.unit, value: metric.compute(output) }
  })
  await values.deleteMany({ reportId, metricTypeId: { $in: types.map(({ _id }) => _id) } }, { session })
  const drafts = computed
    .filter(({ value }) => value !== null && Number.isFinite(value))
    .map(({ metricTypeId, unit, value }) => ({
      _id: newId(),
      reportId,
      metricTypeId,
      value: value!,
      additionalInfo: { modelVersion: output.modelVersion, ...(unit && { unit }) },
      createdAt: new Date(),
    }))
  if (drafts.length > 0) await values.insertMany(drafts, { session })
}
