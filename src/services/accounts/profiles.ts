import type { mongo } from 'mongoose'
import { AudioFile } from '../../../models/AudioFile.ts'
import { Profile, type ProfileDoc, type ProfileWire } from '../../../models/Profile.ts'
import { Tag } from '../../../models/Tag.ts'
import { User } from '../../../models/User.ts'
import type { Database } from '../../infra/mongo.ts'
import type { Actor } from '../../kernel/actor.ts'
import { forbidden, invalid, notFound } from '../../kernel/errors.ts'
import type { Page, PageRequest } from '../../kernel/page.ts'
import { accountPolicy } from '../../policies/accounts.ts'
import { pageById } from '../shared/pages.ts'
import { toUpdate } from '../shared/patches.ts'
import type { Audit } from './audit.ts'

/** Fields of one's profile that one may change; null takes a field away. */
type ProfilePatch = {
  displayName?: string
} & {
  [K in 'bio' | 'location' | 'avatarUrl' | 'bannerUrl' | 'theme' | 'socialLinks' | 'featuredAudioId' | 'tags']?:
    | ProfileDoc[K]
    | null
}

export interface Profiles {
  /** Called with whose profile changed; must not throw. */
  onEdited(listener: (userId: string) => Promise<void>): void
  /** The profile of a user. Throws `not_found`. */
  of(userId: string): Promise<ProfileWire>
  /** Throws `invalid` for tags that are not there, and for a featured recording that is not the user's. */
  update(userId: string, patch: ProfilePatch): Promise<ProfileWire>
  /**
   * The same by somebody who may moderate profiles, which is written down. Throws `not_found`, and `forbidden` for an
   * admin's, unless by an admin.
   */
  moderate(by: Actor, userId: string, patch: ProfilePatch): Promise<ProfileWire>
  /** Profiles, newest first: all, those with a tag, those whose name begins with or whose text holds the words. */
  search(filter: { q?: string | undefined; tag?: string | undefined }, page: PageRequest): Promise<Page<ProfileWire>>
}

export function createProfiles(database: Database, audit: Audit): Profiles {
  const profiles = database.collection(Profile)
  const listeners: ((userId: string) => Promise<void>)[] = []

  /** Throws `invalid` for tags that are not there, and for a featured recording that is not the user's. */
  async function checkReferences(userId: string, { tags, featuredAudioId }: ProfilePatch): Promise<void> {
    const wanted = [...new Set(tags ?? [])]
    const [known, featured] = await Promise.all([
      wanted.length > 0 ? database.collection(Tag).countDocuments({ _id: { $in: wanted } }) : 0,
      featuredAudioId ? database.collection(AudioFile).findOne({ _id: featuredAudioId, userId }) : null,
    ])
    if (known < wanted.length) throw invalid('There is no such tag', 'tags')
    if (featuredAudioId && !featured) throw invalid('is not a recording of yours', 'featuredAudioId')
  }

  async function change(userId: string, patch: ProfilePatch, session?: mongo.ClientSession): Promise<ProfileDoc> {
    await checkReferences(userId, patch)
    const displayName = patch.displayName?.trim()
    const profile = await profiles.findOneAndUpdate(
      { userId },
      toUpdate({ ...patch, displayName, nameKey: displayName?.toLowerCase() }),
      { returnDocument: 'after', session },
    )
    if (!profile) throw notFound('Profile')
    return profile
  }

  return {
    onEdited: (listener) => void listeners.push(listener),
    async of(userId) {
      const profile = await profiles.findOne({ userId })
      if (!profile) throw notFound('Profile')
      return Profile.toWire(profile)
    },
    async update(userId, patch) {
      const profile = await change(userId, patch)
      for (const listener of listeners) await listener(userId)
      return Profile.toWire(profile)
    },
    async moderate(by, userId, patch) {
      const user = await database.collection(User).findOne({ _id: userId }, { projection: { role: 1, deletedAt: 1 } })
      if (!user || user.deletedAt) throw notFound('Profile')
      if (!accountPolicy.moderateProfile(by, user)) throw forbidden('Only admins change the profiles of admins')
      const profile = await database.transaction(async (session) => {
        const changed = await change(userId, patch, session)
        const fields = Object.keys(patch)
        await audit.record('ProfileModerate', by.userId, { profileId: changed._id, userId, fields }, session)
        return changed
      })
      for (const listener of listeners) await listener(userId)
      return Profile.toWire(profile)
    },
    async search({ q, tag }, { limit, cursor }) {
      const words = q?.trim() ?? ''
      const filter = {
        ...(tag && { tags: tag }),
        ...(words && { $or: matches(words) }),
      }
      return pageById(profiles, filter, { limit, cursor }, (row) => Profile.toWire(row))
    },
  }
}

/** What matches words: names that begin so, and texts that hold one of them. */
function matches(words: string): object[] {
  const begins = { nameKey: { $regex: `^${words.toLowerCase().replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')}` } }
  // MongoDB reads quotes and leading minus signs as operators.
  const plain = words
    .split(/[\s"]+/)
    .map((word) => word.replace(/^-+/, ''))
    .filter(Boolean)
    .join(' ')
  return plain ? [begins, { $text: { $search: plain } }] : [begins]
}
