import sharp from 'sharp'
import { newId } from '../../src/kernel/ids.ts'
import { wav } from '../files/fixtures.ts'
import { permissionFor } from '../support/staff.ts'
import type { Person } from '../support/world.ts'
import { fresh } from '../support/worlds.ts'
import type { Caller, Stage } from './stage.ts'

/** What a request needs beside its method and path. */
export interface Made {
  /** Of the path, by name. */
  params?: Record<string, string>
  /** Such as `q=x&limit=1`. */
  query?: string
  body?: unknown
  /** A body that is not JSON, with what its headers are to say. */
  raw?: Uint8Array<ArrayBuffer>
  headers?: Record<string, string>
  /** In place of the caller, where the request ends the caller's session or changes their account. */
  as?: { accessToken: string }
}

/** How a route is walked. Things with owners are the stage's owner's. */
export interface Fixture {
  /** Tells several of one route apart. */
  of?: string
  /** Makes it all anew for each caller; `who` is null for the anonymous one. */
  make?(stage: Stage, who: Person | null): Promise<Made> | Made
  /**
   * What comes where the declaration does not tell, by caller: `ok` or a code of an error. `everybody` is for all that are
   * let in at all.
   */
  outcomes?: Partial<Record<Caller | 'everybody', string>>
}

const none: Fixture = {}
const self = (body: unknown = {}): Fixture => ({ make: () => ({ body }) })
const emoji = encodeURIComponent('🎸')

/** A role of nobody's, with a permission where asked for. */
async function role({ ask, admin, world }: Stage, key?: string) {
  const { id } = await ask('POST', '/roles', { as: admin, body: { name: fresh('role') } })
  if (key) {
    const { id: permissionId } = await permissionFor(world, key)
    await ask('POST', '/role-permissions', { as: admin, body: { roleId: id, permissionId } })
  }
  return id as string
}

const permission = async ({ ask, admin }: Stage): Promise<string> =>
  (await ask('POST', '/permissions', { as: admin, body: { action: 'do', resource: fresh('Thing') } })).id

const report = async (stage: Stage): Promise<string> => {
  const { id: targetId } = await stage.profileOf(await stage.person())
  const body = { targetType: 'Profile', targetId, reason: 'Spam' }
  return (await stage.ask('POST', '/reports', { as: stage.owner, body })).id
}

const tag = async ({ ask, owner }: Stage): Promise<string> =>
  (await ask('POST', '/tags', { as: owner, body: { name: fresh('tag') } })).id

const measure = async ({ ask, admin }: Stage): Promise<string> =>
  (await ask('POST', '/metric-types', { as: admin, body: { name: fresh('measure') } })).id

const byId = (make: (stage: Stage) => Promise<string>, body?: unknown): Fixture => ({
  make: async (stage) => ({ params: { id: await make(stage) }, ...(body !== undefined && { body }) }),
})

const inRoom = (body?: unknown, visibility?: 'public'): Fixture => ({
  make: async (stage) => ({ params: { id: (await stage.room(visibility)).id }, ...(body !== undefined && { body }) }),
})

const onMessage = (body?: unknown): Fixture => ({
  make: async (stage) => ({ params: { ...(await stage.said()), emoji }, ...(body !== undefined && { body }) }),
})

const onLetter = (body?: unknown): Fixture => ({
  make: async (stage) => ({
    params: { id: (await stage.written()).id, emoji },
    ...(body !== undefined && { body }),
  }),
})

const account = (body?: unknown): Fixture => byId(async (stage) => (await stage.person()).id, body)

