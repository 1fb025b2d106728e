import { maxAudioTags } from '../../../models/AudioFile.ts'
import { AudioFileTag, type AudioFileTagWire } from '../../../models/AudioFileTag.ts'
import { Tag, type TagWire } from '../../../models/Tag.ts'
import type { Database } from '../../infra/mongo.ts'
import { type Actor, permits } from '../../kernel/actor.ts'
import { conflict, forbidden, invalid, notFound } from '../../kernel/errors.ts'
import { newId } from '../../kernel/ids.ts'
import type { Page, PageRequest } from '../../kernel/page.ts'
import type { Viewer } from '../../policies/audio.ts'
import { isDuplicate } from '../shared/duplicates.ts'
import { pageById } from '../shared/pages.ts'
import { findTarget, seenTarget } from '../shared/targets.ts'

/** The tags on recordings: their owner's to choose. */
export function createAudioTags({ database }: { database: Database }) {
  const links = database.collection(AudioFileTag)
  const tags = database.collection(Tag)
  const listeners: ((userId: string) => Promise<void>)[] = []

  /** Whose it is. Throws `not_found`, and `forbidden` for somebody else's recording. */
  async function own(actor: Actor, audioFileId: string): Promise<string> {
    const file = await seenTarget(database, 'AudioFile', audioFileId, actor)
    if (file.ownerId !== actor.userId && !permits(actor, { action: 'moderate', resource: 'AudioFile' })) {
      throw forbidden('The recording is somebody else’s')
    }
    return file.ownerId
  }

  async function tell(userId: string): Promise<void> {
    for (const listener of listeners) await listener(userId)
  }

  async function checkTags(tagIds: string[], path: string): Promise<void> {
    const found = await tags.countDocuments({ _id: { $in: tagIds } })
    if (found < new Set(tagIds).size) throw invalid('There is no such tag', path)
  }

  /** What was written to a recording or with a tag that is gone by now goes, too. */
  async function recheck(audioFileId: string): Promise<void> {
    if (await findTarget(database, 'AudioFile', audioFileId)) return
    await links.deleteMany({ audioFileId })
    throw notFound('AudioFile')
  }

  async function put(audioFileId: string, tagId: string): Promise<AudioFileTagWire> {
    const key = { audioFileId, tagId }
    const link = await links
      .findOneAndUpdate(
        key,
        { $setOnInsert: { _id: newId(), createdAt: new Date() } },
        { upsert: true, returnDocument: 'after' },
      )
      .catch((error) => {
        // Of several at once another was the first.
        if (!isDuplicate(error)) throw error
        return links.findOne(key)
      })
    return AudioFileTag.toWire(link ?? { ...key, createdAt: new Date() })
  }

  return {
    /** Called with whose recording got other tags; must not throw. */
    onEdited: (listener: (userId: string) => Promise<void>): void => void listeners.push(listener),

    /** The tags of a recording that the viewer sees, in the order of their putting; with `expand` the Tags. */
    async list(
      viewer: Viewer,
      audioFileId: string,
      { limit, cursor, expand }: PageRequest & { expand?: boolean | undefined },
    ): Promise<Page<AudioFileTagWire> & { tags?: TagWire[] }> {
      await seenTarget(database, 'AudioFile', audioFileId, viewer)
      // Few for each recording: the index gives them by tag, and they are put into order then.
      const page = await pageById(
        links,
        { audioFileId },
        { limit, cursor },
        (link) => AudioFileTag.toWire(link),
        'oldest',
      )
      if (!expand) return page
      const named = await tags.find({ _id: { $in: page.items.map(({ tagId }) => tagId) } }).toArray()
      return { ...page, tags: named.map((tag) => Tag.toWire(tag)) }
    },

    /** Puts a tag on a recording; again changes nothing. Throws `not_found`, `forbidden`, `invalid`, `conflict`. */
    async add(actor: Actor, audioFileId: string, tagId: string): Promise<AudioFileTagWire> {
      const ownerId = await own(actor, audioFileId)
      await checkTags([tagId], 'tagId')
      const held = await links.countDocuments({ audioFileId, tagId: { $ne: tagId } }, { limit: maxAudioTags })
      if (held >= maxAudioTags) throw conflict(`A recording has at most ${maxAudioTags} tags`)
      const link = await put(audioFileId, tagId)
      await recheck(audioFileId)
      await tell(ownerId)
      return link
    },

    /** Makes these the tags of a recording, and no others. Throws `not_found`, `forbidden` and `invalid`. */
    async replace(actor: Actor, audioFileId: string, tagIds: string[]): Promise<AudioFileTagWire[]> {
      const ownerId = await own(actor, audioFileId)
      await checkTags(tagIds, 'tagIds')
      const wanted = [...new Set(tagIds)]
      await links.deleteMany({ audioFileId, tagId: { $nin: wanted } })
      const result: AudioFileTagWire[] = []
      for (const tagId of wanted) result.push(await put(audioFileId, tagId))
      await recheck(audioFileId)
      await tell(ownerId)
      return result
    },

    /** Takes a tag off a recording; without it nothing changes. Throws `not_found` and `forbidden`. */
    async remove(actor: Actor, audioFileId: string, tagId: string): Promise<void> {
      const ownerId = await own(actor, audioFileId)
      await links.deleteOne({ audioFileId, tagId })
      await tell(ownerId)
    },
  }
}

export type AudioTags = ReturnType<typeof createAudioTags>
