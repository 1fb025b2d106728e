import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeAdmin, makeModerator, permissionFor, roleNamed } from '../support/staff.ts'
import { type AskOptions, createWorld, type Person, type World } from '../support/world.ts'
import { fresh } from '../support/worlds.ts'

let world: World
let admin: Person

async function ask(status: number, method: string, path: string, options: AskOptions = {}): Promise<any> {
  const answer = await world.ask(method, `/api/v1${path}`, options)
  expect(answer, `${method} ${path}: ${JSON.stringify(answer.body)}`).toMatchObject({ status })
  return answer.body
}

/** Until something is so: how many milliseconds after now. */
async function untilSo(isSo: () => Promise<boolean>): Promise<number> {
  const start = performance.now()
  while (!(await isSo())) {
    if (performance.now() - start > 30_000) throw new Error('It did not come to be so')
    await new Promise((done) => setTimeout(done, 15))
  }
  return performance.now() - start
}

const statusOf = async (who: Person, path: string, instance: number) =>
  (await world.ask('GET', `/api/v1${path}`, { as: who, instance })).status

/** A role with permissions, made by the admin. */
async function roleWith(...keys: string[]): Promise<string> {
  const { id: roleId } = await ask(201, 'POST', '/roles', { as: admin, body: { name: fresh('role') } })
  for (const key of keys) {
    const { id: permissionId } = await permissionFor(world, key)
    await ask(201, 'POST', '/role-permissions', { as: admin, body: { roleId, permissionId } })
  }
  return roleId
}
const give = (userId: string, roleId: string) =>
  ask(201, 'POST', '/user-roles', { as: admin, body: { userId, roleId } })
const take = (userId: string, roleId: string) => ask(204, 'DELETE', `/user-roles/${userId}/${roleId}`, { as: admin })

/** What somebody said in a public room that the others are not in. */
async function said(by: Person, visibility = 'public'): Promise<{ messageId: string; roomId: string }> {
  const room = await ask(201, 'POST', '/chat-rooms', { as: by, body: { name: fresh('Room'), visibility } })
  const message = await ask(201, 'POST', `/chat-rooms/${room.id}/messages`, { as: by, body: { content: 'spam' } })
  return { messageId: message.id, roomId: room.id }
}

