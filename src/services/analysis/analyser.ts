import { availableParallelism } from 'node:os'
import { AudioFile, type AudioFileDoc } from '../../../models/AudioFile.ts'
import { AudioWaveform } from '../../../models/AudioWaveform.ts'
import { Image } from '../../../models/Image.ts'
import { MODEL_VERSION } from '../../audio/analyse.ts'
import type { AnalysisOutput } from '../../audio/types.ts'
import { decodeWaveform, type WaveformAnswer, waveformFor } from '../../audio/waveform.ts'
import { AnalysisError, type AnalysisPool } from '../../audio/workers/analysis.ts'
import type { Config } from '../../config.ts'
import type { Database } from '../../infra/mongo.ts'
import { type Actor, permits } from '../../kernel/actor.ts'
import { channels } from '../../kernel/channels.ts'
import { AppError, forbidden, notFound } from '../../kernel/errors.ts'
import type { Emitter, Logger } from '../../kernel/ports.ts'
import type { ObjectStorage } from '../../kernel/storage.ts'
import type { Viewer } from '../../policies/audio.ts'
import type { Images } from '../files/images.ts'
import type { Jobs } from '../jobs.ts'
import { waveformUrl } from '../shared/addresses.ts'
import { seenTarget } from '../shared/targets.ts'
import { seedMetricTypes, storeFindings } from './findings.ts'
import { withLocalFile } from './local-file.ts'
import type { Reports } from './reports.ts'

/** The job whose turn it is to analyse one recording of a user. */
export const analysing = { kind: 'analysis:run' }

/** Recordings that one process analyses at once: half of the machine is for those who wait for answers. */
export const analysesAtOnce = Math.max(1, Math.floor(availableParallelism() / 2))

/** How often a recording fails for reasons that may pass before it is given up. */
const maxFailures = 5
/**
 * How often it is begun before it is given up. More often: processes are killed for reasons that are not the recording's, and
 * what a recording does to its worker process is a failure, which does not kill the server.
 */
const maxAttempts = 20
/** The pause after the first failure, in milliseconds, doubled for each further one; and after a worker was killed. */
const retryMs = 5_000
const killedRetryMs = 500
/** How often recordings are looked for that wait and whose job was lost, in milliseconds. */
const sweepMs = 5_000
/** Users whose jobs one look restores, and how many recordings that wait are counted. */
const sweepUsers = 500
const mostCounted = 10_000

/** Reasons that may be gone the next time; all others are of the file, but for `killed`. */
const passing = new Set(['broken', 'busy', 'unreadable', 'unavailable'])

/** What makes a recording wait for its analysis from the beginning. */
const wish = () => ({
  $set: { 'analysis.state': 'waiting', 'analysis.attempts': 0, 'analysis.failures': 0, 'analysis.dueAt': new Date() },
})

export interface AnalyserDeps {
  database: Database
  storage: ObjectStorage
  pool: AnalysisPool
  reports: Reports
  images: Pick<Images, 'upload'>
  jobs: Pick<Jobs, 'enqueue'>
  emitter: Emitter
  logger: Logger
  config: Pick<Config, 'publicUrl' | 'maxUploadBytes'>
}

/**
 * Listens to recordings. Each says itself, since its record was stored, that it waits for its analysis; a stored job for
 * each user takes them one at a time, in turn with other users'. A process that dies leaves its turn to another when the
 * job's lease ends; a recording that made processes die again and again is given up.
 */
