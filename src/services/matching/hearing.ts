import { AIAudioFileAnalysisResult } from '../../../models/AIAudioFileAnalysisResult.ts'
import { AudioFile, type AudioFileDoc } from '../../../models/AudioFile.ts'
import { AudioFileMetricType } from '../../../models/AudioFileMetricType.ts'
import { AudioFileMetricValue } from '../../../models/AudioFileMetricValue.ts'
import { AudioFileReport } from '../../../models/AudioFileReport.ts'
import { Catalogue } from '../../../models/Catalogue.ts'
import type { Database } from '../../infra/mongo.ts'
import { isDuplicate } from '../shared/duplicates.ts'
import { parseKey } from '../shared/harmony.ts'
import { boundedTransaction } from '../shared/transactions.ts'
import { facetsOf } from './facets.ts'
import { features, sumsChange, vectorOf } from './features.ts'
import { sumUp } from './sketch.ts'

type Sound = NonNullable<AudioFileDoc['sound']>

/** The one document of the catalogue's sums. */
export const catalogueId = 'catalogue'
/** Tempos beyond these are mistakes. */
const [slowest, fastest] = [20, 400]
const maxResults = 50

/** Makes sure that the sums are there, so that changes of them are increments alone. */
export async function ensureCatalogue(database: Database): Promise<void> {
  const none = features.map(() => 0)
  await database
    .collection(Catalogue)
    .updateOne(
      { _id: catalogueId },
      { $setOnInsert: { users: 0, counts: none, sums: none, squares: none } },
      { upsert: true },
    )
    .catch((error) => {
      // Of several instances another was the first.
      if (!isDuplicate(error)) throw error
    })
}

/** What results and measures say of a recording's sound; the server's own results before those of bots. */
async function listen(database: Database, audioFileId: string): Promise<Sound | null> {
  const [results, report, types] = await Promise.all([
    database
      .collection(AIAudioFileAnalysisResult)
      .find({ audioFileId }, { projection: { metadata: 0 } })
      .sort({ _id: -1 })
      .limit(maxResults)
      .toArray(),
    database.collection(AudioFileReport).findOne({ audioFileId }, { projection: { _id: 1 } }),
    database
      .collection(AudioFileMetricType)
      .find({ name: { $in: features.map(({ metric }) => metric) } }, { projection: { name: 1 } })
      .toArray(),
  ])
  const values = report
    ? await database
        .collection(AudioFileMetricValue)
        .find({ reportId: report._id, metricTypeId: { $in: types.map(({ _id }) => _id) } })
        .sort({ _id: 1 })
        .toArray()
    : []
  const names = new Map(types.map(({ _id, name }) => [_id, name]))
  const byName = new Map(values.map(({ metricTypeId, value }) => [names.get(metricTypeId)!, value]))
  const ordered = [...results.filter((each) => !each.botUserId), ...results.filter((each) => each.botUserId)]
  const tempo = ordered.find(
    (each) => each.tempo !== undefined && each.tempo >= slowest && each.tempo <= fastest,
  )?.tempo
  const key = ordered.map((each) => (each.key ? parseKey(each.key) : undefined)).find((each) => each !== undefined)
  const loudness = byName.get('Integrated Loudness')
  if (tempo === undefined && key === undefined && byName.size === 0) return null
  const sound = {
    ...(tempo !== undefined && { tempo }),
    ...(key !== undefined && { key }),
    ...(typeof loudness === 'number' && { loudness }),
    features: vectorOf((metric) => byName.get(metric)),
  }
  return { ...sound, facets: facetsOf({ ...sumUp([{ ...sound, facets: [] }]), tags: [], plays: [], needs: [] }) }
}

/**
 * Takes what is known of a recording into the recording and the catalogue's sums, in one transaction. Returns whose it
 * is where something changed; null where nothing did or it is gone.
 */
export async function hear(database: Database, audioFileId: string): Promise<string | null> {
  const files = database.collection(AudioFile)
  return boundedTransaction(database, async (session) => {
    // Read within each attempt: an analysis that came meanwhile has the last word.
    const sound = await listen(database, audioFileId)
    const file = await files.findOne({ _id: audioFileId }, { session, projection: { userId: 1, sound: 1 } })
    if (!file || JSON.stringify(file.sound ?? null) === JSON.stringify(sound)) return null
    const changed = await files.updateOne(
      { _id: audioFileId },
      sound ? { $set: { sound } } : ({ $unset: { sound: '' } } as never),
      { session },
    )
    if (changed.matchedCount === 0) return null
    const inc = sumsChange([
      [file.sound?.features ?? [], -1],
      [sound?.features ?? [], 1],
    ])
    if (Object.keys(inc).length > 0) {
      await database.collection(Catalogue).updateOne({ _id: catalogueId }, { $inc: inc } as never, { session })
    }
    return file.userId
  })
}
