import { z } from 'zod'
import { defineEntity, type Stored, type Wire } from '../src/kernel/entity.ts'
import { f } from '../src/kernel/fields.ts'

const socialLink = () => f.uri().optional()

export const Profile = defineEntity('Profile', {
  description: 'What everybody may see of a user',
  collection: 'profiles',
  fields: {
    id: f.id(),
    userId: f.ref('User', 'keep'),
    displayName: f.name(80),
    bio: f.text(0, 2_000).optional(),
    location: f.text(0, 120).optional(),
    avatarUrl: f.uri().optional(),
    bannerUrl: f.uri().optional(),
    theme: f.text(0, 60).optional(),
    socialLinks: z.object({ soundcloud: socialLink(), instagram: socialLink(), twitter: socialLink() }).optional(),
    featuredAudioId: f.ref('AudioFile', 'null').optional(),
    tags: z.array(f.ref('Tag', 'null')).max(50).optional(),
    createdAt: f.time(),
    updatedAt: f.time().nullable().default(null),
  },
  extra: {
    followerCount: z.int().min(0).optional().describe('Only with `expand`, where one profile is asked for'),
    followingCount: z.int().min(0).optional(),
  },
  stored: {
    /** The display name in lower case: what mentions are resolved by. Names are not unique. */
    nameKey: z.string().max(160),
  },
  indexes: [
    { keys: { userId: 1 }, options: { unique: true }, serves: 'the profile of a user; one each' },
    { keys: { nameKey: 1 }, serves: 'resolving mentions; names that begin so' },
    { keys: { tags: 1, _id: -1 }, serves: 'profiles with a tag, newest first' },
    {
      keys: { displayName: 'text', bio: 'text' },
      options: { name: 'search', default_language: 'none', weights: { displayName: 5, bio: 1 } },
      serves: 'finding people by words',
    },
    { keys: { featuredAudioId: 1 }, options: { sparse: true }, serves: 'taking a deleted recording out of profiles' },
  ],
})
export type ProfileDoc = Stored<typeof Profile>
export type ProfileWire = Wire<typeof Profile>