/** A profile is not liked, but what is said on it is. */
const onComment: Fixture = {
  make: async (stage) => {
    const targetId = await comment(stage)
    return { body: { targetType: 'Comment', targetId }, query: `targetType=Comment&targetId=${targetId}` }
  },
}
const onProfile = (more: object = {}): Fixture => ({
  make: async (stage) => {
    const { id: targetId } = await stage.profileOf(stage.peer)
    return { body: { targetType: 'Profile', targetId, ...more }, query: `targetType=Profile&targetId=${targetId}` }
  },
})
const likesOf: Fixture = {
  make: async (stage) => ({ query: `targetType=Comment&targetIds=${await comment(stage)}` }),
}
const countsOf: Fixture = {
  make: async (stage) => ({ query: `targetType=Profile&targetIds=${(await stage.profileOf(stage.peer)).id}` }),
}
const comment = async (stage: Stage): Promise<string> => {
  const { id: targetId } = await stage.profileOf(stage.peer)
  const body = { targetType: 'Profile', targetId, content: 'Hello' }
  return (await stage.ask('POST', '/comments', { as: stage.owner, body })).id
}
const onPeer: Fixture = { make: ({ peer }) => ({ params: { userId: peer.id } }) }

const project = async ({ ask, owner }: Stage, isOpen = false): Promise<string> =>
  (await ask('POST', '/projects', { as: owner, body: { title: fresh('Project'), isOpen } })).id
const inProject = (body?: unknown, isOpen = false): Fixture => byId((stage) => project(stage, isOpen), body)
/** On the peer's place in a closed project of the owner's. */
const onMember = (body?: unknown): Fixture => ({
  make: async (stage) => {
    const id = await project(stage)
    const member = { userId: stage.peer.id, role: 'producer' }
    await stage.ask('POST', `/projects/${id}/members`, { as: stage.owner, body: member })
    return { params: { id, userId: stage.peer.id }, ...(body !== undefined && { body }) }
  },
})

const playlist = async ({ ask, owner }: Stage, isPublic = true): Promise<string> =>
  (await ask('POST', '/playlists', { as: owner, body: { name: fresh('Playlist'), isPublic } })).id
/** A public and a private one: who may not see it gets another answer than who may only look. */
const ofPlaylist = (body?: unknown): Fixture[] => [
  byId((stage) => playlist(stage), body),
  { of: 'a private playlist', ...byId((stage) => playlist(stage, false), body), outcomes: { stranger: 'not_found' } },
]

/** A recording of the owner's, without its sound. */
async function audio({ world, owner }: Stage, visibility = 'public'): Promise<string> {
  const id = newId()
  const file = {
    _id: id,
    userId: owner.id,
    title: fresh('Take'),
    fileUrl: `${world.instances[0]!.url}/api/v1/audio-files/${id}/stream`,
    visibility,
    createdAt: new Date(),
    updatedAt: null,
  }
  await world.database.collection('audiofiles').insertOne(file as never)
  return id
}
const ofAudio = (body?: unknown): Fixture => byId((stage) => audio(stage), body)
const unseen = { anonymous: 'not_found', stranger: 'not_found' }
/** A public one for everybody, and a private one for its uploader and those who may see all. */
const seenAudio: Fixture[] = [
  ofAudio(),
  { of: 'a private recording', ...byId((stage) => audio(stage, 'private')), outcomes: unseen },
]
const changedAudio = (body?: unknown): Fixture[] => [
  ofAudio(body),
  {
    of: 'a private recording',
    ...byId((stage) => audio(stage, 'private'), body),
    outcomes: { stranger: 'not_found' },
  },
]

/** The owner asks for the peer, in a closed project. */
const booking = async (stage: Stage): Promise<string> => {
  const body = { projectId: await project(stage), userId: stage.peer.id, role: 'drummer' }
  return (await stage.ask('POST', '/bookings', { as: stage.owner, body })).id
}

/** In a closed project of the owner's with a board; a version of it, and a card. */
const board = (body?: unknown): Fixture => byId((stage) => project(stage), body)
/** Who may see all projects sees the board, and that it is not theirs to change. */
const looksOn = { outcomes: { moderator: 'forbidden', admin: 'forbidden' } } as const
const operations = [{ op: 'card.add', cardId: 'bass', columnId: 'todo', title: 'Record the bass' }]
const onVersion: Fixture = {
  make: async (stage) => {
    const id = await project(stage)
    const version = await stage.ask('POST', `/projects/${id}/board/versions`, {
      as: stage.owner,
      body: { name: 'One' },
    })
    return { params: { id, versionId: version.id } }
  },
}
const onCard = (body?: unknown): Fixture => ({
  make: async (stage) => {
    const id = await project(stage)
    await stage.ask('POST', `/projects/${id}/board/operations`, { as: stage.owner, body: { operations } })
    return { params: { id, cardId: 'bass' }, ...(body !== undefined && { body }) }
  },
})

