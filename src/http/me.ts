import { z } from 'zod'
import { Permission } from '../../models/Permission.ts'
import { Profile } from '../../models/Profile.ts'
import { Role } from '../../models/Role.ts'
import { User } from '../../models/User.ts'
import type { Actor } from '../kernel/actor.ts'
import { f } from '../kernel/fields.ts'
import { rates } from '../kernel/rate.ts'
import type { Services } from '../services/index.ts'
import { defineRoute } from './define.ts'
import { flag, listOf, listQuery } from './lists.ts'

const tag = 'Profiles'

const me = defineRoute({
  method: 'get',
  path: '/api/v1/me',
  tag: 'Accounts',
  summary: 'Who the bearer is, and what they may do',
  auth: 'user',
  scope: 'profile:read',
  rate: rates.read,
  status: 200,
  answer: z.object({
    user: User.wire,
    profile: Profile.wire,
    roles: z.array(Role.wire),
    permissions: z.array(Permission.wire),
  }),
  handle: ({ actor, services }) => services.accounts.me(actor),
})

/** A profile, with how many follow its user and are followed where that is wanted. Throws `not_found`. */
async function shown(services: Services, actor: Actor, userId: string, expand: boolean | undefined) {
  const [profile, counts] = await Promise.all([
    services.accounts.profiles.of(userId),
    expand ? services.follows.counts(actor, userId) : undefined,
  ])
  return counts ? { ...profile, followerCount: counts.followers, followingCount: counts.following } : profile
}

const expanded = z.object({ expand: flag().describe('Also tells how many follow the user, and whom they follow') })

const ownProfile = defineRoute({
  method: 'get',
  path: '/api/v1/me/profile',
  tag,
  summary: 'One’s own profile',
  auth: 'user',
  scope: 'profile:read',
  rate: rates.read,
  query: expanded,
  status: 200,
  answer: Profile.wire,
  handle: ({ actor, services }, { query }) => shown(services, actor, actor.userId, query.expand),
})

const { displayName, bio, location, avatarUrl, bannerUrl, theme, socialLinks, featuredAudioId, tags } =
  Profile.spec.fields

const ProfileChange = z.object({
  displayName: displayName.optional(),
  bio: bio.nullable(),
  location: location.nullable(),
  avatarUrl: avatarUrl.nullable(),
  bannerUrl: bannerUrl.nullable(),
  theme: theme.nullable(),
  socialLinks: socialLinks.nullable(),
  featuredAudioId: featuredAudioId.nullable(),
  tags: tags.nullable(),
})

const updateProfile = defineRoute({
  method: 'patch',
  path: '/api/v1/me/profile',
  tag,
  summary: 'Changes the fields given of one’s own profile; null takes a field away',
  auth: 'user',
  rate: rates.write,
  body: ProfileChange,
  example: { bio: 'Producer. Vocalist.', location: 'Brooklyn, NY', theme: null },
  status: 200,
  answer: Profile.wire,
  handle: ({ actor, services }, { body }) => services.accounts.profiles.update(actor.userId, body),
})

const profileOf = defineRoute({
  method: 'get',
  path: '/api/v1/users/{userId}/profile',
  tag,
  summary: 'The profile of a user',
  auth: 'user',
  scope: 'profile:read',
  rate: rates.read,
  params: z.object({ userId: f.ref('User') }),
  query: expanded,
  status: 200,
  answer: Profile.wire,
  errors: ['not_found'],
  handle: ({ actor, services }, { params, query }) => shown(services, actor, params.userId, query.expand),
})

const moderate = defineRoute({
  method: 'patch',
  path: '/api/v1/users/{userId}/profile',
  tag,
  summary: 'Changes the fields given of anybody’s profile, which the audit log keeps; null takes a field away',
  auth: 'user',
  permission: { action: 'moderate', resource: 'Profile' },
  rate: rates.write,
  params: z.object({ userId: f.ref('User') }),
  body: ProfileChange,
  example: { bio: null, avatarUrl: null },
  status: 200,
  answer: Profile.wire,
  errors: ['not_found', 'forbidden'],
  handle: ({ actor, services }, { params, body }) => services.accounts.profiles.moderate(actor, params.userId, body),
})

const search = defineRoute({
  method: 'get',
  path: '/api/v1/profiles',
  tag,
  summary: 'Profiles by words and tag, newest first',
  auth: 'user',
  scope: 'profile:read',
  rate: rates.read,
  query: listQuery({
    q: f.text(1, 100).optional().describe('Words of the name or text, or how the name begins'),
    tag: f.ref('Tag').optional(),
  }),
  status: 200,
  answer: listOf(Profile.wire),
  handle: ({ services }, { query }) => services.accounts.profiles.search(query, query),
})

export const profileRoutes = [me, ownProfile, updateProfile, profileOf, moderate, search]