for (const redis of [true, false]) {
  describe(redis ? 'two instances' : 'two instances that no message connects', () => {
    beforeAll(async () => {
      world = await createWorld({ instances: 2, redis })
      admin = await makeAdmin(world)
    })
    afterAll(() => world?.close())
    if (redis) rules()

    test('[RIGHT-04] a role given or taken is in force on every instance within a second, for requests and sockets', async () => {
      const roleId = await roleWith('read:AuditLog', 'delete:ChatMessage')
      const speaker = await world.user()
      for (let round = 0; round < 2; round++) {
        const person = await world.user()
        const sockets = await Promise.all([0, 1].map((instance) => world.connect(person, instance)))
        const mayRead = (instance: number) => statusOf(person, '/audit-logs?limit=1', instance)
        expect([await mayRead(0), await mayRead(1)]).toEqual([403, 403])
        await give(person.id, roleId)
        expect(await mayRead(0)).toBe(200)
        expect(await untilSo(async () => (await mayRead(1)) === 200)).toBeLessThan(1_000)
        for (const socket of sockets) {
          const { messageId } = await said(speaker)
          const deletes = async () => (await socket.codeOf('room:delete', { messageId })) === 'ok'
          expect(await untilSo(deletes)).toBeLessThan(1_000)
        }
        await take(person.id, roleId)
        expect(await mayRead(0)).toBe(403)
        expect(await untilSo(async () => (await mayRead(1)) === 403)).toBeLessThan(1_000)
        for (const socket of sockets) {
          const refused = async () => {
            const { messageId } = await said(speaker)
            return (await socket.codeOf('room:delete', { messageId })) === 'not_found'
          }
          expect(await untilSo(refused)).toBeLessThan(1_000)
        }
      }
    })

    test('[RIGHT-05] what a role permits changes for all who have it within a second, on every instance', async () => {
      const roleId = await roleWith()
      const people = await world.users('One', 'Two')
      for (const { id } of people) await give(id, roleId)
      const all = async (status: number) => {
        for (const person of people)
          for (const instance of [0, 1])
            if ((await statusOf(person, '/users?limit=1', instance)) !== status) return false
        return true
      }
      expect(await all(403)).toBe(true)
      const { id: permissionId } = await permissionFor(world, 'read:User')
      await ask(201, 'POST', '/role-permissions', { as: admin, body: { roleId, permissionId } })
      expect(await untilSo(() => all(200))).toBeLessThan(1_000)
      await ask(204, 'DELETE', `/role-permissions/${roleId}/${permissionId}`, { as: admin, instance: 1 })
      expect(await untilSo(() => all(403))).toBeLessThan(1_000)
      await ask(201, 'POST', '/role-permissions', { as: admin, body: { roleId, permissionId } })
      expect(await untilSo(() => all(200))).toBeLessThan(1_000)
      await ask(204, 'DELETE', `/roles/${roleId}`, { as: admin })
      expect(await untilSo(() => all(403))).toBeLessThan(1_000)
    })

    test('[RIGHT-06] an admin made or unmade is one or none on every instance within a second', async () => {
      const person = await world.user()
      const role = await roleNamed(world, 'admin')
      const may = (instance: number) => statusOf(person, '/roles', instance)
      expect([await may(0), await may(1)]).toEqual([403, 403])
      await ask(200, 'PATCH', `/users/${person.id}`, { as: admin, body: { role: 'admin' } })
      expect(await untilSo(async () => (await may(1)) === 200)).toBeLessThan(1_000)
      await take(person.id, role.id)
      expect((await ask(200, 'GET', '/me', { as: person })).user.role).toBe('user')
      expect(await untilSo(async () => (await may(1)) === 403)).toBeLessThan(1_000)
      await give(person.id, role.id)
      expect((await ask(200, 'GET', '/me', { as: person })).user.role).toBe('admin')
      expect(await untilSo(async () => (await may(1)) === 200)).toBeLessThan(1_000)
      await ask(200, 'PATCH', `/users/${person.id}`, { as: admin, body: { role: 'user' } })
      await ask(404, 'GET', `/user-roles/${person.id}/${role.id}`, { as: admin })
      expect(await untilSo(async () => (await may(1)) === 403)).toBeLessThan(1_000)
    })

    test('[RIGHT-07] an instance that missed more changes than are kept takes everything for changed', async () => {
      const person = await world.user()
      const socket = await world.connect(person, 1)
      const role = await roleNamed(world, 'moderator')
      expect(await statusOf(person, '/users?limit=1', 1)).toBe(403)
      // As if others had changed a lot while this instance could not look.
      await world.database
        .collection('userroles')
        .insertOne({ _id: fresh('link'), userId: person.id, roleId: role.id } as never)
      const changes = Array.from({ length: 200 }, (_, index) => `somebody ${index}`)
      await world.database
        .collection('rightsstates')
        .updateOne({ _id: 'rights' } as never, { $inc: { version: 1_000 }, $set: { changes } })
      expect(await untilSo(async () => (await statusOf(person, '/users?limit=1', 1)) === 200)).toBeLessThan(1_000)
      const { messageId } = await said(admin)
      expect(await untilSo(async () => (await socket.codeOf('room:delete', { messageId })) === 'ok')).toBeLessThan(
        1_000,
      )
    })
  })
}