/** A recording in a playlist of the owner's. */
const onTrack = (isPublic: boolean, body?: unknown): Fixture => ({
  make: async (stage) => {
    const id = await playlist(stage, isPublic)
    const audioFileId = await audio(stage)
    await stage.ask('POST', `/playlists/${id}/audio-files`, { as: stage.owner, body: { audioFileId } })
    return { params: { id, audioFileId }, ...(body !== undefined && { body }) }
  },
})
const ofTrack = (body?: unknown): Fixture[] => [
  onTrack(true, body),
  { of: 'a private playlist', ...onTrack(false, body), outcomes: { stranger: 'not_found' } },
]

/** Hours of their own for each booking, for no two of a user may overlap. */
let hours = 0
const when = () => {
  const startTime = new Date(Date.UTC(2030, 0, 1) + hours++ * 3_600_000)
  return { startTime: startTime.toISOString(), endTime: new Date(startTime.getTime() + 3_000_000).toISOString() }
}

/** A form with a file, as browsers send it. */
function form(file: Uint8Array, type: string, fields: Record<string, string>): Pick<Made, 'raw' | 'headers'> {
  const boundary = 'walk-of-rights'
  const parts = Object.entries(fields).map(
    ([name, value]) => `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  )
  const head = `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="walk"\r\nContent-Type: ${type}\r\n\r\n`
  const raw = Buffer.concat([Buffer.from(parts.join('') + head), file, Buffer.from(`\r\n--${boundary}--\r\n`)])
  return { raw, headers: { 'Content-Type': `multipart/form-data; boundary=${boundary}` } }
}
const portrait = await sharp({ create: { width: 8, height: 8, channels: 3, background: '#846' } })
  .png()
  .toBuffer()
const portraitForm = () => form(portrait, 'image/png', { usageType: 'other' })
const takeForm = (visibility = 'public') => form(wav(2_000), 'audio/wav', { title: fresh('Take'), visibility })

/** Of the owner's, with bytes. */
const image = async ({ ask, owner }: Stage): Promise<string> =>
  (await ask('POST', '/images', { as: owner, ...portraitForm() })).id
/** Made once for all who listen: each new one is analysed. */
const takes = new Map<string, Promise<string>>()
function take({ ask, owner }: Stage, visibility = 'public'): Promise<string> {
  const made =
    takes.get(visibility) ??
    ask('POST', '/audio-files', { as: owner, ...takeForm(visibility) }).then(({ id }) => id as string)
  takes.set(visibility, made)
  return made
}

const tus = { 'Tus-Resumable': '1.0.0' }
const uploadHead = {
  ...tus,
  'Upload-Length': '2000',
  'Upload-Metadata': `title ${Buffer.from('Walk').toString('base64')}`,
}
/** An upload that the owner began. */
const onUpload = (made: Made = { headers: tus }): Fixture => ({
  make: async ({ world, owner }) => {
    const begun = await world.ask('POST', '/api/v1/uploads', { as: owner, headers: uploadHead })
    return { params: { id: begun.headers.get('Location')!.split('/').at(-1)! }, ...made }
  },
})

/** A browser of the caller's. */
const browser = () => ({
  endpoint: `https://push.example.com/${fresh('send')}`,
  keys: {
    p256dh: 'BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4',
    auth: 'BTBZMqHH6r4Tts7J_aSIgg',
  },
})

