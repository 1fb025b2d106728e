import { AudioFile, type AudioFileDoc } from '../../../models/AudioFile.ts'
import { Catalogue } from '../../../models/Catalogue.ts'
import { Match, type MatchDoc } from '../../../models/Match.ts'
import { MusicianSketch, type MusicianSketchDoc } from '../../../models/MusicianSketch.ts'
import type { Database } from '../../infra/mongo.ts'
import { newId } from '../../kernel/ids.ts'
import type { Logger } from '../../kernel/ports.ts'
import type { Deletion } from '../deletion.ts'
import type { Jobs } from '../jobs.ts'
import type { Notifications } from '../notifications/notifications.ts'
import { duplicatesOf } from '../shared/duplicates.ts'
import { blockedEitherWay, personsAmong } from '../shared/persons.ts'
import { sumsChange } from './features.ts'
import { catalogueId, ensureCatalogue, hear } from './hearing.ts'
import { type Scored, scorePair } from './score.ts'
import { createSketches } from './sketches.ts'

/** From which score on a pair is kept, and from which on both are told. */
const keptScore = 0.3
const toldScore = 0.6
/** How many matches one refresh keeps of a user's, and of how many new ones it tells. */
const maxKept = 30
const maxTold = 5
/** How many matches that are there are scored anew with a refresh. */
const maxThere = 200
/** What changes within this time is taken in at once, in milliseconds. */
const togetherMs = 1_000

/** The stored jobs: a user's matches after a change, and what is known of a recording. */
export const refreshing = { kind: 'matching:refresh' }
export const hearing = { kind: 'matching:hear' }

export interface MatchingDeps {
  database: Database
  jobs: Pick<Jobs, 'enqueue'>
  notifications: Pick<Notifications, 'notify'>
  deletion: Pick<Deletion, 'onDelete'>
  logger: Logger
}

export interface Refreshed {
  /** How many pairs were scored, how many are kept, and how many of these are new. */
  scored: number
  kept: number
  fresh: number
}

