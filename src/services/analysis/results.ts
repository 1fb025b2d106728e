import type { z } from 'zod'
import {
  AIAudioFileAnalysisResult,
  type AIAudioFileAnalysisResultDoc,
  type AIAudioFileAnalysisResultWire,
} from '../../../models/AIAudioFileAnalysisResult.ts'
import { AudioFile } from '../../../models/AudioFile.ts'
import type { Database } from '../../infra/mongo.ts'
import type { Actor } from '../../kernel/actor.ts'
import { conflict, forbidden } from '../../kernel/errors.ts'
import { newId } from '../../kernel/ids.ts'
import { decodeCursor, encodeCursor, type Page, type PageRequest } from '../../kernel/page.ts'
import type { Viewer } from '../../policies/audio.ts'
import { pageById } from '../shared/pages.ts'
import { seenTarget } from '../shared/targets.ts'
import type { Heard } from './inputs.ts'
import type { Reports } from './reports.ts'

/** How many results one bot can add to a recording. */
const maxOfBot = 50

/** How many recordings one look for those that a bot has not heard goes through. */
const maxLooked = 1_000

export type ResultInput = z.output<typeof Heard>

/** What programs heard in recordings: the server's own analyser, and bots. */
export function createAnalysisResults({ database, reports }: { database: Database; reports: Reports }) {
  const results = database.collection(AIAudioFileAnalysisResult)

  return {
    /** Adds a bot's result to a recording that it sees, and to the report. Throws `not_found`, `forbidden`, `conflict`. */
    async add(actor: Actor, audioFileId: string, input: ResultInput): Promise<AIAudioFileAnalysisResultWire> {
      if (!actor.bot) throw forbidden('Results come from bots with the scope analysis:write')
      await seenTarget(database, 'AudioFile', audioFileId, actor)
      const held = await results.countDocuments({ audioFileId, botUserId: actor.userId }, { limit: maxOfBot })
      if (held >= maxOfBot) throw conflict(`A bot can add at most ${maxOfBot} results to a recording`)
      const given = Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined))
      const result = {
        _id: newId(),
        audioFileId,
        ...given,
        analyzedAt: new Date(),
        botUserId: actor.userId,
      } as unknown as AIAudioFileAnalysisResultDoc
      await results.insertOne(result)
      await reports.rebuild(audioFileId)
      return AIAudioFileAnalysisResult.toWire(result)
    },

    /**
     * Public recordings that have no result of this bot with this model, newest first; a page may hold few or none
     * though more follow. Throws `forbidden` for people.
     */
    async wanted(
      actor: Actor,
      modelVersion: string,
      { limit, cursor }: PageRequest,
    ): Promise<{ audioFileIds: string[]; nextCursor: string | null }> {
      if (!actor.bot) throw forbidden('Results come from bots with the scope analysis:write')
      const [before] = decodeCursor(cursor, ['string']) ?? []
      const found = await database
        .collection(AudioFile)
        .find(
          { visibility: 'public', ...(before !== undefined && { _id: { $lt: before } }) },
          { projection: { _id: 1 }, maxTimeMS: 5_000 },
        )
        .sort({ _id: -1 })
        .limit(maxLooked)
        .toArray()
      const ids = found.map(({ _id }) => _id)
      const own = { audioFileId: { $in: ids }, botUserId: actor.userId, modelVersion }
      const heard = new Set(await results.distinct('audioFileId', own, { maxTimeMS: 5_000 }))
      const audioFileIds = ids.filter((id) => !heard.has(id)).slice(0, limit)
      const isCut = audioFileIds.length === limit
      const last = isCut ? audioFileIds.at(-1) : ids.at(-1)
      const isEnd = last === undefined || (ids.length < maxLooked && last === ids.at(-1))
      return { audioFileIds, nextCursor: isEnd ? null : encodeCursor([last]) }
    },

    /** The results for a recording that the viewer sees, newest first. Throws `not_found`. */
    async list(
      viewer: Viewer,
      audioFileId: string,
      { limit, cursor }: PageRequest,
    ): Promise<Page<AIAudioFileAnalysisResultWire>> {
      await seenTarget(database, 'AudioFile', audioFileId, viewer)
      return pageById(results, { audioFileId }, { limit, cursor }, (result) => AIAudioFileAnalysisResult.toWire(result))
    },
  }
}

export type AnalysisResults = ReturnType<typeof createAnalysisResults>
