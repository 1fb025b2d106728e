import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newId } from '../../src/kernel/ids.ts'
import { expectModel, expectPage } from '../support/wire.ts'
import { createWorld, type World } from '../support/world.ts'
import { createStage } from './stage.ts'

describe('what is known of recordings, matches and profiles', () => {
  let world: World
  const { ask, all, audio, tag, insert } = createStage(() => world)
  beforeAll(async () => {
    world = await createWorld({ instances: 2 })
  })
  afterAll(() => world.close())

  it('[SOC-23] a listener has one analysis of a recording, changed by posting again, named in the report', async () => {
    const [ann, bob, cy] = await world.users('Ann', 'Bob', 'Cy')
    const id = await audio(ann!)
    const path = `/audio-files/${id}/analyses`
    await ask(404, 'GET', `/audio-files/${id}/report`)
    const tags = [await tag(`eerie ${newId()}`)]
    const first = await Promise.all(
      Array.from({ length: 10 }, (_, n) =>
        world.ask('POST', `/api/v1${path}`, {
          as: bob!,
          instance: n % 2,
          body: { mood: 'eerie', genre: 'drone', tags },
        }),
      ),
    )
    for (const { status, body } of first) {
      expect(status).toBe(201)
      expectModel('UserAudioFileAnalysis', body)
    }
    expect(new Set(first.map(({ body }) => body.id)).size).toBe(1)
    const changed = await ask(201, 'POST', path, { as: bob!, body: { mood: null, instruments: ['synth'] } })
    expect(changed).toMatchObject({ id: first[0]!.body.id, genre: 'drone', instruments: ['synth'], tags })
    expect(changed.mood).toBeUndefined()
    const other = await ask(201, 'POST', path, { as: cy!, body: { description: 'Long' } })
    expect((await all(path, {}, 1)).map((each) => each.id)).toEqual([other.id, changed.id])
    expectPage('UserAudioFileAnalysis', await ask(200, 'GET', path))
    const report = expectModel('AudioFileReport', await ask(200, 'GET', `/audio-files/${id}/report`, { as: cy! }))
    expect(report).toMatchObject({ audioFileId: id, userAnalysisIds: [changed.id, other.id], aiAnalysisIds: [] })
    await ask(204, 'DELETE', path, { as: bob! })
    await ask(204, 'DELETE', path, { as: bob! })
    expect((await ask(200, 'GET', `/audio-files/${id}/report`)).userAnalysisIds).toEqual([other.id])
    await ask(422, 'POST', path, { as: bob!, body: { tags: [newId()] } })
    await ask(422, 'POST', path, { as: bob!, body: { instruments: [''] } })
    await ask(401, 'POST', path, { body: {} })
  })

  it('[SOC-24] a bot adds results within its scope; people and others do not', async () => {
    const [ann, bob] = await world.users('Ann', 'Bob')
    const bot = await world.bot(bob!, ['analysis:write'])
    const reader = await world.bot(bob!, ['audio:read'])
    const id = await audio(ann!)
    const path = `/audio-files/${id}/analysis-results`
    const body = {
      tempo: 120.5,
      key: 'C#m',
      genre: 'ambient',
      confidence: 0.95,
      metadata: { timbre: 0.72, sections: [{ from: 0, label: 'A' }] },
      modelVersion: 'librosa-0.9.2-v1',
    }
    const result = await ask(201, 'POST', path, { as: bot, body })
    expect(expectModel('AIAudioFileAnalysisResult', result)).toMatchObject({ ...body, audioFileId: id })
    expect(Object.keys(result)).not.toContain('botUserId')
    await ask(403, 'POST', path, { as: reader, body })
    await ask(403, 'POST', path, { as: ann!, body })
    const deep: any = {}
    let inner = deep
    for (let level = 0; level < 100; level++) {
      inner.a = {}
      inner = inner.a
    }
    for (const wrong of [
      { key: 'H' },
      { tempo: 0 },
      { confidence: 2 },
      { modelVersion: '' },
      { metadata: deep },
      { metadata: { $where: '1' } },
      { metadata: { a: [{ _bsontype: 'x' }] } },
      { metadata: { 'a\u0000': 1 } },
      { metadata: { a: 'x'.repeat(70_000) } },
    ]) {
      await ask(422, 'POST', path, { as: bot, body: { ...body, ...wrong } })
    }
    await ask(404, 'POST', `/audio-files/${await audio(ann!, 'private')}/analysis-results`, { as: bot, body })
    const more = await ask(201, 'POST', path, { as: bot, body: { modelVersion: 'v2' } })
    expect((await all(path, { as: reader }, 1)).map((each) => each.id)).toEqual([more.id, result.id])
    expectPage('AIAudioFileAnalysisResult', await ask(200, 'GET', path))
    await world.database.collection('aiaudiofileanalysisresults').insertMany(
      Array.from({ length: 48 }, () => ({
        _id: newId() as never,
        audioFileId: id,
        botUserId: bot.id,
        modelVersion: 'x',
        analyzedAt: new Date(),
      })),
    )
    await ask(409, 'POST', path, { as: bot, body })
  })

  it('[SOC-25] a report names all that there is, however much is added at once, and expands to it', async () => {
    const [ann, ...people] = await world.users('Ann', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I')
    const bot = await world.bot(ann!, ['analysis:write'])
    const id = await audio(ann!)
    const { reports } = world.instances[1]!.app!.services.analysis
    const { _id: reportId } = await reports.ensure(id)
    const metricTypeId = await insert('audiofilemetrictypes', { name: `LUFS ${newId()}`, status: 'active' })
    const value = insert('audiofilemetricvalues', { reportId, metricTypeId, value: -14.2 }).then((_id) =>
      reports.rebuild(id).then(() => _id),
    )
    const added = await Promise.all([
      ...people.map((person, n) =>
        world.ask('POST', `/api/v1/audio-files/${id}/analyses`, {
          as: person,
          instance: n % 2,
          body: { mood: 'calm' },
        }),
      ),
      ...Array.from({ length: 8 }, (_, n) =>
        world.ask('POST', `/api/v1/audio-files/${id}/analysis-results`, {
          as: bot,
          instance: n % 2,
          body: { modelVersion: `v${n}` },
        }),
      ),
    ])
    expect(added.map(({ status }) => status)).toEqual(Array(16).fill(201))
    const report = await ask(200, 'GET', `/audio-files/${id}/report?expand=true`)
    const { aiAnalyses, userAnalyses, metricValues, ...plain } = report
    expectModel('AudioFileReport', plain)
    expectModel('AudioFileReport', report)
    expect(plain.metricValueIds).toEqual([await value])
    expect(new Set([...plain.userAnalysisIds, ...plain.aiAnalysisIds])).toEqual(
      new Set(added.map(({ body }) => body.id)),
    )
    expect(aiAnalyses.map((each: any) => expectModel('AIAudioFileAnalysisResult', each).id)).toEqual(
      plain.aiAnalysisIds,
    )
    expect(userAnalyses.map((each: any) => expectModel('UserAudioFileAnalysis', each).id)).toEqual(
      plain.userAnalysisIds,
    )
    expect(metricValues.map((each: any) => expectModel('AudioFileMetricValue', each).value)).toEqual([-14.2])
    const values = await ask(200, 'GET', `/audio-files/${id}/metric-values?expand=true`)
    expect(expectPage('AudioFileMetricValue', values)).toMatchObject([{ reportId, metricTypeId, value: -14.2 }])
    expect(values.metricTypes.map((each: any) => expectModel('AudioFileMetricType', each).id)).toEqual([metricTypeId])
    const none = await ask(200, 'GET', `/audio-files/${id}/metric-values?metricTypeId=${newId()}`)
    expect(none).toEqual({ items: [], nextCursor: null })
    const noted = await ask(200, 'PATCH', `/audio-files/${id}/report`, { as: ann!, body: { notes: 'Second mix' } })
    expect(expectModel('AudioFileReport', noted).notes).toBe('Second mix')
    await ask(403, 'PATCH', `/audio-files/${id}/report`, { as: people[0]!, body: { notes: 'Mine' } })
    await world.database.collection('audiofiles').deleteOne({ _id: id as never })
    await expect(reports.rebuild(id)).rejects.toMatchObject({ code: 'not_found' })
    for (const name of ['audiofilereports', 'useraudiofileanalyses', 'aiaudiofileanalysisresults']) {
      expect(await world.database.collection(name).countDocuments({ audioFileId: id })).toBe(0)
    }
    expect(await world.database.collection('audiofilemetricvalues').countDocuments({ reportId })).toBe(0)
  })

  it('[SOC-26] what is known of a private recording is its owner’s to know', async () => {
    const [ann, bob] = await world.users('Ann', 'Bob')
    for (const visibility of ['private', 'draft', 'unlisted']) {
      const id = await audio(ann!, visibility)
      await ask(201, 'POST', `/audio-files/${id}/analyses`, { as: ann!, body: { mood: 'calm' } })
      for (const part of ['report', 'analyses', 'analysis-results', 'metric-values']) {
        await ask(200, 'GET', `/audio-files/${id}/${part}`, { as: ann! })
        for (const options of [{}, { as: bob! }]) {
          await ask(visibility === 'unlisted' ? 200 : 404, 'GET', `/audio-files/${id}/${part}`, options)
        }
      }
      await ask(visibility === 'unlisted' ? 201 : 404, 'POST', `/audio-files/${id}/analyses`, { as: bob!, body: {} })
    }
  })

  it('[SOC-27] one’s matches by score, from either side, without those who block', async () => {
    const [ann, ...others] = await world.users('Ann', 'B', 'C', 'D', 'E', 'F')
    const scores = [0.2, 0.9, 0.5, 0.5, 0.7]
    for (const [n, other] of others.entries()) {
      const [userA, userB] = [ann!.id, other.id].sort()
      await insert('matches', { userA, userB, score: scores[n] })
    }
    await insert('matches', { userA: others[0]!.id, userB: others[1]!.id, score: 1 })
    const matches = await all('/matches', { as: ann! })
    for (const match of matches) expectModel('Match', match)
    expect(matches.map(({ score }) => score)).toEqual([0.9, 0.7, 0.5, 0.5, 0.2])
    expect(new Set(matches.map(({ id }) => id)).size).toBe(5)
    await ask(204, 'PUT', `/blocks/${ann!.id}`, { as: others[1]! })
    await ask(204, 'PUT', `/blocks/${others[0]!.id}`, { as: ann! })
    expect((await all('/matches', { as: ann! })).map(({ score }) => score)).toEqual([0.7, 0.5, 0.5])
    const page = await ask(200, 'GET', '/matches?expand=true', { as: ann! })
    expect(page.profiles.map((profile: any) => expectModel('Profile', profile).userId).sort()).toEqual(
      others
        .slice(2)
        .map(({ id }) => id)
        .sort(),
    )
    await ask(401, 'GET', '/matches')
    await ask(422, 'GET', '/matches?cursor=abc', { as: ann! })
  })

  it('[SOC-28] a profile features a recording of its own and tags that are there, and counts its followers', async () => {
    const [ann, bob] = await world.users('Ann', 'Bob')
    const own = await audio(ann!, 'private')
    const tags = [await tag(`dub ${newId()}`)]
    const patch = (body: object, status = 200) => ask(status, 'PATCH', '/me/profile', { as: ann!, body })
    expect(expectModel('Profile', await patch({ featuredAudioId: own, tags }))).toMatchObject({
      featuredAudioId: own,
      tags,
    })
    await patch({ featuredAudioId: await audio(bob!) }, 422)
    await patch({ featuredAudioId: newId() }, 422)
    await patch({ tags: [...tags, newId()] }, 422)
    await patch({ featuredAudioId: null, tags: null })
    await ask(200, 'PUT', `/follows/${ann!.id}`, { as: bob! })
    const profile = expectModel('Profile', await ask(200, 'GET', `/users/${ann!.id}/profile?expand=true`, { as: bob! }))
    expect(profile).toMatchObject({ followerCount: 1, followingCount: 0 })
    expect(profile.tags).toBeUndefined()
    expect(await ask(200, 'GET', '/me/profile?expand=true', { as: bob! })).toMatchObject({
      followerCount: 0,
      followingCount: 1,
    })
  })
})