/** What is the same however instances are connected. */
function rules() {
  let moderator: Person
  beforeAll(async () => {
    moderator = await makeModerator(world, admin)
  })

  test('[RIGHT-08] who manages roles without being an admin hands out and takes no more than they hold', async () => {
    const manager = await world.user()
    await give(manager.id, await roleWith('manage:Role', 'manage:Tag'))
    const as = manager
    const [person, other] = (await world.users('One', 'Two')) as [Person, Person]
    const tags = await roleWith('manage:Tag')
    const users = await roleWith('manage:User')
    const own = await ask(201, 'POST', '/roles', { as, body: { name: fresh('own') } })
    const link = async (roleId: string, key: string) => ({ roleId, permissionId: (await permissionFor(world, key)).id })
    await ask(201, 'POST', '/role-permissions', { as, body: await link(own.id, 'manage:Tag') })
    await ask(403, 'POST', '/role-permissions', { as, body: await link(own.id, 'manage:User') })
    const { roleId, permissionId } = await link(users, 'manage:User')
    await ask(403, 'DELETE', `/role-permissions/${roleId}/${permissionId}`, { as })
    await ask(201, 'POST', '/user-roles', { as, body: { userId: person.id, roleId: own.id } })
    await ask(201, 'POST', '/user-roles', { as, body: { userId: person.id, roleId: tags } })
    for (const role of [users, (await roleNamed(world, 'moderator')).id, (await roleNamed(world, 'admin')).id]) {
      await ask(403, 'POST', '/user-roles', { as, body: { userId: manager.id, roleId: role } })
    }
    await give(other.id, users)
    await ask(403, 'DELETE', `/user-roles/${other.id}/${users}`, { as })
    await ask(403, 'DELETE', `/user-roles/${admin.id}/${(await roleNamed(world, 'admin')).id}`, { as })
    await ask(403, 'DELETE', `/roles/${users}`, { as })
    await ask(403, 'PATCH', `/roles/${users}`, { as, body: { name: 'x' } })
    await ask(403, 'PATCH', `/permissions/${permissionId}`, { as, body: { description: 'x' } })
    await ask(204, 'DELETE', `/roles/${own.id}`, { as })
    // Who manages accounts changes none of an admin’s, and makes no admins.
    await ask(403, 'PATCH', `/users/${person.id}`, { as: other, body: { role: 'admin' } })
    await ask(403, 'PATCH', `/users/${admin.id}`, { as: other, body: { isVerified: false } })
    await ask(403, 'PUT', `/users/${admin.id}/ban`, { as: other })
    await ask(403, 'PUT', `/users/${other.id}/ban`, { as: other })
    await ask(204, 'PUT', `/users/${person.id}/ban`, { as: other })
    await ask(204, 'DELETE', `/users/${person.id}/ban`, { as: other })
    // The role admin permits everything, always; bots have no roles.
    await ask(409, 'POST', '/role-permissions', {
      as: admin,
      body: await link((await roleNamed(world, 'admin')).id, 'manage:Tag'),
    })
    const all = await link((await roleNamed(world, 'admin')).id, 'manage:Tag')
    await ask(409, 'DELETE', `/role-permissions/${all.roleId}/${all.permissionId}`, { as: admin })
    const bot = await world.bot(admin, ['profile:read'])
    await ask(409, 'POST', '/user-roles', { as: admin, body: { userId: bot.id, roleId: tags } })
    await ask(409, 'PATCH', `/users/${bot.id}`, { as: admin, body: { role: 'admin' } })
    await ask(403, 'GET', '/roles', { as: bot })
  })

  test('[RIGHT-09] the last admin stays one, also when two unmake each other at the same time', async () => {
    const role = await roleNamed(world, 'admin')
    const alone = async (who: Person) => {
      await ask(409, 'PATCH', `/users/${who.id}`, { as: who, body: { role: 'user' } })
      await ask(409, 'DELETE', `/user-roles/${who.id}/${role.id}`, { as: who })
      await ask(403, 'PUT', `/users/${who.id}/ban`, { as: who })
    }
    await alone(admin)
    // A suspended admin does not count.
    const away = await makeAdmin(world)
    await ask(204, 'PUT', `/users/${away.id}/ban`, { as: admin })
    await alone(admin)
    await ask(200, 'PATCH', `/users/${away.id}`, { as: admin, body: { role: 'user' } })
    for (let round = 0; round < 4; round++) {
      const second = await makeAdmin(world)
      const demote = (by: Person, whom: Person) =>
        world.ask('PATCH', `/api/v1/users/${whom.id}`, { as: by, body: { role: 'user' } })
      const ban = (by: Person, whom: Person) => world.ask('PUT', `/api/v1/users/${whom.id}/ban`, { as: by })
      await Promise.all(
        round % 2 ? [demote(admin, second), demote(second, admin)] : [ban(second, admin), demote(admin, second)],
      )
      const left = await world.database.collection('users').find({ role: 'admin', bannedAt: null }).toArray()
      expect(left).toHaveLength(1)
      // The walk goes on with whoever is left.
      const [stays, goes] = String(left[0]!['_id']) === admin.id ? [admin, second] : [second, admin]
      if (stays === second) {
        await world.ask('DELETE', `/api/v1/users/${goes.id}/ban`, { as: stays })
        const { accessToken } = await ask(200, 'POST', '/auth/login', {
          body: { email: goes.email, password: goes.password },
        })
        admin = { ...goes, accessToken }
        await ask(200, 'PATCH', `/users/${admin.id}`, { as: stays, body: { role: 'admin' } })
        await ask(200, 'PATCH', `/users/${stays.id}`, { as: admin, body: { role: 'user' } })
      }
    }
  })

  test('[RIGHT-10] the standard rights are made once by however many instances, and what was taken stays taken', async () => {
    const counts = () =>
      Promise.all(
        ['roles', 'permissions', 'rolepermissions'].map((name) => world.database.collection(name).countDocuments()),
      )
    const { id: roleId } = await roleNamed(world, 'moderator')
    const taken = await permissionFor(world, 'delete:Comment')
    await ask(204, 'DELETE', `/role-permissions/${roleId}/${taken.id}`, { as: admin })
    const before = await counts()
    await Promise.all([world.addInstance(), world.addInstance()])
    expect(await counts()).toEqual(before)
    // One that is new, as after an update, comes with those who get it from the start.
    const gone = await permissionFor(world, 'moderate:Report')
    await world.database.collection('permissions').deleteOne({ _id: gone.id } as never)
    await world.database.collection('rolepermissions').deleteMany({ permissionId: gone.id })
    await Promise.all([world.addInstance(), world.addInstance()])
    expect(await counts()).toEqual(before)
    const again = await permissionFor(world, 'moderate:Report')
    expect(again.id).not.toBe(gone.id)
    const links = await ask(200, 'GET', `/role-permissions?permissionId=${again.id}`, { as: admin })
    expect(links.items).toHaveLength(2)
    await ask(404, 'GET', `/role-permissions/${roleId}/${taken.id}`, { as: admin })
    expect(await untilSo(async () => (await statusOf(moderator, '/reports', 0)) === 200)).toBeLessThan(2_000)
  })

  test('[RIGHT-11] moderators delete what is said in public rooms, which is written down; private rooms stay shut', async () => {
    const speaker = await world.user()
    const { messageId, roomId } = await said(speaker)
    const path = `/chat-rooms/${roomId}/messages/${messageId}`
    const ears = await world.connect(speaker)
    await ask(404, 'DELETE', path, { as: await world.user() })
    const bot = await world.bot(moderator, ['rooms:read', 'rooms:write'])
    await ask(404, 'DELETE', path, { as: bot })
    expect(await ask(200, 'DELETE', path, { as: moderator })).toMatchObject({ id: messageId, content: '' })
    expect((await ears.next('room:message:deleted')).id).toBe(messageId)
    await ask(200, 'DELETE', path, { as: moderator })
    const acts = await ask(200, 'GET', `/audit-logs?action=ChatMessageDelete&userId=${moderator.id}`, { as: admin })
    expect(acts.items.map(({ details }: any) => details)).toEqual([
      { messageId, chatRoomId: roomId, senderId: speaker.id },
    ])
    const hidden = await said(speaker, 'private')
    for (const who of [moderator, admin]) {
      await ask(404, 'DELETE', `/chat-rooms/${hidden.roomId}/messages/${hidden.messageId}`, { as: who })
    }
    await ask(200, 'DELETE', `/chat-rooms/${hidden.roomId}/messages/${hidden.messageId}`, { as: speaker })
  })

  test('[RIGHT-12] moderators change profiles and public rooms of others, which is written down; not those of admins, nor private rooms', async () => {
    const speaker = await world.user()
    const own = await ask(200, 'PATCH', '/me/profile', { as: speaker, body: { bio: 'Spam', location: 'Here' } })
    const path = `/users/${speaker.id}/profile`
    await ask(403, 'PATCH', path, { as: await world.user(), body: { bio: null } })
    await ask(403, 'PATCH', path, { as: speaker, body: { bio: null } })
    const cleaned = await ask(200, 'PATCH', path, { as: moderator, body: { bio: null } })
    expect(cleaned).toMatchObject({ id: own.id, location: 'Here' })
    expect(cleaned.bio).toBeUndefined()
    await ask(403, 'PATCH', `/users/${admin.id}/profile`, { as: moderator, body: { bio: null } })
    await ask(200, 'PATCH', `/users/${moderator.id}/profile`, { as: admin, body: { bio: null } })
    const { roomId } = await said(speaker)
    const ears = await world.connect(speaker)
    await ask(403, 'PATCH', `/chat-rooms/${roomId}`, { as: await world.user(), body: { name: 'Mine' } })
    const room = await ask(200, 'PATCH', `/chat-rooms/${roomId}`, {
      as: moderator,
      body: { name: 'Decent', topic: '' },
    })
    expect(room.name).toBe('Decent')
    expect(await ears.next('room:updated')).toMatchObject({ name: 'Decent' })
    // The owner's own changes are nobody's moderation.
    await ask(200, 'PATCH', `/chat-rooms/${roomId}`, { as: speaker, body: { name: 'Mine again' } })
    const hidden = await said(speaker, 'private')
    for (const who of [moderator, admin]) {
      await ask(404, 'PATCH', `/chat-rooms/${hidden.roomId}`, { as: who, body: { name: 'Seen' } })
    }
    const bot = await world.bot(moderator, ['rooms:read', 'rooms:write'])
    await ask(403, 'PATCH', `/chat-rooms/${roomId}`, { as: bot, body: { name: 'Beep' } })
    const acts = async (action: string) =>
      (await ask(200, 'GET', `/audit-logs?action=${action}`, { as: admin })).items.map(
        ({ performedBy, details }: any) => ({ performedBy, ...details }),
      )
    expect(await acts('ChatRoomModerate')).toEqual([
      { performedBy: moderator.id, chatRoomId: roomId, fields: ['name', 'topic'] },
    ])
    expect(await acts('ProfileModerate')).toEqual([
      expect.objectContaining({ performedBy: admin.id, userId: moderator.id }),
      { performedBy: moderator.id, profileId: own.id, userId: speaker.id, fields: ['bio'] },
    ])
  })
}