export function createAnalyser(deps: AnalyserDeps) {
  const { database, storage, pool, reports, images, jobs, emitter, logger, config } = deps
  const files = database.collection(AudioFile)
  const waveforms = database.collection(AudioWaveform)
  let timer: NodeJS.Timeout | undefined
  let sweeping: Promise<void> | undefined
  let waiting = 0

  const queue = (userId: string) => jobs.enqueue(analysing, { userId }, { key: userId })
  const due = () => ({ 'analysis.state': 'waiting', 'analysis.dueAt': { $lte: new Date() } })

  /** Restores the jobs of recordings that wait: a process may die between the record and the job. */
  async function sweep() {
    try {
      const users = await files
        .aggregate<{ _id: string }>([{ $match: due() }, { $group: { _id: '$userId' } }, { $limit: sweepUsers }])
        .toArray()
      for (const { _id } of users) await queue(_id)
      waiting = await files.countDocuments({ 'analysis.state': 'waiting' } as never, { limit: mostCounted })
    } catch (error) {
      logger.warn({ err: error }, 'could not look for recordings that wait for their analysis')
    }
  }

  function look() {
    sweeping ??= sweep().finally(() => {
      sweeping = undefined
    })
  }

  async function fail(file: AudioFileDoc, error: unknown) {
    const { attempts, failures: before = 0 } = file.analysis!
    const reason = reasonOf(error)
    const failures = before + (reason === 'killed' ? 0 : 1)
    const details = { err: error, audioFileId: file._id, reason, attempt: attempts }
    const mine = { _id: file._id, 'analysis.state': 'waiting', 'analysis.attempts': attempts } as never
    const mayPass = reason === 'killed' || (passing.has(reason) && failures < maxFailures)
    if (mayPass && attempts < maxAttempts) {
      logger.warn(details, 'a recording could not be analysed; it will be tried again')
      const pauseMs = reason === 'killed' ? killedRetryMs : retryMs * 2 ** (failures - 1)
      const again = { 'analysis.dueAt': new Date(Date.now() + pauseMs), 'analysis.failures': failures }
      await files.updateOne(mine, { $set: again } as never)
      return
    }
    logger.warn(details, 'a recording could not be analysed')
    const failed = await files.updateOne(mine, {
      $set: { 'analysis.state': 'failed', 'analysis.reason': reason },
    } as never)
    if (failed.modifiedCount === 0) return
    emitter.emit(channels.news(file.userId), 'analysis:failed', { audioFileId: file._id, reason })
  }

  async function analyse(file: AudioFileDoc, signal: AbortSignal) {
    const { _id: audioFileId, userId, storageKey, sizeBytes = config.maxUploadBytes } = file
    if (storageKey === undefined || !(await storage.head(storageKey))) throw new AnalysisError('unreadable', 'no bytes')
    const output = await withLocalFile(storage, storageKey, sizeBytes, signal, (path) =>
      pool.analyse(path, {
        signal,
        onProgress: (stage, percent) =>
          emitter.emit(channels.news(userId), 'analysis:progress', { audioFileId, stage, percent }),
      }),
    )
    signal.throwIfAborted()
    const { _id: reportId } = await reports.ensure(audioFileId)
    const waveformDataUrl = waveformUrl(config.publicUrl, audioFileId)
    await storeFindings(database, { audioFileId, reportId, waveformDataUrl }, output)
    await reports.rebuild(audioFileId)
    await keepCover(file, output)
    const ended = await files.updateOne(
      { _id: audioFileId, 'analysis.state': 'waiting' } as never,
      {
        $set: { 'analysis.state': 'done', 'analysis.modelVersion': output.modelVersion },
        $unset: { 'analysis.reason': '' },
      } as never,
    )
    // Who lost the lease on the way leaves it to the other to tell.
    if (ended.modifiedCount === 0) return
    emitter.emit(channels.news(userId), 'analysis:done', { audioFileId, reportId })
  }

  /** The picture in a file's tags becomes the recording's, where it has none yet. */
  async function keepCover({ _id, userId }: AudioFileDoc, { tags: { cover } }: AnalysisOutput) {
    if (!cover) return
    const link = { linkedEntityType: 'AudioFile' as const, linkedEntityId: _id }
    try {
      if (await database.collection(Image).findOne(link, { projection: { _id: 1 } })) return
      await images.upload({ userId } as Actor, cover.data.length, async (store) => {
        await store(once(cover.data))
        return { usageType: 'audio', ...link }
      })
    } catch (error) {
      // The recording is analysed all the same.
      logger.info({ err: error, audioFileId: _id }, 'the cover of a recording was not kept')
    }
  }

  return {
    /** Makes sure that the recordings of a user that wait are taken up. */
    queue,

    /**
     * Analyses the recording of a user that waits longest: the job. False where none waits. Throws where it was cut off.
     */
    async run(userId: string, signal: AbortSignal): Promise<boolean> {
      const file = (await files.findOneAndUpdate(
        { ...due(), userId } as never,
        { $inc: { 'analysis.attempts': 1 } } as never,
        { sort: { 'analysis.dueAt': 1, _id: 1 }, returnDocument: 'after' },
      )) as AudioFileDoc | null
      if (!file) return false
      try {
        if (file.analysis!.attempts > maxAttempts) throw new AnalysisError('broken', 'its process died each time')
        await analyse(file, signal)
      } catch (error) {
        if (signal.aborted) {
          // Cut off by us: not the recording's fault.
          const mine = { _id: file._id, 'analysis.attempts': file.analysis!.attempts }
          await files.updateOne(mine as never, { $inc: { 'analysis.attempts': -1 } } as never)
          throw error
        }
        if (!isGone(error)) await fail(file, error)
        else if (await files.findOne({ _id: file._id }, { projection: { _id: 1 } })) await fail(file, error)
      }
      return true
    },

    /** Has a recording of the actor's analysed once more, by the present model. Throws `not_found` and `forbidden`. */
    async ask(actor: Actor, audioFileId: string): Promise<void> {
      const { ownerId } = await seenTarget(database, 'AudioFile', audioFileId, actor)
      if (ownerId !== actor.userId && !permits(actor, { action: 'manage', resource: 'AudioFileReport' })) {
        throw forbidden('The recording is somebody else’s')
      }
      await files.updateOne({ _id: audioFileId, 'analysis.state': { $ne: 'waiting' } } as never, wish() as never)
      await queue(ownerId)
    },

    /**
     * Has recordings analysed that the present model did not hear, or with `all` every one; the instances find them
     * within some seconds. Returns how many.
     */
    async askAll({ all }: { all: boolean }): Promise<number> {
      const { modifiedCount } = await files.updateMany(
        {
          storageKey: { $exists: true },
          'analysis.state': { $ne: 'waiting' },
          ...(!all && { 'analysis.modelVersion': { $ne: MODEL_VERSION } }),
        } as never,
        wish() as never,
      )
      return modifiedCount
    },

    /** The outline of a recording that the viewer sees, in at most so many points. Throws `not_found` until it is there. */
    async waveform(viewer: Viewer, audioFileId: string, points: number): Promise<WaveformAnswer> {
      await seenTarget(database, 'AudioFile', audioFileId, viewer)
      const stored = await waveforms.findOne({ _id: audioFileId })
      if (!stored) throw notFound('Waveform')
      return waveformFor(decodeWaveform((stored.data as { buffer: Uint8Array }).buffer), points)
    },

    /** Stores the standard measures, and begins to look for recordings that wait. */
    async start(): Promise<void> {
      await seedMetricTypes(database)
      look()
      timer = setInterval(look, sweepMs)
      timer.unref()
    },

    stats: () => ({ running: pool.load().running, waiting }),

    async close(): Promise<void> {
      clearInterval(timer)
      await sweeping
    },
  }
}

const isGone = (error: unknown) => error instanceof AppError && error.code === 'not_found'

/** Why, in a word. */
function reasonOf(error: unknown): string {
  if (error instanceof AnalysisError) return error.reason
  if (error instanceof AppError && error.code === 'not_found') return 'unreadable'
  return error instanceof AppError && error.code === 'unavailable' ? 'unavailable' : 'broken'
}

async function* once(data: Uint8Array) {
  yield data
}

export type Analyser = ReturnType<typeof createAnalyser>