/** By method and path, as declared; a file a route needs is one entry here. */
export const fixtures: Record<string, Fixture | Fixture[]> = {
  // Accounts
  'POST /api/v1/auth/register': {
    make: () => ({ body: { email: `${fresh('walk')}@example.com`, password: 'password', displayName: 'Walker' } }),
  },
  'POST /api/v1/auth/login': { make: ({ owner: { email, password } }) => ({ body: { email, password } }) },
  'POST /api/v1/auth/refresh': {
    make: async (stage) => ({ body: { refreshToken: (await stage.again(stage.owner)).refreshToken } }),
  },
  'POST /api/v1/auth/logout': {
    make: async (stage, who) => (who ? { as: await stage.again(who) } : {}),
    outcomes: { anonymous: 'unauthenticated' },
  },
  // Whoever has no token from a mail gets the same.
  'POST /api/v1/auth/verify-email': { ...self({ token: 'x' }), outcomes: { everybody: 'invalid' } },
  'POST /api/v1/auth/password/reset': {
    ...self({ token: 'x', password: 'password' }),
    outcomes: { everybody: 'invalid' },
  },
  'POST /api/v1/auth/verify-email/send': none,
  'POST /api/v1/auth/password/forgot': self({ email: 'nobody@example.com' }),
  'POST /api/v1/auth/password/change': {
    make: async (stage, who) => {
      const person = await stage.person()
      const body = { currentPassword: person.password, newPassword: 'another password' }
      return { body, ...(who && { as: person }) }
    },
  },
  'GET /api/v1/me': none,
  'GET /api/v1/me/profile': none,
  'PATCH /api/v1/me/profile': self({ bio: 'Walks' }),
  'GET /api/v1/users/{userId}/profile': onPeer,
  'PATCH /api/v1/users/{userId}/profile': {
    make: async (stage) => ({ params: { userId: (await stage.person()).id }, body: { bio: null } }),
  },
  'GET /api/v1/profiles': none,
  'GET /api/v1/sessions': none,
  'DELETE /api/v1/sessions/{id}': byId(async (stage) => (await stage.again(stage.owner)).sessionId),
  'POST /api/v1/bots': self({ name: 'Walker', scopes: [] }),
  'GET /api/v1/bots': none,
  'DELETE /api/v1/bots/{id}': byId(async ({ world, owner }) => (await world.bot(owner, [])).botId),
  'POST /api/v1/bots/{id}/token': byId(async ({ world, owner }) => (await world.bot(owner, [])).botId),

  // Rooms and messages
  'GET /api/v1/chat-rooms': none,
  'POST /api/v1/chat-rooms': self({ name: 'Walk' }),
  'GET /api/v1/chat-rooms/{id}': [
    inRoom(),
    { of: 'a public room', ...inRoom(undefined, 'public'), outcomes: { everybody: 'ok' } },
  ],
  'PATCH /api/v1/chat-rooms/{id}': [
    // What is private stays so, whatever one may moderate.
    { ...inRoom({ topic: 'Walks' }), outcomes: { everybody: 'not_found', owner: 'ok' } },
    {
      of: 'a public room',
      ...inRoom({ topic: 'Walks' }, 'public'),
      outcomes: { everybody: 'forbidden', owner: 'ok', moderator: 'ok', admin: 'ok' },
    },
  ],
  'GET /api/v1/chat-rooms/{id}/members': inRoom(),
  'POST /api/v1/chat-rooms/{id}/members': {
    make: async (stage) => ({
      params: { id: (await stage.room()).id },
      body: { userIds: [(await stage.person()).id] },
    }),
  },
  'PATCH /api/v1/chat-rooms/{id}/members/{userId}': {
    make: async (stage) => ({
      params: { id: (await stage.room()).id, userId: stage.peer.id },
      body: { role: 'moderator' },
    }),
  },
  'DELETE /api/v1/chat-rooms/{id}/members/{userId}': {
    make: async (stage) => ({ params: { id: (await stage.room()).id, userId: stage.peer.id } }),
  },
  'POST /api/v1/chat-rooms/{id}/join': [
    inRoom(),
    { of: 'a public room', ...inRoom(undefined, 'public'), outcomes: { everybody: 'ok' } },
  ],
  'POST /api/v1/chat-rooms/{id}/leave': inRoom(),
  'GET /api/v1/chat-rooms/{id}/messages': [
    inRoom(),
    { of: 'a public room', ...inRoom(undefined, 'public'), outcomes: { everybody: 'forbidden', owner: 'ok' } },
  ],
  'POST /api/v1/chat-rooms/{id}/messages': inRoom({ content: 'hello' }),
  'GET /api/v1/chat-rooms/{id}/messages/{messageId}': onMessage(),
  'PATCH /api/v1/chat-rooms/{id}/messages/{messageId}': onMessage({ content: 'hello again' }),
  'DELETE /api/v1/chat-rooms/{id}/messages/{messageId}': [
    { of: 'a public room', make: async (stage) => ({ params: await stage.said('public') }) },
    { of: 'a private room', ...onMessage(), outcomes: { everybody: 'not_found', owner: 'ok' } },
  ],
  'PUT /api/v1/chat-rooms/{id}/messages/{messageId}/reactions/{emoji}': onMessage(),
  'DELETE /api/v1/chat-rooms/{id}/messages/{messageId}/reactions/{emoji}': onMessage(),
  'PUT /api/v1/chat-rooms/{id}/messages/{messageId}/pin': onMessage(),
  'DELETE /api/v1/chat-rooms/{id}/messages/{messageId}/pin': onMessage(),
  'GET /api/v1/messages': { make: ({ peer }) => ({ query: `userId=${peer.id}` }) },
  'POST /api/v1/messages': { make: ({ peer }) => ({ body: { userId: peer.id, content: 'hello' } }) },
  'GET /api/v1/messages/{id}': onLetter(),
  'PATCH /api/v1/messages/{id}': onLetter({ content: 'hello again' }),
  'DELETE /api/v1/messages/{id}': onLetter(),
  'PUT /api/v1/messages/{id}/reactions/{emoji}': onLetter(),
  'DELETE /api/v1/messages/{id}/reactions/{emoji}': onLetter(),
  'GET /api/v1/conversations': none,
  'GET /api/v1/blocks': none,
  'PUT /api/v1/blocks/{userId}': { make: async (stage) => ({ params: { userId: (await stage.person()).id } }) },
  'DELETE /api/v1/blocks/{userId}': onPeer,
  'GET /api/v1/notifications': none,
  'POST /api/v1/notifications/read': self({ all: true }),
  'GET /api/v1/notifications/preferences': none,
  'PUT /api/v1/notifications/preferences': self({}),
  'GET /api/v1/push/public-key': none,
  'GET /api/v1/me/push-subscriptions': none,
  'POST /api/v1/me/push-subscriptions': { make: () => ({ body: browser() }) },
  'DELETE /api/v1/me/push-subscriptions': { make: () => ({ body: { endpoint: browser().endpoint } }) },

  // Rights
  'GET /api/v1/users': none,
  'GET /api/v1/users/{id}': { make: ({ owner }) => ({ params: { id: owner.id } }) },
  'PATCH /api/v1/users/{id}': account({ isVerified: true }),
  'PUT /api/v1/users/{id}/ban': account(),
  'DELETE /api/v1/users/{id}/ban': account(),
  'GET /api/v1/roles': none,
  'POST /api/v1/roles': { make: () => ({ body: { name: fresh('role') } }) },
  'GET /api/v1/roles/{id}': byId(role),
  'PATCH /api/v1/roles/{id}': byId(role, { description: 'Walks' }),
  'DELETE /api/v1/roles/{id}': byId(role),
  'GET /api/v1/permissions': none,
  'POST /api/v1/permissions': { make: () => ({ body: { action: 'do', resource: fresh('Thing') } }) },
  'GET /api/v1/permissions/{id}': byId(permission),
  'PATCH /api/v1/permissions/{id}': byId(permission, { description: 'Walks' }),
  'DELETE /api/v1/permissions/{id}': byId(permission),
  'GET /api/v1/role-permissions': none,
  'POST /api/v1/role-permissions': {
    make: async (stage) => ({ body: { roleId: await role(stage), permissionId: await permission(stage) } }),
  },
  ...Object.fromEntries(
    ['GET', 'DELETE'].map((method) => [
      `${method} /api/v1/role-permissions/{roleId}/{permissionId}`,
      {
        make: async (stage: Stage) => ({
          params: {
            roleId: await role(stage, 'manage:Tag'),
            permissionId: (await permissionFor(stage.world, 'manage:Tag')).id,
          },
        }),
      },
    ]),
  ),
  'GET /api/v1/user-roles': none,
  'POST /api/v1/user-roles': {
    make: async (stage) => ({ body: { userId: (await stage.person()).id, roleId: await role(stage) } }),
  },
  ...Object.fromEntries(
    ['GET', 'DELETE'].map((method) => [
      `${method} /api/v1/user-roles/{userId}/{roleId}`,
      {
        make: async (stage: Stage) => {
          const params = { userId: stage.peer.id, roleId: await role(stage) }
          await stage.ask('POST', '/user-roles', { as: stage.admin, body: params })
          return { params }
        },
      },
    ]),
  ),
  'GET /api/v1/audit-logs': none,
  'GET /api/v1/audit-logs/{id}': byId(async ({ world }) => {
    const entry = await world.database.collection('auditlogs').findOne({})
    return String(entry!['_id'])
  }),

  // Moderation
  'POST /api/v1/reports': {
    make: async (stage) => ({
      body: {
        targetType: 'Profile',
        targetId: (await stage.profileOf(await stage.person())).id,
        reason: 'Spam',
      },
    }),
  },
  'GET /api/v1/reports': none,
  'GET /api/v1/reports/{id}': byId(report),
  'PATCH /api/v1/reports/{id}': byId(report, { status: 'reviewed' }),
  'GET /api/v1/tags': none,
  'POST /api/v1/tags': { make: () => ({ body: { name: fresh('tag') } }) },
  'GET /api/v1/tags/{id}': byId(tag),
  'PATCH /api/v1/tags/{id}': {
    make: async (stage) => ({ params: { id: await tag(stage) }, body: { name: fresh('tag') } }),
  },
  'DELETE /api/v1/tags/{id}': byId(tag),
  'GET /api/v1/metric-types': none,
  'POST /api/v1/metric-types': { make: () => ({ body: { name: fresh('measure') } }) },
  'GET /api/v1/metric-types/{id}': byId(measure),
  'PATCH /api/v1/metric-types/{id}': byId(measure, { status: 'active' }),
  'DELETE /api/v1/metric-types/{id}': byId(measure),
  'GET /api/v1/metric-types/{id}/status-log': byId(measure),

  // Projects
  'GET /api/v1/projects': none,
  'POST /api/v1/projects': self({ title: 'Walk' }),
  'GET /api/v1/projects/{id}': [
    inProject(),
    { of: 'an open project', ...inProject(undefined, true), outcomes: { everybody: 'ok' } },
  ],
  'PATCH /api/v1/projects/{id}': [
    inProject({ title: 'Walk' }),
    { of: 'an open project', ...inProject({ title: 'Walk' }, true), outcomes: { stranger: 'forbidden' } },
  ],
  // Moderators see closed projects, but don't delete them.
  'DELETE /api/v1/projects/{id}': { ...inProject(), outcomes: { moderator: 'forbidden' } },
  'GET /api/v1/projects/{id}/members': inProject(),
  'POST /api/v1/projects/{id}/members': {
    make: async (stage) => ({
      params: { id: await project(stage) },
      body: { userId: stage.peer.id, role: 'producer' },
    }),
  },
  'GET /api/v1/projects/{id}/board': board(),
  'POST /api/v1/projects/{id}/board/operations': { ...board({ operations }), ...looksOn },
  'GET /api/v1/projects/{id}/board/export': board(),
  'GET /api/v1/projects/{id}/board/activity': board(),
  'GET /api/v1/projects/{id}/board/versions': board(),
  'POST /api/v1/projects/{id}/board/versions': { ...board({ name: 'Walk' }), ...looksOn },
  'GET /api/v1/projects/{id}/board/versions/{versionId}': onVersion,
  'POST /api/v1/projects/{id}/board/versions/{versionId}/restore': { ...onVersion, ...looksOn },
  'DELETE /api/v1/projects/{id}/board/versions/{versionId}': { ...onVersion, ...looksOn },
  'GET /api/v1/projects/{id}/board/cards/{cardId}/comments': onCard(),
  'POST /api/v1/projects/{id}/board/cards/{cardId}/comments': onCard({ content: 'The second take' }),
  'GET /api/v1/projects/{id}/bookings': { ...inProject(), outcomes: { stranger: 'not_found' } },
  'POST /api/v1/projects/{id}/bookings': {
    make: async (stage, who) => ({
      params: { id: await project(stage) },
      body: { ...(who?.id === stage.owner.id && { userId: stage.peer.id }), ...when() },
    }),
    outcomes: { stranger: 'not_found' },
  },
  'POST /api/v1/bookings': {
    make: async (stage, who) => ({
      body: {
        projectId: await project(stage),
        ...(who?.id === stage.owner.id && { userId: stage.peer.id }),
        ...when(),
      },
    }),
    outcomes: { stranger: 'not_found' },
  },
  'PATCH /api/v1/bookings/{id}': {
    make: async (stage) => ({ params: { id: await booking(stage) }, body: { status: 'cancelled' } }),
  },
  'DELETE /api/v1/bookings/{id}': byId(booking),
  'PATCH /api/v1/projects/{id}/members/{userId}': onMember({ role: 'drummer' }),
  'DELETE /api/v1/projects/{id}/members/{userId}': onMember(),
  'GET /api/v1/bookings': none,
  'GET /api/v1/bookings/{id}': byId(booking),
  'GET /api/v1/matches': none,
  'POST /api/v1/matches/refresh': none,

  // Playlists and recordings
  'GET /api/v1/playlists': none,
  'POST /api/v1/playlists': self({ name: 'Walk' }),
  'GET /api/v1/playlists/{id}': [
    { ...byId((stage) => playlist(stage)), outcomes: { anonymous: 'ok', everybody: 'ok' } },
    { of: 'a private playlist', ...byId((stage) => playlist(stage, false)) },
  ],
  'PATCH /api/v1/playlists/{id}': ofPlaylist({ name: 'Walk' }),
  'DELETE /api/v1/playlists/{id}': ofPlaylist(),
  'GET /api/v1/playlists/{id}/audio-files': byId((stage) => playlist(stage, false)),
  'POST /api/v1/playlists/{id}/audio-files': {
    make: async (stage) => ({
      params: { id: await playlist(stage) },
      body: { audioFileId: await audio(stage) },
    }),
  },
  'PUT /api/v1/playlists/{id}/audio-files': ofPlaylist({ audioFileIds: [] }),
  'PATCH /api/v1/playlists/{id}/audio-files/{audioFileId}': ofTrack({ position: 0 }),
  'DELETE /api/v1/playlists/{id}/audio-files/{audioFileId}': ofTrack(),
  'GET /api/v1/audio-files': none,
  'POST /api/v1/audio-files': { make: () => takeForm() },
  'PATCH /api/v1/audio-files/{id}': [
    ofAudio({ title: 'Walk' }),
    { of: 'a private recording', ...byId((stage) => audio(stage, 'private'), { title: 'Walk' }) },
  ],
  'DELETE /api/v1/audio-files/{id}': [
    byId((stage) => audio(stage)),
    { of: 'a private recording', ...byId((stage) => audio(stage, 'private')) },
  ],
  'POST /api/v1/audio-files/{id}/link': [
    byId((stage) => audio(stage)),
    { of: 'a private recording', ...byId((stage) => audio(stage, 'private')), outcomes: { stranger: 'not_found' } },
  ],
  'GET /api/v1/audio-files/{id}/stream': [
    byId((stage) => take(stage)),
    { of: 'a private recording', ...byId((stage) => take(stage, 'private')), outcomes: unseen },
  ],
  'POST /api/v1/audio-files/{id}/tags': {
    make: async (stage) => ({ params: { id: await audio(stage) }, body: { tagId: await tag(stage) } }),
  },
  'DELETE /api/v1/audio-files/{id}/tags/{tagId}': {
    make: async (stage) => {
      const [id, tagId] = await Promise.all([audio(stage), tag(stage)])
      await stage.ask('POST', `/audio-files/${id}/tags`, { as: stage.owner, body: { tagId } })
      return { params: { id, tagId } }
    },
  },
  // Nothing was heard in it.
  'GET /api/v1/audio-files/{id}/report': { ...ofAudio(), outcomes: { everybody: 'not_found' } },
  'PATCH /api/v1/audio-files/{id}/report': {
    make: async (stage) => {
      const id = await audio(stage)
      const now = new Date()
      const report = { _id: newId(), audioFileId: id, generatedAt: now, createdAt: now, updatedAt: null }
      await stage.world.database.collection('audiofilereports').insertOne(report as never)
      return { params: { id }, body: { notes: 'Walk' } }
    },
  },
  'DELETE /api/v1/audio-files/{id}/analyses': [
    ofAudio(),
    { of: 'a private recording', ...byId((stage) => audio(stage, 'private')), outcomes: { stranger: 'not_found' } },
  ],
  'POST /api/v1/audio-files/{id}/analysis-results': {
    ...ofAudio({ tempo: 120, modelVersion: 'walk-1' }),
    // Programs tell what they heard; people say it in an analysis of theirs.
    outcomes: { everybody: 'forbidden' },
  },
  'OPTIONS /api/v1/uploads': none,
  'POST /api/v1/uploads': { make: () => ({ headers: uploadHead }) },
  'HEAD /api/v1/uploads/{id}': onUpload(),
  'GET /api/v1/uploads/{id}': onUpload({}),
  'PATCH /api/v1/uploads/{id}': onUpload({
    headers: { ...tus, 'Upload-Offset': '0', 'Content-Type': 'application/offset+octet-stream' },
    raw: wav(2_000).subarray(0, 1_000) as never,
  }),
  'DELETE /api/v1/uploads/{id}': onUpload(),
  'GET /api/v1/audio-files/{id}': seenAudio,
  'GET /api/v1/audio-files/{id}/similar': seenAudio,
  'GET /api/v1/audio-files/{id}/anchors': [
    ofAudio(),
    {
      of: 'a private recording',
      ...byId((stage) => audio(stage, 'private')),
      outcomes: { stranger: 'not_found' },
    },
  ],
  'GET /api/v1/audio-files/{id}/tags': seenAudio,
  'PUT /api/v1/audio-files/{id}/tags': changedAudio({ tagIds: [] }),
  'GET /api/v1/audio-files/{id}/analyses': seenAudio,
  'GET /api/v1/audio-files/{id}/analysis-results': seenAudio,
  'POST /api/v1/audio-files/{id}/analyze': changedAudio(),
  'GET /api/v1/audio-files/{id}/waveform': {
    ...byId((stage) => audio(stage)),
    // Nothing was heard in them.
    outcomes: { everybody: 'not_found' },
  },
  'GET /api/v1/audio-files/{id}/metric-values': seenAudio,
  'POST /api/v1/audio-files/{id}/analyses': changedAudio({ mood: 'eerie' }),
  'GET /api/v1/images': none,
  'POST /api/v1/images': { make: () => portraitForm() },
  'GET /api/v1/images/{id}': byId(image),
  'DELETE /api/v1/images/{id}': byId(image),
  'GET /api/v1/images/{id}/content': byId(image),
  'DELETE /api/v1/users/{id}': account(),
  'DELETE /api/v1/me': {
    make: async (stage, who) => {
      const person = await stage.person()
      return { body: { password: person.password }, ...(who && { as: person }) }
    },
  },
  'GET /api/v1/me/export': none,

  // Likes, comments, follows
  'GET /api/v1/likes': onComment,
  'GET /api/v1/me/likes': none,
  'GET /api/v1/likes/count': onComment,
  'GET /api/v1/likes/counts': likesOf,
  'PUT /api/v1/likes': onComment,
  'DELETE /api/v1/likes': onComment,
  'GET /api/v1/comments': onProfile(),
  'GET /api/v1/comments/counts': countsOf,
  'POST /api/v1/comments': onProfile({ content: 'Hello' }),
  'GET /api/v1/comments/{id}': byId(comment),
  'PATCH /api/v1/comments/{id}': byId(comment, { content: 'Hello again' }),
  'DELETE /api/v1/comments/{id}': byId(comment),
  'PUT /api/v1/follows/{userId}': onPeer,
  'DELETE /api/v1/follows/{userId}': onPeer,
  'GET /api/v1/users/{userId}/followers': onPeer,
  'GET /api/v1/users/{userId}/following': onPeer,
  'GET /api/v1/users/{userId}/follow-counts': onPeer,
}
