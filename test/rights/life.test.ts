import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeAdmin, makeModerator, roleNamed } from '../support/staff.ts'
import { expectModel, expectPage } from '../support/wire.ts'
import { type AskOptions, createWorld, type Person, type World } from '../support/world.ts'
import { fresh } from '../support/worlds.ts'

const nowhere = '01HYN8FXZ2W6X8K6YTNPEKXYM7'
let world: World
let admin: Person
let moderator: Person
let ann: Person
let ben: Person
beforeAll(async () => {
  world = await createWorld()
  admin = await makeAdmin(world)
  moderator = await makeModerator(world, admin)
  ;[ann, ben] = (await world.users('Ann', 'Ben')) as [Person, Person]
})
afterAll(() => world?.close())

/** Asks and expects a status; gives the body. */
async function ask(status: number, method: string, path: string, options: AskOptions = {}): Promise<any> {
  const answer = await world.ask(method, `/api/v1${path}`, options)
  expect(answer, `${method} ${path}: ${JSON.stringify(answer.body)}`).toMatchObject({ status })
  return answer.body
}

/** All items of a list, a few at a time, each held against a model. */
async function all(model: string, path: string, as: Person, limit = 2): Promise<any[]> {
  const items: any[] = []
  let cursor: string | null = null
  for (let page = 0; page < 100; page++) {
    const join = path.includes('?') ? '&' : '?'
    const at: string = `${path}${join}limit=${limit}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`
    const body = await ask(200, 'GET', at, { as })
    expect(body.items.length).toBeLessThanOrEqual(limit)
    items.push(...expectPage(model, body))
    cursor = body.nextCursor
    if (!cursor) return items
  }
  throw new Error(`${path} has no end`)
}

test('[LIFE-01] a Role is made, shown, listed, changed and deleted; standard ones stay', async () => {
  const name = fresh('curator')
  const made = expectModel('Role', await ask(201, 'POST', '/roles', { as: admin, body: { name, description: 'a' } }))
  expect(made).toMatchObject({ name, description: 'a' })
  expect(made).not.toHaveProperty('updatedAt')
  await ask(409, 'POST', '/roles', { as: admin, body: { name } })
  await ask(422, 'POST', '/roles', { as: admin, body: { name: 'x', stranger: 1 } })
  expect(expectModel('Role', await ask(200, 'GET', `/roles/${made.id}`, { as: admin }))).toEqual(made)
  const other = await ask(201, 'POST', '/roles', { as: admin, body: { name: fresh('role') } })
  const names = (await all('Role', '/roles', admin)).map((role) => role.name)
  expect(names).toEqual(expect.arrayContaining(['admin', 'moderator', 'user', name, other.name]))
  expect(names).toEqual([...names].sort())
  const changed = await ask(200, 'PATCH', `/roles/${made.id}`, {
    as: admin,
    body: { name: `${name} 2`, description: null },
  })
  expect(expectModel('Role', changed)).toMatchObject({ name: `${name} 2`, updatedAt: expect.any(String) })
  expect(changed).not.toHaveProperty('description')
  await ask(409, 'PATCH', `/roles/${made.id}`, { as: admin, body: { name: other.name } })
  const standard = await roleNamed(world, 'moderator')
  await ask(409, 'PATCH', `/roles/${standard.id}`, { as: admin, body: { name: 'x' } })
  await ask(409, 'DELETE', `/roles/${standard.id}`, { as: admin })
  await ask(204, 'DELETE', `/roles/${made.id}`, { as: admin })
  await ask(404, 'GET', `/roles/${made.id}`, { as: admin })
  await ask(404, 'DELETE', `/roles/${made.id}`, { as: admin })
  await ask(404, 'PATCH', `/roles/${nowhere}`, { as: admin, body: { description: 'x' } })
})

