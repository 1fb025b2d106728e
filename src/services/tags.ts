import { AudioFileTag } from '../../models/AudioFileTag.ts'
import { Profile } from '../../models/Profile.ts'
import { Tag, type TagDoc, type TagWire } from '../../models/Tag.ts'
import { UserAudioFileAnalysis } from '../../models/UserAudioFileAnalysis.ts'
import type { Database } from '../infra/mongo.ts'
import type { Actor } from '../kernel/actor.ts'
import { conflict, notFound } from '../kernel/errors.ts'
import { newId } from '../kernel/ids.ts'
import type { Page, PageRequest } from '../kernel/page.ts'
import type { Audit } from './accounts/audit.ts'
import { isDuplicate } from './shared/duplicates.ts'
import { beginsWith, pageByKey } from './shared/pages.ts'

const keyOf = (name: string) => name.trim().toLowerCase()
const taken = () => conflict('There is a tag of this name')

/** The words that recordings and people are found by. */
export function createTags({ database, audit }: { database: Database; audit: Audit }) {
  const tags = database.collection(Tag)

  const make = (name: string): TagDoc => ({
    _id: newId(),
    name: name.trim(),
    nameKey: keyOf(name),
    createdAt: new Date(),
    updatedAt: null,
  })

  return {
    /** By name; those whose names begin with `q`, in whatever case. */
    list: ({ q }: { q?: string | undefined }, page: PageRequest): Promise<Page<TagWire>> =>
      pageByKey<TagDoc, 'nameKey', TagWire>(
        tags as never,
        'nameKey',
        q?.trim() ? { nameKey: beginsWith(q) } : {},
        page,
        (tag) => Tag.toWire(tag),
      ),

    async get(tagId: string): Promise<TagWire> {
      const tag = await tags.findOne({ _id: tagId })
      if (!tag) throw notFound('Tag')
      return Tag.toWire(tag)
    },

    /** Throws `conflict` where there is one of the name, in whatever case. */
    async create(name: string): Promise<TagWire> {
      const tag = make(name)
      try {
        await tags.insertOne(tag)
      } catch (error) {
        throw isDuplicate(error) ? taken() : error
      }
      return Tag.toWire(tag)
    },

    /** The tags of these names, in their order, each once; those that are missing are made. */
    async ensure(names: string[]): Promise<TagWire[]> {
      const wanted = new Map(names.map((name) => [keyOf(name), name]))
      if (wanted.size === 0) return []
      const keys = [...wanted.keys()]
      await tags
        .bulkWrite(
          [...wanted].map(([nameKey, name]) => {
            const { nameKey: _key, ...fields } = make(name)
            return { updateOne: { filter: { nameKey }, update: { $setOnInsert: fields }, upsert: true } }
          }) as never,
          { ordered: false },
        )
        .catch((error) => {
          // Somebody made one at the same time: it is there.
          if (!isDuplicate(error)) throw error
        })
      const found = new Map((await tags.find({ nameKey: { $in: keys } }).toArray()).map((tag) => [tag.nameKey, tag]))
      return keys.flatMap((key) => (found.has(key) ? [Tag.toWire(found.get(key)!)] : []))
    },

    async rename(actor: Actor, tagId: string, name: string): Promise<TagWire> {
      try {
        return await database.transaction(async (session) => {
          const tag = await tags.findOneAndUpdate(
            { _id: tagId },
            { $set: { name: name.trim(), nameKey: keyOf(name), updatedAt: new Date() } },
            { session, returnDocument: 'after' },
          )
          if (!tag) throw notFound('Tag')
          await audit.record('TagUpdate', actor.userId, { tagId, name: tag.name }, session)
          return Tag.toWire(tag)
        })
      } catch (error) {
        throw isDuplicate(error) ? taken() : error
      }
    },

    /** Deletes a tag, and takes it from all recordings, profiles and analyses. */
    async remove(actor: Actor, tagId: string): Promise<void> {
      const detach = async (session?: Parameters<typeof audit.record>[3]) => {
        await database.collection(AudioFileTag).deleteMany({ tagId }, { session })
        for (const entity of [Profile, UserAudioFileAnalysis]) {
          await database.collection(entity).updateMany({ tags: tagId } as never, { $pull: { tags: tagId } } as never, {
            session,
          })
        }
      }
      await database.transaction(async (session) => {
        const tag = await tags.findOneAndDelete({ _id: tagId }, { session })
        if (!tag) throw notFound('Tag')
        await audit.record('TagDelete', actor.userId, { tagId, name: tag.name }, session)
        await detach(session)
      })
      // Once more for what was tagged meanwhile by somebody who still saw it.
      await detach()
    },
  }
}
export type Tags = ReturnType<typeof createTags>
