import {
  AIAudioFileAnalysisResult,
  type AIAudioFileAnalysisResultDoc,
  type AIAudioFileAnalysisResultWire,
} from '../../../models/AIAudioFileAnalysisResult.ts'
import type { Database } from '../../infra/mongo.ts'
import type { Actor } from '../../kernel/actor.ts'
import { conflict, forbidden } from '../../kernel/errors.ts'
import { newId } from '../../kernel/ids.ts'
import type { Page, PageRequest } from '../../kernel/page.ts'
import type { Viewer } from '../../policies/audio.ts'
import { pageById } from '../shared/pages.ts'
import { seenTarget } from '../shared/targets.ts'
import type { Reports } from './reports.ts'

/** How many results one bot can add to a recording. */
const maxOfBot = 50

export interface ResultInput {
  tempo?: number | undefined
  key?: string | undefined
  genre?: string | undefined
  confidence?: number | undefined
  metadata?: Record<string, unknown> | undefined
  modelVersion: string
}

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