test('[LIFE-02] a Permission is made, shown, listed, described and deleted; standard ones stay', async () => {
  const resource = fresh('Thing')
  const made = await ask(201, 'POST', '/permissions', { as: admin, body: { action: 'feature', resource } })
  expect(expectModel('Permission', made)).toMatchObject({ action: 'feature', resource, updatedAt: null })
  await ask(409, 'POST', '/permissions', { as: admin, body: { action: 'feature', resource } })
  expect((await ask(200, 'GET', '/me', { as: admin })).permissions).toContainEqual(made)
  await ask(201, 'POST', '/permissions', { as: admin, body: { action: 'unfeature', resource } })
  const listed = await all('Permission', `/permissions?resource=${resource}`, admin, 1)
  expect(listed.map(({ action }) => action)).toEqual(['feature', 'unfeature'])
  const everything = await all('Permission', '/permissions', admin, 7)
  const keys = everything.map(({ resource, action }) => `${resource} ${action}`)
  expect(keys).toEqual([...new Set(keys)].sort())
  expect(keys).toEqual(expect.arrayContaining(['Comment delete', 'AuditLog read', 'Report moderate']))
  const path = `/permissions/${made.id}`
  const changed = await ask(200, 'PATCH', path, { as: admin, body: { description: 'On the first page' } })
  expect(expectModel('Permission', changed)).toMatchObject({ description: 'On the first page' })
  expect(await ask(200, 'PATCH', path, { as: admin, body: { description: null } })).not.toHaveProperty('description')
  await ask(422, 'PATCH', path, { as: admin, body: { action: 'x' } })
  const standard = everything.find(({ resource }) => resource === 'AuditLog')
  await ask(409, 'DELETE', `/permissions/${standard.id}`, { as: admin })
  await ask(204, 'DELETE', path, { as: admin })
  await ask(404, 'GET', path, { as: admin })
})

test('[LIFE-03] a RolePermission and a UserRole are made, shown, listed and taken away', async () => {
  const { id: roleId } = await ask(201, 'POST', '/roles', { as: admin, body: { name: fresh('role') } })
  const permissions = await ask(200, 'GET', '/permissions?resource=Playlist', { as: admin })
  for (const { id: permissionId } of permissions.items) {
    const link = await ask(201, 'POST', '/role-permissions', { as: admin, body: { roleId, permissionId } })
    expect(expectModel('RolePermission', link)).toMatchObject({ roleId, permissionId })
    expect(await ask(200, 'GET', `/role-permissions/${roleId}/${permissionId}`, { as: admin })).toEqual(link)
    await ask(409, 'POST', '/role-permissions', { as: admin, body: { roleId, permissionId } })
  }
  expect(await all('RolePermission', `/role-permissions?roleId=${roleId}`, admin)).toHaveLength(3)
  const [first] = permissions.items
  const roles = (await all('RolePermission', `/role-permissions?permissionId=${first.id}`, admin)).map((l) => l.roleId)
  expect(roles).toContain(roleId)
  await ask(404, 'POST', '/role-permissions', { as: admin, body: { roleId, permissionId: nowhere } })
  await ask(204, 'DELETE', `/role-permissions/${roleId}/${first.id}`, { as: admin })
  await ask(404, 'DELETE', `/role-permissions/${roleId}/${first.id}`, { as: admin })
  await ask(404, 'GET', `/role-permissions/${roleId}/${first.id}`, { as: admin })

  const given = await ask(201, 'POST', '/user-roles', { as: admin, body: { userId: ann.id, roleId } })
  expect(expectModel('UserRole', given)).toMatchObject({ userId: ann.id, roleId })
  await ask(409, 'POST', '/user-roles', { as: admin, body: { userId: ann.id, roleId } })
  await ask(404, 'POST', '/user-roles', { as: admin, body: { userId: nowhere, roleId } })
  await ask(201, 'POST', '/user-roles', { as: admin, body: { userId: ben.id, roleId } })
  expect((await all('UserRole', `/user-roles?roleId=${roleId}`, admin, 1)).map((l) => l.userId)).toEqual([
    ben.id,
    ann.id,
  ])
  expect((await all('UserRole', `/user-roles?userId=${ann.id}`, admin, 1)).map((l) => l.roleId)).toContain(roleId)
  const me = await ask(200, 'GET', '/me', { as: ann })
  expect(me.roles.map((role: any) => role.id)).toContain(roleId)
  expect(me.permissions).toHaveLength(2)
  await ask(204, 'DELETE', `/user-roles/${ann.id}/${roleId}`, { as: admin })
  await ask(404, 'GET', `/user-roles/${ann.id}/${roleId}`, { as: admin })
  // With the role go the links to it.
  await ask(204, 'DELETE', `/roles/${roleId}`, { as: admin })
  expect(await all('UserRole', `/user-roles?roleId=${roleId}`, admin)).toEqual([])
  expect(await all('RolePermission', `/role-permissions?roleId=${roleId}`, admin)).toEqual([])
})

