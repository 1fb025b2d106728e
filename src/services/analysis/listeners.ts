import { Tag } from '../../../models/Tag.ts'
import { UserAudioFileAnalysis, type UserAudioFileAnalysisWire } from '../../../models/UserAudioFileAnalysis.ts'
import type { Database } from '../../infra/mongo.ts'
import type { Actor } from '../../kernel/actor.ts'
import { forbidden, invalid } from '../../kernel/errors.ts'
import { newId } from '../../kernel/ids.ts'
import type { Page, PageRequest } from '../../kernel/page.ts'
import type { Viewer } from '../../policies/audio.ts'
import type { People } from '../people.ts'
import { isDuplicate } from '../shared/duplicates.ts'
import { pageById } from '../shared/pages.ts'
import { toUpdate } from '../shared/patches.ts'
import { seenTarget } from '../shared/targets.ts'
import type { Reports } from './reports.ts'

export interface ListenerInput {
  description?: string | null | undefined
  mood?: string | null | undefined
  genre?: string | null | undefined
  instruments?: string[] | null | undefined
  tags?: string[] | null | undefined
}

/** What listeners heard in recordings: one analysis a listener, changeable. */
export function createListenerAnalyses(deps: { database: Database; people: People; reports: Reports }) {
  const { database, people, reports } = deps
  const analyses = database.collection(UserAudioFileAnalysis)

  return {
    /**
     * Stores what the actor hears in a recording; of an earlier analysis the fields given change, null takes one away.
     * Throws `not_found`, `forbidden` where the owner blocks the actor, and `invalid` for tags that are not there.
     */
    async put(actor: Actor, audioFileId: string, input: ListenerInput): Promise<UserAudioFileAnalysisWire> {
      const file = await seenTarget(database, 'AudioFile', audioFileId, actor)
      const { userId } = actor
      if (file.ownerId !== userId && (await people.hasBlocked(file.ownerId, userId))) {
        throw forbidden('Its owner does not want to hear from you')
      }
      if (input.tags?.length) {
        const tags = [...new Set(input.tags)]
        const found = await database.collection(Tag).countDocuments({ _id: { $in: tags } })
        if (found < tags.length) throw invalid('There is no such tag', 'tags')
      }
      const write = () =>
        analyses.findOneAndUpdate(
          { audioFileId, userId },
          {
            ...toUpdate({ ...input }),
            $setOnInsert: { _id: newId(), createdAt: new Date() },
          } as never,
          { upsert: true, returnDocument: 'after' },
        )
      // Of two first ones at once the later is a change.
      const stored = await write().catch((error) => (isDuplicate(error) ? write() : Promise.reject(error)))
      await reports.rebuild(audioFileId)
      return UserAudioFileAnalysis.toWire(stored!)
    },

    /** The analyses of a recording that the viewer sees, newest first. Throws `not_found`. */
    async list(
      viewer: Viewer,
      audioFileId: string,
      { limit, cursor }: PageRequest,
    ): Promise<Page<UserAudioFileAnalysisWire>> {
      await seenTarget(database, 'AudioFile', audioFileId, viewer)
      return pageById(analyses, { audioFileId }, { limit, cursor }, (analysis) =>
        UserAudioFileAnalysis.toWire(analysis),
      )
    },

    /** Takes the actor's analysis back; without one nothing changes. Throws `not_found`. */
    async remove(actor: Actor, audioFileId: string): Promise<void> {
      const { deletedCount } = await analyses.deleteOne({ audioFileId, userId: actor.userId })
      // One's own goes also from a recording that is not seen any more.
      if (deletedCount > 0) await reports.rebuild(audioFileId)
      else await seenTarget(database, 'AudioFile', audioFileId, actor)
    },
  }
}

export type ListenerAnalyses = ReturnType<typeof createListenerAnalyses>
