import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newId } from '../../src/kernel/ids.ts'
import { until } from '../support/socket.ts'
import { expectModel, expectPage } from '../support/wire.ts'
import { createWorld, type World } from '../support/world.ts'
import { createStage } from './stage.ts'

describe('likes, comments and follows', () => {
  let world: World
  const { ask, all, audio, insert, project, member, profileId } = createStage(() => world)
  beforeAll(async () => {
    world = await createWorld({ instances: 2 })
  })
  afterAll(() => world.close())
  const notes = (userId: string) => world.database.collection('notifications').find({ userId }).toArray()

  it('[SOC-01] a hundred likes of one user at once are one like and one notification, live', async () => {
    const [ann, bob] = await world.users('Ann', 'Bob')
    const socket = await world.connect(ann!, 1)
    const body = { targetType: 'AudioFile', targetId: await audio(ann!) }
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, n) => world.ask('PUT', '/api/v1/likes', { as: bob!, body, instance: n % 2 })),
    )
    expect(answers.map(({ status }) => status)).toEqual(Array(100).fill(200))
    for (const answer of answers) expectModel('Like', answer.body)
    expect(new Set(answers.map((answer) => answer.body.createdAt)).size).toBe(1)
    expect(await world.database.collection('likes').countDocuments(body)).toBe(1)
    const note = expectModel('Notification', await socket.next('notification'))
    expect(note).toMatchObject({ type: 'NewLike', userId: ann!.id, payload: { actorId: bob!.id, others: 0, ...body } })
    expect(await notes(ann!.id)).toHaveLength(1)
    expect(socket.of('notification')).toHaveLength(1)
  })

  it('[SOC-02] a like taken back and given again notifies once, also after it was read', async () => {
    const [ann, bob] = await world.users('Ann', 'Bob')
    const body = { targetType: 'AudioFile', targetId: await audio(ann!) }
    const query = `targetType=AudioFile&targetId=${body.targetId}`
    await ask(200, 'PUT', '/likes', { as: bob!, body })
    await ask(204, 'DELETE', '/likes', { as: bob!, body })
    await ask(204, 'DELETE', '/likes', { as: bob!, body })
    expect(await ask(200, 'GET', `/likes/count?${query}`, { as: bob! })).toEqual({ count: 0, liked: false })
    await ask(200, 'PUT', '/likes', { as: bob!, body })
    expect(await ask(200, 'GET', `/likes/count?${query}`, { as: bob! })).toEqual({ count: 1, liked: true })
    await ask(200, 'POST', '/notifications/read', { as: ann!, body: { all: true } })
    await ask(204, 'DELETE', `/likes?${query}`, { as: bob! })
    expect(await ask(200, 'GET', `/likes/count?${query}`, {})).toEqual({ count: 0, liked: false })
    await ask(200, 'PUT', '/likes', { as: bob!, body })
    expect(await notes(ann!.id)).toHaveLength(1)
    await ask(422, 'DELETE', '/likes', { as: bob! })
    await ask(422, 'DELETE', '/likes?targetType=AudioFile', { as: bob! })
  })

  it('[SOC-03] likes of several people are one unread notification, told again as it grows', async () => {
    const [ann, ...fans] = await world.users('Ann', 'Bob', 'Cy', 'Di', 'Ed', 'Flo', 'Gus')
    const socket = await world.connect(ann!, 0)
    const body = { targetType: 'AudioFile', targetId: await audio(ann!) }
    await ask(200, 'PUT', '/likes', { as: fans[0]!, body })
    await Promise.all(
      fans.slice(1).map((fan, n) => world.ask('PUT', '/api/v1/likes', { as: fan, body, instance: n % 2 })),
    )
    // The owner's own like is no news.
    await ask(200, 'PUT', '/likes', { as: ann!, body })
    const grown = await socket.next('notification', ({ payload }) => payload.others === 5)
    expect(grown.payload).toMatchObject({ count: 6, ...body })
    expect(grown.payload.actorIds).toHaveLength(5)
    expect(grown.payload.actorIds[0]).toBe(grown.payload.actorId)
    expect(new Set(socket.of('notification').map(({ id }) => id)).size).toBe(1)
    expect(await ask(200, 'GET', '/notifications', { as: ann! })).toMatchObject({ items: [{ id: grown.id }] })
    expect(JSON.stringify(grown)).not.toContain('acts')
    await ask(200, 'POST', '/notifications/read', { as: ann!, body: { all: true } })
    const late = await world.user('Late')
    await ask(200, 'PUT', '/likes', { as: late, body })
    const next = await socket.next('notification', ({ id }) => id !== grown.id)
    expect(next.payload).toMatchObject({ actorId: late.id, others: 0, count: 1 })
  })

  it('[SOC-04] a thing that is not seen is not found: for likes, comments, counts and lists', async () => {
    const [ann, bob] = await world.users('Ann', 'Bob')
    const hidden: [string, string][] = [
      ['AudioFile', await audio(ann!, 'private')],
      ['AudioFile', await audio(ann!, 'draft')],
      ['Playlist', await insert('playlists', { ownerId: ann!.id, name: 'Mine', isPublic: false })],
      ['Project', await project(ann!, false)],
      ['AudioFile', newId()],
    ]
    for (const [targetType, targetId] of hidden) {
      const place = { targetType, targetId }
      const query = `targetType=${targetType}&targetId=${targetId}`
      await ask(404, 'PUT', '/likes', { as: bob!, body: place })
      await ask(404, 'POST', '/comments', { as: bob!, body: { ...place, content: 'hi' } })
      for (const options of [{ as: bob! }, {}]) {
        await ask(404, 'GET', `/likes?${query}`, options)
        await ask(404, 'GET', `/likes/count?${query}`, options)
        await ask(404, 'GET', `/comments?${query}`, options)
        const counted = `/likes/counts?targetType=${targetType}&targetIds=${targetId}`
        expect(await ask(200, 'GET', counted, options)).toEqual({ items: [] })
      }
    }
    for (const [targetType, targetId] of hidden.slice(0, -1)) {
      await ask(200, 'PUT', '/likes', { as: ann!, body: { targetType, targetId } })
    }
    await member(bob!.id, hidden[3]![1])
    await ask(200, 'PUT', '/likes', { as: bob!, body: { targetType: 'Project', targetId: hidden[3]![1] } })
    const unlisted = await audio(ann!, 'unlisted')
    await ask(200, 'PUT', '/likes', { as: bob!, body: { targetType: 'AudioFile', targetId: unlisted } })
    // A comment is where its thing is: out of sight once that is private, but still its author's.
    const on = { targetType: 'AudioFile', targetId: unlisted }
    const comment = await ask(201, 'POST', '/comments', { as: bob!, body: { ...on, content: 'hi' } })
    await world.database
      .collection('audiofiles')
      .updateOne({ _id: unlisted as never }, { $set: { visibility: 'private' } })
    const cy = await world.user('Cy')
    await ask(404, 'GET', `/comments/${comment.id}`, { as: cy })
    await ask(404, 'PUT', '/likes', { as: cy, body: { targetType: 'Comment', targetId: comment.id } })
    await ask(200, 'GET', `/comments/${comment.id}`, { as: bob! })
    await ask(204, 'DELETE', `/comments/${comment.id}`, { as: bob! })
  })

  it('[SOC-05] likes are listed and counted in pages that writes do not shift, without asking for each thing', async () => {
    const [ann, ...fans] = await world.users('Ann', 'Bob', 'Cy', 'Di', 'Ed', 'Flo')
    const ids = await Promise.all([audio(ann!), audio(ann!), audio(ann!)])
    const place = (targetId: string) => ({ targetType: 'AudioFile', targetId })
    for (const fan of fans) await ask(200, 'PUT', '/likes', { as: fan, body: place(ids[0]!) })
    await ask(200, 'PUT', '/likes', { as: fans[0]!, body: place(ids[1]!) })
    const query = `targetType=AudioFile&targetId=${ids[0]}`
    const first = await ask(200, 'GET', `/likes?${query}&limit=2`, { as: ann! })
    await ask(204, 'DELETE', '/likes', { as: fans[4]!, body: place(ids[0]!) })
    await ask(200, 'PUT', '/likes', { as: ann!, body: place(ids[0]!) })
    const rest = await ask(200, 'GET', `/likes?${query}&cursor=${first.nextCursor}`, { as: ann! })
    expect([...expectPage('Like', first), ...expectPage('Like', rest)].map((like: any) => like.userId)).toEqual(
      fans.map(({ id }) => id).reverse(),
    )
    const counts = await ask(
      200,
      'GET',
      `/likes/counts?targetType=AudioFile&${ids.map((id) => `targetIds=${id}`).join('&')}`,
      {
        as: fans[0]!,
      },
    )
    expect(new Map(counts.items.map((item: any) => [item.targetId, [item.count, item.liked]]))).toEqual(
      new Map([
        [ids[0], [5, true]],
        [ids[1], [1, true]],
        [ids[2], [0, false]],
      ]),
    )
    expect((await all('/me/likes', { as: fans[0]! }, 1)).map((like) => like.targetId)).toEqual([ids[1], ids[0]])
  })

  it('[SOC-06] comments: written, moved, changed by their author; removed by author, owner or moderator', async () => {
    const [ann, bob, cy] = await world.users('Ann', 'Bob', 'Cy')
    const socket = await world.connect(ann!, 1)
    const targetId = await audio(ann!, 'public', { duration: 60 })
    const on = { targetType: 'AudioFile', targetId }
    const write = (person: any, more: object = {}) =>
      ask(201, 'POST', '/comments', { as: person, body: { ...on, content: 'Nice', ...more } })
    const comment = expectModel('Comment', await write(bob!, { atSeconds: 12.5 }))
    expect(comment).toMatchObject({ authorId: bob!.id, atSeconds: 12.5, ...on })
    expect((await socket.next('notification')).payload).toMatchObject({
      actorId: bob!.id,
      commentId: comment.id,
      ...on,
    })
    await ask(422, 'POST', '/comments', { as: bob!, body: { ...on, content: 'late', atSeconds: 61 } })
    await ask(422, 'POST', '/comments', { as: bob!, body: { ...on, content: '' } })
    const profile = { targetType: 'Profile', targetId: await profileId(ann!) }
    await ask(422, 'POST', '/comments', { as: bob!, body: { ...profile, content: 'hi', atSeconds: 1 } })
    expectModel('Comment', await ask(201, 'POST', '/comments', { as: bob!, body: { ...profile, content: 'hi' } }))
    await ask(403, 'PATCH', `/comments/${comment.id}`, { as: cy!, body: { content: 'Bad' } })
    const changed = await ask(200, 'PATCH', `/comments/${comment.id}`, {
      as: bob!,
      body: { content: 'Very nice', atSeconds: null },
    })
    expect(expectModel('Comment', changed)).toMatchObject({ content: 'Very nice' })
    expect(changed.atSeconds).toBeUndefined()
    expect(changed.updatedAt).not.toBeNull()
    await ask(200, 'PUT', '/likes', { as: cy!, body: { targetType: 'Comment', targetId: comment.id } })
    await ask(403, 'DELETE', `/comments/${comment.id}`, { as: cy! })
    await ask(204, 'DELETE', `/comments/${comment.id}`, { as: ann! })
    await ask(404, 'GET', `/comments/${comment.id}`, { as: ann! })
    expect(await world.database.collection('likes').countDocuments({ targetId: comment.id })).toBe(0)
    const admin = await world.user('Root')
    await world.database.collection('users').updateOne({ _id: admin.id as never }, { $set: { role: 'admin' } })
    const { accessToken } = await ask(200, 'POST', '/auth/login', {
      body: { email: admin.email, password: admin.password },
    })
    await ask(204, 'DELETE', `/comments/${(await write(bob!)).id}`, { as: { accessToken } })
    await ask(204, 'DELETE', `/comments/${(await write(bob!)).id}`, { as: bob! })
  })

  it('[SOC-07] comments are listed in both orders, with their authors’ profiles, and counted', async () => {
    const [ann, bob] = await world.users('Ann', 'Bob')
    const targetId = await audio(ann!)
    const ids: string[] = []
    for (const author of [ann!, bob!, ann!, bob!, ann!]) {
      const body = { targetType: 'AudioFile', targetId, content: 'x' }
      ids.push((await ask(201, 'POST', '/comments', { as: author, body })).id)
    }
    const query = `/comments?targetType=AudioFile&targetId=${targetId}`
    expect((await all(query)).map(({ id }) => id)).toEqual([...ids].reverse())
    expect((await all(`${query}&sort=oldest`)).map(({ id }) => id)).toEqual(ids)
    const page = await ask(200, 'GET', `${query}&expand=true`)
    expect(page.profiles.map((profile: any) => expectModel('Profile', profile).userId).sort()).toEqual(
      [ann!.id, bob!.id].sort(),
    )
    expect(await ask(200, 'GET', `/comments/counts?targetType=AudioFile&targetIds=${targetId}`)).toEqual({
      items: [{ targetId, count: 5 }],
    })
    // Three comments of Bob's (two here) are one unread notification.
    expect(await notes(ann!.id)).toMatchObject([{ payload: { actorId: bob!.id, others: 0, count: 2 } }])
  })

  it('[SOC-08] follows: once, not oneself, told once; lists and counts', async () => {
    const [ann, bob, cy] = await world.users('Ann', 'Bob', 'Cy')
    const socket = await world.connect(ann!, 1)
    const follows = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        world.ask('PUT', `/api/v1/follows/${ann!.id}`, { as: bob!, instance: n % 2 }),
      ),
    )
    for (const { status, body } of follows) {
      expect(status).toBe(200)
      expect(expectModel('UserFollow', body)).toMatchObject({ followerId: bob!.id, followeeId: ann!.id })
    }
    await socket.next('notification', ({ type }) => type === 'NewFollow')
    await ask(200, 'PUT', `/follows/${ann!.id}`, { as: cy! })
    await ask(200, 'PUT', `/follows/${cy!.id}`, { as: ann! })
    const note = await socket.next('notification', ({ payload }) => payload.others === 1)
    expect(note.payload).toMatchObject({ actorId: cy!.id, actorIds: [cy!.id, bob!.id] })
    await ask(422, 'PUT', `/follows/${ann!.id}`, { as: ann! })
    await ask(404, 'PUT', `/follows/${newId()}`, { as: ann! })
    const followers = await all(`/users/${ann!.id}/followers`, { as: bob! }, 1)
    expect(followers.map(({ followerId }) => followerId)).toEqual([cy!.id, bob!.id])
    const page = await ask(200, 'GET', `/users/${ann!.id}/following?expand=true`, { as: bob! })
    expect(expectPage('UserFollow', page)).toMatchObject([{ followeeId: cy!.id }])
    expect(page.profiles).toMatchObject([{ userId: cy!.id }])
    expect(await ask(200, 'GET', `/users/${ann!.id}/follow-counts`, { as: cy! })).toEqual({
      followers: 2,
      following: 1,
      isFollowed: true,
      isFollower: true,
    })
    await ask(204, 'DELETE', `/follows/${ann!.id}`, { as: bob! })
    await ask(204, 'DELETE', `/follows/${ann!.id}`, { as: bob! })
    await ask(200, 'PUT', `/follows/${ann!.id}`, { as: bob! })
    await ask(404, 'GET', `/users/${newId()}/followers`, { as: ann! })
    expect((await notes(ann!.id)).map(({ payload }) => payload.count)).toEqual([2])
  })

  it('[SOC-09] whom one blocks can’t like, comment or follow, and follows no more', async () => {
    const [ann, bob] = await world.users('Ann', 'Bob')
    const targetId = await audio(ann!)
    await ask(200, 'PUT', `/follows/${ann!.id}`, { as: bob! })
    await ask(204, 'PUT', `/blocks/${bob!.id}`, { as: ann! })
    await ask(403, 'PUT', `/follows/${ann!.id}`, { as: bob! })
    await ask(403, 'PUT', '/likes', { as: bob!, body: { targetType: 'AudioFile', targetId } })
    await ask(403, 'POST', '/comments', { as: bob!, body: { targetType: 'AudioFile', targetId, content: 'hi' } })
    expect((await ask(200, 'GET', `/users/${ann!.id}/followers`, { as: bob! })).items).toEqual([])
    await until(async () => (await notes(ann!.id)).length === 1)
    const bot = await world.bot(bob!, ['audio:write'])
    await ask(403, 'PUT', '/likes', { as: bot, body: { targetType: 'AudioFile', targetId } })
    await ask(401, 'PUT', '/likes', { body: { targetType: 'AudioFile', targetId } })
  })
})