test('[LIFE-04] a User is registered, found, verified, promoted, suspended and reinstated', async () => {
  const word = fresh('zither')
  const people = await world.users(`${word} one`, `${word} two`, `${word} three`)
  const [one] = people as [Person]
  const found = await all('User', `/users?q=${word.toUpperCase()}`, admin)
  expect(found.map(({ id }) => id)).toEqual(
    people
      .map(({ id }) => id)
      .sort()
      .reverse(),
  )
  expect(found.map(({ email }) => email).sort()).toEqual(people.map(({ email }) => email).sort())
  const byAddress = await ask(200, 'GET', `/users?q=${encodeURIComponent(one.email)}`, { as: admin })
  expect(expectPage('User', byAddress).map(({ id }) => id)).toEqual([one.id])
  // Moderators see accounts without addresses, and don't find out about them by searching.
  const seen = await all('User', `/users?q=${word}`, moderator)
  expect(seen.map(({ email }) => email)).toEqual(found.map(({ id }) => `${id.toLowerCase()}@hidden.invalid`))
  expect((await ask(200, 'GET', `/users?q=${encodeURIComponent(one.email)}`, { as: moderator })).items).toEqual([])
  expect(expectModel('User', await ask(200, 'GET', `/users/${one.id}`, { as: one })).email).toBe(one.email)
  expect((await ask(200, 'GET', `/users/${one.id}`, { as: moderator })).email).not.toBe(one.email)
  await ask(404, 'GET', `/users/${one.id}`, { as: ann })
  await ask(404, 'GET', `/users/${nowhere}`, { as: admin })

  const patch = (status: number, body: object, as = admin) => ask(status, 'PATCH', `/users/${one.id}`, { as, body })
  expect(expectModel('User', await patch(200, { isVerified: true }))).toMatchObject({ isVerified: true })
  expect((await all('User', `/users?q=${word}&isVerified=true`, admin)).map(({ id }) => id)).toEqual([one.id])
  await patch(403, { isVerified: false }, moderator)
  await patch(422, { email: 'a@example.com' })
  expect(await patch(200, { role: 'admin' })).toMatchObject({ role: 'admin' })
  expect((await all('User', '/users?role=admin', one)).map(({ id }) => id).sort()).toEqual([admin.id, one.id].sort())
  expect((await ask(200, 'GET', '/me', { as: one })).roles.map((role: any) => role.name)).toContain('admin')
  expect(await patch(200, { role: 'user' })).toMatchObject({ role: 'user' })
  await ask(403, 'GET', '/users', { as: one })

  const ban = (status: number, method: string, as = admin) => ask(status, method, `/users/${one.id}/ban`, { as })
  await ban(403, 'PUT', moderator)
  await ban(204, 'PUT')
  await ban(204, 'PUT')
  await ask(401, 'GET', '/me', { as: one })
  expect((await all('User', `/users?q=${word}&banned=true`, admin)).map(({ id }) => id)).toEqual([one.id])
  expect((await all('User', `/users?q=${word}&banned=false`, admin)).map(({ id }) => id)).not.toContain(one.id)
  expect((await ask(200, 'GET', `/users/${one.id}`, { as: admin })).bannedAt).toEqual(expect.any(String))
  const login = { body: { email: one.email, password: one.password } }
  await ask(403, 'POST', '/auth/login', login)
  await ban(204, 'DELETE')
  await ban(204, 'DELETE')
  expectModel('User', (await ask(200, 'POST', '/auth/login', login)).user)
  const acts = await all('AuditLog', '/audit-logs?order=oldest', admin, 100)
  const about = acts.filter(({ details }) => details.userId === one.id).map(({ action }) => action)
  expect(about).toEqual(['UserUpdate', 'UserUpdate', 'UserUpdate', 'UserBan', 'UserUnban'])
})

