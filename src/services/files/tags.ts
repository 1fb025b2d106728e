import type { mongo } from 'mongoose'
import { AudioFileTag } from '../../../models/AudioFileTag.ts'
import { Tag } from '../../../models/Tag.ts'
import type { Database } from '../../infra/mongo.ts'
import { newId } from '../../kernel/ids.ts'
import { isDuplicate } from '../shared/duplicates.ts'

/** The tags of recordings, by name: in whatever case, one each. */
export function createFileTags(database: Database) {
  const tags = database.collection(Tag)
  const links = database.collection(AudioFileTag)

  return {
    /** The ids of tags by name, made where missing. Not within a transaction: two that make one would collide. */
    async ensure(names: string[]): Promise<string[]> {
      const wanted = new Map(names.map((name) => [name.trim().toLowerCase(), name.trim()]))
      const ids: string[] = []
      for (const [nameKey, name] of wanted) {
        const make = () =>
          tags.findOneAndUpdate(
            { nameKey },
            { $setOnInsert: { _id: newId(), name, createdAt: new Date(), updatedAt: null } },
            { upsert: true, returnDocument: 'after', projection: { _id: 1 } },
          )
        const tag = await make().catch((error) => {
          // Another request was faster; it is there now.
          if (isDuplicate(error)) return make()
          throw error
        })
        ids.push(tag!._id)
      }
      return ids
    },

    /** Makes these the tags of a recording, and no others. */
    async set(audioFileId: string, tagIds: string[], session: mongo.ClientSession): Promise<void> {
      await links.deleteMany({ audioFileId, tagId: { $nin: tagIds } }, { session })
      const present = new Set(
        (await links.find({ audioFileId }, { session, projection: { tagId: 1 } }).toArray()).map((link) => link.tagId),
      )
      const createdAt = new Date()
      const missing = tagIds.filter((tagId) => !present.has(tagId))
      if (missing.length === 0) return
      await links.insertMany(
        missing.map((tagId) => ({ _id: newId(), audioFileId, tagId, createdAt })),
        { session },
      )
    },

    /** The names of the tags of each recording. */
    async of(audioFileIds: string[]): Promise<Map<string, string[]>> {
      const found = await links
        .find({ audioFileId: { $in: audioFileIds } })
        .sort({ _id: 1 })
        .toArray()
      const named = await tags
        .find({ _id: { $in: [...new Set(found.map((link) => link.tagId))] } }, { projection: { name: 1 } })
        .toArray()
      const names = new Map(named.map((tag) => [tag._id, tag.name]))
      const byFile = new Map<string, string[]>(audioFileIds.map((id) => [id, []]))
      for (const { audioFileId, tagId } of found) {
        const name = names.get(tagId)
        if (name !== undefined) byFile.get(audioFileId)!.push(name)
      }
      return byFile
    },
  }
}

export type FileTags = ReturnType<typeof createFileTags>
