import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newId } from '../../src/kernel/ids.ts'
import { expectModel, expectPage } from '../support/wire.ts'
import { createWorld, type Person, type World } from '../support/world.ts'
import { createStage } from './stage.ts'

describe('playlists and tags of recordings', () => {
  let world: World
  const { ask, all, audio, tag } = createStage(() => world)
  beforeAll(async () => {
    world = await createWorld({ instances: 2 })
  })
  afterAll(() => world.close())

  const create = (as: Person, body: object = {}) =>
    ask(201, 'POST', '/playlists', { as, body: { name: 'Mix', ...body } })
  const orderOf = async (id: string, as?: Person) => {
    const items = await all(`/playlists/${id}/audio-files`, as ? { as } : {}, 3)
    expect(items.map(({ order }) => order)).toEqual(items.map((_, index) => index))
    return items.map(({ audioFileId }) => audioFileId as string)
  }

  it('[SOC-10] a playlist is made, found, changed and removed; a private one is its owner’s', async () => {
    const [ann, bob] = await world.users('Ann', 'Bob')
    const open = expectModel('Playlist', await create(ann!, { description: 'For coffee' }))
    const closed = expectModel('Playlist', await create(ann!, { name: ' Mine ', isPublic: false }))
    expect([open.isPublic, closed.isPublic, closed.name]).toEqual([true, false, 'Mine'])
    const ids = async (query: string, as?: Person) =>
      (await all(`/playlists${query}`, as ? { as } : {})).map(({ id }) => id)
    expect(await ids(`?ownerId=${ann!.id}`, ann!)).toEqual([closed.id, open.id])
    expect(await ids(`?ownerId=${ann!.id}`, bob!)).toEqual([open.id])
    expect(await ids('', bob!)).toContain(open.id)
    expect(await ids('')).not.toContain(closed.id)
    expect(await ids('', ann!)).toContain(closed.id)
    expectPage('Playlist', await ask(200, 'GET', '/playlists'))
    for (const as of [bob!, undefined]) {
      const options = as ? { as } : {}
      expectModel('Playlist', await ask(200, 'GET', `/playlists/${open.id}`, options))
      await ask(404, 'GET', `/playlists/${closed.id}`, options)
      await ask(404, 'GET', `/playlists/${closed.id}/audio-files`, options)
    }
    await ask(404, 'PATCH', `/playlists/${closed.id}`, { as: bob!, body: { name: 'x' } })
    await ask(403, 'PATCH', `/playlists/${open.id}`, { as: bob!, body: { name: 'x' } })
    await ask(403, 'DELETE', `/playlists/${open.id}`, { as: bob! })
    await ask(401, 'DELETE', `/playlists/${open.id}`)
    const changed = await ask(200, 'PATCH', `/playlists/${open.id}`, {
      as: ann!,
      body: { name: 'Tea', description: null, isPublic: false },
    })
    expect(expectModel('Playlist', changed)).toMatchObject({ name: 'Tea', isPublic: false })
    expect(changed.description).toBeUndefined()
    const place = { targetType: 'Playlist', targetId: open.id }
    const comment = await ask(201, 'POST', '/comments', { as: ann!, body: { ...place, content: 'x' } })
    await ask(200, 'PUT', '/likes', { as: ann!, body: place })
    await ask(200, 'PUT', '/likes', { as: ann!, body: { targetType: 'Comment', targetId: comment.id } })
    await ask(201, 'POST', `/playlists/${open.id}/audio-files`, { as: ann!, body: { audioFileId: await audio(ann!) } })
    await ask(204, 'DELETE', `/playlists/${open.id}`, { as: ann! })
    await ask(404, 'GET', `/playlists/${open.id}`, { as: ann! })
    for (const [name, filter] of [
      ['comments', place],
      ['likes', place],
      ['likes', { targetId: comment.id }],
      ['playlistaudiofiles', { playlistId: open.id }],
    ] as const) {
      expect(await world.database.collection(name).countDocuments(filter)).toBe(0)
    }
  })

  it('[SOC-11] recordings are added, moved and taken out as an array would have it; a move writes one entry', async () => {
    const ann = await world.user('Ann')
    const { id } = await create(ann)
    const path = `/playlists/${id}/audio-files`
    const entries = () => world.database.collection('playlistaudiofiles').find({ playlistId: id }).toArray()
    const model: string[] = []
    let seed = 7
    const random = (below: number) => {
      seed = (seed * 48_271) % 2_147_483_647
      return seed % below
    }
    for (let index = 0; index < 8; index++) {
      const audioFileId = await audio(ann)
      const position = random(model.length + 1)
      const entry = await ask(201, 'POST', path, { as: ann, body: { audioFileId, position } })
      expect(expectModel('PlaylistAudioFile', entry)).toMatchObject({ playlistId: id, audioFileId, order: position })
      model.splice(position, 0, audioFileId)
    }
    expect(await orderOf(id)).toEqual(model)
    for (let step = 0; step < 30; step++) {
      const moved = model.splice(random(model.length), 1)[0]!
      const after = random(model.length + 1) - 1
      const body = step % 2 === 0 ? { position: after + 1 } : { afterId: after < 0 ? null : model[after]! }
      model.splice(after + 1, 0, moved)
      const before = await entries()
      const entry = await ask(200, 'PATCH', `${path}/${moved}`, { as: ann, body })
      expect(entry.order).toBe(after + 1)
      const rankOf = new Map(before.map(({ audioFileId, rank }) => [audioFileId, rank]))
      const written = (await entries()).filter(({ audioFileId, rank }) => rankOf.get(audioFileId) !== rank)
      expect(written.every(({ audioFileId }) => audioFileId === moved)).toBe(true)
    }
    expect(await orderOf(id)).toEqual(model)
    model.reverse()
    await ask(204, 'PUT', path, { as: ann, body: { audioFileIds: model } })
    expect(await orderOf(id)).toEqual(model)
    await ask(409, 'PUT', path, { as: ann, body: { audioFileIds: model.slice(1) } })
    await ask(409, 'PUT', path, { as: ann, body: { audioFileIds: [...model.slice(1), model[1]] } })
    await ask(409, 'POST', path, { as: ann, body: { audioFileId: model[0] } })
    await ask(422, 'PATCH', `${path}/${model[0]}`, { as: ann, body: { afterId: model[0] } })
    await ask(422, 'PATCH', `${path}/${model[0]}`, { as: ann, body: { afterId: newId() } })
    await ask(204, 'DELETE', `${path}/${model[2]}`, { as: ann })
    await ask(404, 'DELETE', `${path}/${model[2]}`, { as: ann })
    await ask(404, 'PATCH', `${path}/${model[2]}`, { as: ann, body: { position: 0 } })
    model.splice(2, 1)
    expect(await orderOf(id)).toEqual(model)
    const page = await ask(200, 'GET', `${path}?expand=true`)
    expect(page.audioFiles.map((file: any) => expectModel('AudioFile', file).id)).toEqual(model)
  })

  it('[SOC-12] others’ private recordings are not shown, nor counted in the order', async () => {
    const [ann, bob] = await world.users('Ann', 'Bob')
    const { id } = await create(ann!)
    const path = `/playlists/${id}/audio-files`
    const files: string[] = []
    for (const visibility of ['public', 'private', 'unlisted', 'draft', 'public'])
      files.push(await audio(ann!, visibility))
    for (const audioFileId of files) await ask(201, 'POST', path, { as: ann!, body: { audioFileId } })
    expect(await orderOf(id, ann!)).toEqual(files)
    const shown = [files[0], files[2], files[4]]
    expect(await orderOf(id, bob!)).toEqual(shown)
    expect(await orderOf(id)).toEqual(shown)
    const own = await create(bob!)
    await ask(404, 'POST', `/playlists/${own.id}/audio-files`, { as: bob!, body: { audioFileId: files[1] } })
    await ask(404, 'POST', `/playlists/${own.id}/audio-files`, { as: bob!, body: { audioFileId: newId() } })
    await ask(403, 'POST', path, { as: bob!, body: { audioFileId: files[0] } })
    for (const audioFileId of shown)
      await ask(201, 'POST', `/playlists/${own.id}/audio-files`, { as: bob!, body: { audioFileId } })
    // One that becomes private stays in its place, out of sight, also when the others are arranged.
    await world.database
      .collection('audiofiles')
      .updateOne({ _id: files[0] as never }, { $set: { visibility: 'private' } })
    const arranged = [files[4], files[2]]
    await ask(204, 'PUT', `/playlists/${own.id}/audio-files`, { as: bob!, body: { audioFileIds: arranged } })
    expect(await orderOf(own.id, bob!)).toEqual(arranged)
    expect(await world.database.collection('playlistaudiofiles').countDocuments({ playlistId: own.id })).toBe(3)
  })

  it('[SOC-13] sixty additions and moves at once over two instances lose and double nothing', async () => {
    const ann = await world.user('Ann')
    const { id } = await create(ann)
    const path = `/api/v1/playlists/${id}/audio-files`
    const files = await Promise.all(Array.from({ length: 60 }, () => audio(ann)))
    const added = await Promise.all(
      files.map((audioFileId, n) =>
        world.ask('POST', path, { as: ann, instance: n % 2, body: { audioFileId, position: n % 3 } }),
      ),
    )
    expect(added.map(({ status }) => status)).toEqual(Array(60).fill(201))
    const moved = await Promise.all(
      files
        .slice(0, 30)
        .map((file, n) => world.ask('PATCH', `${path}/${file}`, { as: ann, instance: n % 2, body: { position: 0 } })),
    )
    expect(moved.map(({ status }) => status)).toEqual(Array(30).fill(200))
    const order = await orderOf(id)
    expect([...order].sort()).toEqual([...files].sort())
    expect(new Set(order.slice(0, 30))).toEqual(new Set(files.slice(0, 30)))
  })

  it('[SOC-14] a playlist whose ranks have grown long is ranked anew, in the same order', async () => {
    const ann = await world.user('Ann')
    const { id } = await create(ann)
    const path = `/playlists/${id}/audio-files`
    const files = [await audio(ann), await audio(ann), await audio(ann)]
    for (const audioFileId of files) await ask(201, 'POST', path, { as: ann, body: { audioFileId } })
    const entries = world.database.collection('playlistaudiofiles')
    await entries.updateOne({ audioFileId: files[1] }, { $set: { rank: `a0${'0'.repeat(250)}V` } })
    expect(await orderOf(id)).toEqual(files)
    const last = await audio(ann)
    await ask(201, 'POST', path, { as: ann, body: { audioFileId: last, afterId: files[0] } })
    expect(await orderOf(id)).toEqual([files[0], last, files[1], files[2]])
    const ranks = (await entries.find({ playlistId: id }).toArray()).map(({ rank }) => rank.length)
    expect(Math.max(...ranks)).toBeLessThan(20)
  })

  it('[SOC-15] pages of a playlist stay in step while it changes', async () => {
    const ann = await world.user('Ann')
    const { id } = await create(ann)
    const path = `/playlists/${id}/audio-files`
    const files = []
    for (let n = 0; n < 6; n++) {
      files.push(await audio(ann))
      await ask(201, 'POST', path, { as: ann, body: { audioFileId: files[n] } })
    }
    const first = await ask(200, 'GET', `${path}?limit=3`)
    await ask(201, 'POST', path, { as: ann, body: { audioFileId: await audio(ann), position: 0 } })
    await ask(204, 'DELETE', `${path}/${files[1]}`, { as: ann })
    const rest = await ask(200, 'GET', `${path}?limit=10&cursor=${first.nextCursor}`)
    const seen = [...expectPage('PlaylistAudioFile', first), ...expectPage('PlaylistAudioFile', rest)]
    expect(seen.map(({ audioFileId }) => audioFileId)).toEqual(files)
    await ask(422, 'GET', `${path}?cursor=nonsense`)
  })

  it('[SOC-16] tags of a recording: put, replaced and taken off by its owner', async () => {
    const [ann, bob] = await world.users('Ann', 'Bob')
    const id = await audio(ann!)
    const path = `/audio-files/${id}/tags`
    const tags = [await tag(`a ${newId()}`), await tag(`b ${newId()}`), await tag(`c ${newId()}`)]
    const links = await Promise.all(
      Array.from({ length: 10 }, (_, n) =>
        world.ask('POST', `/api/v1${path}`, { as: ann!, instance: n % 2, body: { tagId: tags[0] } }),
      ),
    )
    for (const { status, body } of links) {
      expect(status).toBe(201)
      expect(expectModel('AudioFileTag', body)).toMatchObject({ audioFileId: id, tagId: tags[0] })
    }
    await ask(201, 'POST', path, { as: ann!, body: { tagId: tags[1] } })
    expect((await all(path, {}, 1)).map(({ tagId }) => tagId)).toEqual([tags[0], tags[1]])
    const page = await ask(200, 'GET', `${path}?expand=true`, { as: bob! })
    expectPage('AudioFileTag', page)
    expect(page.tags.map((each: any) => expectModel('Tag', each).id).sort()).toEqual([tags[0], tags[1]].sort())
    await ask(422, 'POST', path, { as: ann!, body: { tagId: newId() } })
    await ask(403, 'POST', path, { as: bob!, body: { tagId: tags[2] } })
    await ask(403, 'PUT', path, { as: bob!, body: { tagIds: [] } })
    await ask(403, 'DELETE', `${path}/${tags[0]}`, { as: bob! })
    const replaced = await ask(200, 'PUT', path, { as: ann!, body: { tagIds: [tags[2], tags[1], tags[2]] } })
    expect(replaced.items).toHaveLength(2)
    await ask(204, 'DELETE', `${path}/${tags[1]}`, { as: ann! })
    expect((await all(path)).map(({ tagId }) => tagId)).toEqual([tags[2]])
    const hidden = await audio(ann!, 'private')
    await ask(404, 'GET', `/audio-files/${hidden}/tags`, { as: bob! })
    await ask(404, 'POST', `/audio-files/${hidden}/tags`, { as: bob!, body: { tagId: tags[0] } })
    await ask(200, 'GET', `/audio-files/${hidden}/tags`, { as: ann! })
  })
})