test('[LIFE-05] an AuditLog entry is written by acts alone, and found by who, what and when', async () => {
  const before = new Date().toISOString()
  const { id: tagId } = await ask(201, 'POST', '/tags', { as: ben, body: { name: fresh('tag') } })
  await ask(204, 'DELETE', `/tags/${tagId}`, { as: moderator })
  const after = new Date(Date.now() + 1).toISOString()
  const query = `userId=${moderator.id}&action=TagDelete&from=${before}&to=${after}`
  const [entry, ...more] = await all('AuditLog', `/audit-logs?${query}`, admin)
  expect(more).toEqual([])
  expect(entry).toMatchObject({ action: 'TagDelete', performedBy: moderator.id, details: { tagId } })
  expect(expectModel('AuditLog', await ask(200, 'GET', `/audit-logs/${entry.id}`, { as: admin }))).toEqual(entry)
  expect(await all('AuditLog', `/audit-logs?userId=${moderator.id}&action=TagDelete&to=${before}`, admin)).toEqual([])
  expect(await all('AuditLog', `/audit-logs?userId=${moderator.id}&from=${after}`, admin)).toEqual([])
  const logins = await all('AuditLog', `/audit-logs?action=UserRegister&userId=${ann.id}`, admin)
  expect(logins).toHaveLength(1)
  const newest = (await all('AuditLog', '/audit-logs', admin, 30)).map(({ id }) => id)
  expect((await all('AuditLog', '/audit-logs?order=oldest', admin, 40)).map(({ id }) => id)).toEqual(newest.reverse())
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
    const { status } = await world.ask(method, `/api/v1/audit-logs/${entry.id}`, { as: admin, body: {} })
    expect([404, 405]).toContain(status)
  }
  await ask(404, 'GET', `/audit-logs/${nowhere}`, { as: admin })
  await ask(422, 'GET', '/audit-logs?from=yesterday', { as: admin })
})

test('[LIFE-06] a Report is made on what one sees, queued, taken on and closed, by steps that there are', async () => {
  const profile = await ask(200, 'GET', `/users/${ben.id}/profile`, { as: ann })
  const body = { targetType: 'Profile', targetId: profile.id, reason: 'Contains offensive language' }
  const made = expectModel('Report', await ask(201, 'POST', '/reports', { as: ann, body }))
  expect(made).toMatchObject({ ...body, reporterId: ann.id, status: 'open', updatedAt: null })
  await ask(409, 'POST', '/reports', { as: ann, body })
  await ask(404, 'POST', '/reports', { as: ann, body: { ...body, targetId: nowhere } })
  await ask(422, 'POST', '/reports', { as: ann, body: { ...body, targetType: 'Playlist' } })
  const path = `/reports/${made.id}`
  expect(await ask(200, 'GET', path, { as: ann })).toEqual(made)
  expect(await ask(200, 'GET', path, { as: moderator })).toEqual(made)
  await ask(404, 'GET', path, { as: ben })
  const other = await ask(201, 'POST', '/reports', { as: ben, body })
  expect((await all('Report', '/reports?status=open', moderator, 1)).map(({ id }) => id)).toEqual([made.id, other.id])
  expect((await all('Report', '/reports?order=newest', moderator, 1)).map(({ id }) => id)).toEqual([other.id, made.id])
  expect((await all('Report', `/reports?targetType=Profile&targetId=${profile.id}`, moderator)).length).toBe(2)
  expect((await all('Report', `/reports?reporterId=${ben.id}`, moderator)).map(({ id }) => id)).toEqual([other.id])
  expect((await all('Report', '/reports', ann)).map(({ id }) => id)).toEqual([made.id])
  expect(await all('Report', `/reports?reporterId=${ben.id}`, ann)).toEqual([])
  await ask(403, 'GET', `/reports?resolvedBy=${moderator.id}`, { as: ann })

  const step = (code: number, status: string, as = moderator) => ask(code, 'PATCH', path, { as, body: { status } })
  await step(403, 'closed', ann)
  await step(409, 'open')
  expect(expectModel('Report', await step(200, 'reviewed'))).toMatchObject({
    status: 'reviewed',
    updatedAt: expect.any(String),
  })
  await step(409, 'reviewed')
  await step(409, 'open')
  await step(422, 'gone')
  // Of several moderators at once, one closes it.
  const race = await Promise.all(
    [1, 2, 3, 4].map(() =>
      world.ask('PATCH', `/api/v1${path}`, { as: moderator, body: { status: 'closed' } }).then(({ status }) => status),
    ),
  )
  expect(race.sort()).toEqual([200, 409, 409, 409])
  await step(409, 'reviewed')
  expect((await all('Report', '/reports?status=open', moderator)).map(({ id }) => id)).toEqual([other.id])
  expect((await all('Report', `/reports?resolvedBy=${moderator.id}`, moderator)).map(({ id }) => id)).toEqual([made.id])
  const acts = await all('AuditLog', `/audit-logs?action=ReportModerate&userId=${moderator.id}`, admin)
  expect(acts.map(({ details }) => details.status)).toEqual(['closed', 'reviewed'])
  // What is closed can be reported again.
  await ask(201, 'POST', '/reports', { as: ann, body })
})