/** Finds who suits whom, and keeps it up with what changes. */
export function createMatching({ database, jobs, notifications, deletion, logger }: MatchingDeps) {
  const matches = database.collection(Match)
  const sketches = createSketches({ database })
  let ready: Promise<void> | undefined

  const prepare = () => {
    ready ??= ensureCatalogue(database).catch((error) => {
      ready = undefined
      throw error
    })
    return ready
  }

  deletion.onDelete<MusicianSketchDoc>(MusicianSketch, {
    within: (docs, session) => sketches.uncount(docs, session),
  })
  deletion.onDelete<AudioFileDoc>(AudioFile, {
    async within(docs, session) {
      const inc = sumsChange(docs.map(({ sound }) => [sound?.features ?? [], -1]))
      if (Object.keys(inc).length === 0) return
      await database.collection(Catalogue).updateOne({ _id: catalogueId }, { $inc: inc } as never, { session })
    },
    async after(docs) {
      for (const userId of new Set(docs.map((doc) => doc.userId))) await touch(userId)
    },
  })

  /** One job for a thing and span of time; it runs when the span is over, so that it finds all that fell into it. */
  async function later(job: { kind: string }, id: string, payload: object): Promise<void> {
    const now = Date.now()
    const span = Math.floor(now / togetherMs)
    try {
      await jobs.enqueue(job, payload, { key: `${id}:${span}`, delayMs: (span + 1) * togetherMs - now })
    } catch (error) {
      // What was asked for has happened; the next change, or a refresh, makes up for this.
      logger.warn({ err: error, kind: job.kind, id }, 'matching hears of a change later')
    }
  }

  /** Has a user's sketch and matches made anew soon: their recordings, tags, profile or projects changed. */
  const touch = (userId: string): Promise<void> => later(refreshing, userId, { userId })

  /** Stores the matches of a user: what is to be kept, and what there is already with its new score. */
  async function store(userId: string, scored: Map<string, Scored>, there: Map<string, MatchDoc>): Promise<number> {
    const at = new Date()
    const best = [...scored].sort((x, y) => y[1].score - x[1].score)
    let fresh = 0
    let kept = 0
    const writes: object[] = []
    for (const [otherId, { score, reasons }] of best) {
      const [userA, userB] = userId < otherId ? [userId, otherId] : [otherId, userId]
      const old = there.get(otherId)
      const filter = { userA, userB }
      if (score >= keptScore && (old || kept < maxKept)) {
        kept++
        if (!old) fresh++
        if (old && old.score === score && JSON.stringify(old.grounds) === JSON.stringify(reasons)) continue
        writes.push({
          updateOne: {
            filter,
            update: {
              $set: { score, grounds: reasons, ...(old && { updatedAt: at }) },
              $setOnInsert: { _id: newId(), createdAt: at, matchedAt: at, ...(!old && { updatedAt: null }) },
            },
            upsert: !old,
          },
        })
      } else if (old && !old.toldAt) writes.push({ deleteOne: { filter } })
      else if (old) writes.push({ updateOne: { filter, update: { $set: { score, grounds: reasons, updatedAt: at } } } })
    }
    if (writes.length > 0) {
      // The other side's refresh may make the same match at the same time, from the same sketches.
      await matches.bulkWrite(writes as never, { ordered: false }).catch(duplicatesOf)
    }
    return fresh
  }

  /** Tells both sides of the best pairs that were never told of. */
  async function tell(userId: string): Promise<void> {
    const news = []
    for (const side of ['userA', 'userB'] as const) {
      news.push(
        ...(await matches
          .find({ [side]: userId, score: { $gte: toldScore }, toldAt: { $exists: false } } as never)
          .sort({ score: -1, _id: -1 })
          .limit(maxTold)
          .toArray()),
      )
    }
    const best = (news as MatchDoc[]).sort((x, y) => y.score - x.score).slice(0, maxTold)
    if (best.length === 0) return
    // As it is by now: blocked or banned meanwhile.
    const others = best.map((match) => (match.userA === userId ? match.userB : match.userA))
    const [apart, persons] = await Promise.all([
      blockedEitherWay(database, userId, others),
      personsAmong(database, [...others, userId]),
    ])
    if (!persons.has(userId)) return
    const due = best.filter((_, at) => !apart.has(others[at]!) && persons.has(others[at]!))
    // The key is once for ever: of two refreshes at once, or after a crash before the mark, nobody is told twice.
    const about = (to: string, actorId: string, { _id }: MatchDoc) =>
      ({
        userId: to,
        type: 'NewMatch',
        payload: { actorId, matchId: _id },
        dedupeKey: `match:${actorId}`,
        once: true,
      }) as const
    await notifications.notify(
      due.flatMap((match) => [about(match.userA, match.userB, match), about(match.userB, match.userA, match)]),
    )
    await matches.updateMany({ _id: { $in: due.map(({ _id }) => _id) } }, { $set: { toldAt: new Date() } })
  }

  return {
    touch,

    /** Has what is known of a recording taken in soon: an analysis came or changed. */
    touchRecording: (audioFileId: string): Promise<void> => later(hearing, audioFileId, { audioFileId }),

    /** Takes in at once what is known of a recording, and has its uploader's matches made anew where that is news. */
    async hear(audioFileId: string): Promise<void> {
      await prepare()
      const userId = await hear(database, audioFileId)
      if (userId) await touch(userId)
    },

    /** Makes a user's sketch and matches anew, and tells of new ones. */
    async refresh(userId: string): Promise<Refreshed> {
      await prepare()
      const sketch = await sketches.renew(userId)
      return sketch ? refreshFrom(sketch) : { scored: 0, kept: 0, fresh: 0 }
    },

    refreshFrom,

    /** Who suits a sketch, best first; nothing is stored. */
    async rank(sketch: MusicianSketchDoc): Promise<{ userId: string; score: number }[]> {
      const scored = await score(sketch, new Map())
      return [...scored]
        .map(([userId, { score: value }]) => ({ userId, score: value }))
        .sort((x, y) => y.score - x.score || (x.userId < y.userId ? -1 : 1))
    },
  }

  /** The scores of those who may suit a sketch and of those who match already, without those who are out of question. */
  async function score(sketch: MusicianSketchDoc, old: Map<string, MatchDoc>): Promise<Map<string, Scored>> {
    const userId = sketch._id
    const found = await sketches.candidates(sketch)
    const ids = new Set(found.map(({ _id }) => _id))
    const missing = [...old.keys()].filter((id) => !ids.has(id))
    const others = missing.length > 0 ? [...found, ...(await sketches.of(missing))] : found
    const ground = await sketches.ground([sketch, ...others])
    const scored = new Map<string, Scored>()
    for (const other of others) {
      const isFirst = userId < other._id
      scored.set(other._id, isFirst ? scorePair(sketch, other, ground) : scorePair(other, sketch, ground))
    }
    const likely = [...scored].filter(([id, { score }]) => score >= keptScore || old.has(id)).map(([id]) => id)
    const [apart, persons] = await Promise.all([
      blockedEitherWay(database, userId, likely),
      personsAmong(database, likely),
    ])
    for (const id of scored.keys()) if (apart.has(id) || !persons.has(id)) scored.delete(id)
    return scored
  }

  /** As `refresh`, from a sketch that is as it should be. */
  async function refreshFrom(sketch: MusicianSketchDoc): Promise<Refreshed> {
    const userId = sketch._id
    const there = await Promise.all(
      (['userA', 'userB'] as const).map((side) =>
        matches
          .find({ [side]: userId } as never)
          .sort({ score: -1, _id: -1 })
          .limit(maxThere)
          .toArray(),
      ),
    )
    const old = new Map(
      (there.flat() as MatchDoc[]).map((match) => [match.userA === userId ? match.userB : match.userA, match]),
    )
    const scored = await score(sketch, old)
    const fresh = await store(userId, scored, old)
    await tell(userId)
    const kept = [...scored.values()].filter((each) => each.score >= keptScore).length
    return { scored: scored.size, kept: Math.min(kept, Math.max(maxKept, old.size)), fresh }
  }
}

export type Matching = ReturnType<typeof createMatching>