test('[LIFE-07] a Tag is made, found in whatever case, renamed and deleted from all that it was on', async () => {
  const word = fresh('dub')
  const made = expectModel('Tag', await ask(201, 'POST', '/tags', { as: ann, body: { name: ` ${word} Techno ` } }))
  expect(made).toMatchObject({ name: `${word} Techno`, updatedAt: null })
  await ask(409, 'POST', '/tags', { as: ben, body: { name: `${word} TECHNO` } })
  const other = await ask(201, 'POST', '/tags', { as: ben, body: { name: `${word} ambient` } })
  expect(await ask(200, 'GET', `/tags/${made.id}`, { as: ben })).toEqual(made)
  const found = await all('Tag', `/tags?q=${word.toUpperCase()}`, ben, 1)
  expect(found.map(({ id }) => id)).toEqual([other.id, made.id])
  await ask(403, 'PATCH', `/tags/${made.id}`, { as: ann, body: { name: 'x' } })
  const renamed = await ask(200, 'PATCH', `/tags/${made.id}`, { as: moderator, body: { name: `${word} house` } })
  expect(expectModel('Tag', renamed)).toMatchObject({ name: `${word} house`, updatedAt: expect.any(String) })
  await ask(409, 'PATCH', `/tags/${made.id}`, { as: moderator, body: { name: `${word} AMBIENT` } })
  await ask(200, 'PATCH', '/me/profile', { as: ann, body: { tags: [made.id, other.id] } })
  await world.database.collection('audiofiletags').insertOne({ tagId: made.id, audioFileId: nowhere } as object)
  await ask(403, 'DELETE', `/tags/${made.id}`, { as: ann })
  await ask(204, 'DELETE', `/tags/${made.id}`, { as: moderator })
  await ask(404, 'GET', `/tags/${made.id}`, { as: ben })
  await ask(404, 'DELETE', `/tags/${made.id}`, { as: moderator })
  expect((await ask(200, 'GET', '/me/profile', { as: ann })).tags).toEqual([other.id])
  expect(await world.database.collection('audiofiletags').countDocuments({ tagId: made.id })).toBe(0)
  const { tags } = world.instances[0]!.app!.services
  const names = [`${word} one`, `${word} TWO`, `${word} One`, `${word} ambient`]
  const ensured = await Promise.all([1, 2, 3].map(() => tags.ensure(names)))
  expect(new Set(ensured.map((each) => JSON.stringify(each.map(({ id }) => id)))).size).toBe(1)
  expect(ensured[0]!.at(-1)).toMatchObject({ id: other.id })
  expect(ensured[0]).toHaveLength(3)
})

test('[LIFE-08] an AudioFileMetricType has its status changes in an AudioFileMetricTypeStatusLog', async () => {
  const name = fresh('Dynamics')
  const post = (status: number, body: object, as = admin) => ask(status, 'POST', '/metric-types', { as, body })
  const made = expectModel('AudioFileMetricType', await post(201, { name, importance: 0.8, status: 'development' }))
  expect(made).toMatchObject({ name, importance: 0.8, status: 'development', updatedAt: null })
  await post(409, { name, status: 'active' })
  await post(422, { name: 'x', importance: 1.5 })
  await post(403, { name: 'x' }, ann)
  await post(403, { name: 'x' }, moderator)
  const path = `/metric-types/${made.id}`
  expect(await ask(200, 'GET', path, { as: ann })).toEqual(made)
  const patch = (status: number, body: object) => ask(status, 'PATCH', path, { as: admin, body })
  const active = await patch(200, { status: 'active', notes: 'Ready', importance: null, description: 'Loudness' })
  expect(expectModel('AudioFileMetricType', active)).toMatchObject({ status: 'active', description: 'Loudness' })
  expect(active).not.toHaveProperty('importance')
  // The same status is no change, nor is another field.
  await patch(200, { status: 'active', notes: 'Again' })
  await patch(200, { description: 'Variation of loudness' })
  await patch(422, { notes: 'Why?' })
  await patch(422, { status: 'broken' })
  await patch(200, { status: 'suspended', notes: 'Recalibration' })
  const history = await all('AudioFileMetricTypeStatusLog', `${path}/status-log`, ann, 1)
  expect(history.map(({ status, notes, changedByUserId }) => [status, notes, changedByUserId])).toEqual([
    ['suspended', 'Recalibration', admin.id],
    ['active', 'Ready', admin.id],
    ['development', undefined, admin.id],
  ])
  const other = await post(201, { name: fresh('Groove'), status: 'active' })
  const ids = (await all('AudioFileMetricType', '/metric-types?status=active', ann)).map(({ id }) => id)
  expect(ids).toContain(other.id)
  expect(ids).not.toContain(made.id)
  await patch(409, { name: other.name })
  await world.database.collection('audiofilemetricvalues').insertOne({ metricTypeId: made.id } as object)
  await ask(409, 'DELETE', path, { as: admin })
  await world.database.collection('audiofilemetricvalues').deleteMany({ metricTypeId: made.id })
  await ask(403, 'DELETE', path, { as: moderator })
  await ask(204, 'DELETE', path, { as: admin })
  await ask(404, 'GET', `${path}/status-log`, { as: ann })
  const lines = world.database.collection('audiofilemetrictypestatuslogs')
  expect(await lines.countDocuments({ metricTypeId: made.id })).toBe(0)
})

test('[LIFE-09] a Session is opened, listed, and revoked', async () => {
  const login = { body: { email: ann.email, password: ann.password } }
  const opened = await ask(200, 'POST', '/auth/login', login)
  expectModel('Session', opened.session)
  expectModel('User', opened.user)
  expectModel('Profile', opened.profile)
  const mine = await all('Session', '/sessions', ann, 1)
  expect(mine.map(({ id }) => id)).toEqual([opened.session.id, ann.sessionId])
  await ask(404, 'DELETE', `/sessions/${opened.session.id}`, { as: ben })
  await ask(204, 'DELETE', `/sessions/${opened.session.id}`, { as: ann })
  await ask(401, 'GET', '/me', { as: { accessToken: opened.accessToken } })
})

test('[LIFE-10] a list goes on where it was while things come and go', async () => {
  const word = fresh('paging')
  const make = (suffix: string) => ask(201, 'POST', '/tags', { as: ann, body: { name: `${word}-${suffix}` } })
  for (const suffix of ['b', 'd', 'f', 'h']) await make(suffix)
  const first = await ask(200, 'GET', `/tags?q=${word}&limit=2`, { as: ann })
  expect(first.items.map(({ name }: any) => name)).toEqual([`${word}-b`, `${word}-d`])
  await ask(204, 'DELETE', `/tags/${first.items[1].id}`, { as: moderator })
  await make('a')
  await make('e')
  const second = await ask(200, 'GET', `/tags?q=${word}&limit=10&cursor=${first.nextCursor}`, { as: ann })
  expect(second.items.map(({ name }: any) => name)).toEqual([`${word}-e`, `${word}-f`, `${word}-h`])
  for (const path of ['/tags', '/metric-types', '/reports']) {
    await ask(422, 'GET', `${path}?cursor=nonsense`, { as: ann })
    await ask(422, 'GET', `${path}?limit=0`, { as: ann })
  }
  for (const path of [
    '/users',
    '/users?q=x',
    '/roles',
    '/permissions',
    '/user-roles',
    '/role-permissions',
    '/audit-logs',
  ]) {
    await ask(422, 'GET', `${path}${path.includes('?') ? '&' : '?'}cursor=nonsense`, { as: admin })
  }
})
