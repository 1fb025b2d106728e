import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { newId } from '../../src/kernel/ids.ts'
import { createStage } from '../social/stage.ts'
import { expectModel, expectPage } from '../support/wire.ts'
import { createWorld, type Person, type World } from '../support/world.ts'

vi.setConfig({ testTimeout: 90_000, hookTimeout: 180_000 })

describe('matches and recordings by sound', () => {
  let world: World
  const { ask, all, audio, tag, insert } = createStage(() => world)
  beforeAll(async () => {
    world = await createWorld()
  })
  afterAll(() => world?.close())

  const metrics = new Map<string, string>()
  async function metric(name: string): Promise<string> {
    const seeded = await world.database.collection('audiofilemetrictypes').findOne({ name })
    const known = metrics.get(name) ?? (seeded?._id as string | undefined)
    const there = known ?? (await insert('audiofilemetrictypes', { name, status: 'active' }))
    metrics.set(name, there)
    return there
  }

  /** A recording that is analysed, as the analyser stores it. */
  async function heard(
    owner: Person,
    { tempo, key, loudness, width = 0.3 }: { tempo: number; key: string; loudness: number; width?: number },
    visibility = 'public',
    title = 'Take one',
  ): Promise<string> {
    const id = await audio(owner, visibility, { title })
    await insert('aiaudiofileanalysisresults', {
      audioFileId: id,
      tempo,
      key,
      modelVersion: 'test 1',
      analyzedAt: new Date(),
    })
    const { reports } = world.instances[0]!.app!.services.analysis
    const report = await reports.rebuild(id)
    for (const [name, value] of Object.entries({
      'Integrated Loudness': loudness,
      'Stereo Width': width,
      'Loudness Range': 6,
      'Onset Rate': tempo / 30,
    })) {
      const metricTypeId = await metric(name)
      await insert('audiofilemetricvalues', { reportId: report.id, metricTypeId, value })
    }
    await reports.rebuild(id)
    return id
  }
  const soundOf = async (id: string) =>
    (await world.database.collection('audiofiles').findOne({ _id: id } as never))!['sound']
  const isHeard = (id: string) =>
    world.until(async () => typeof (await soundOf(id))?.features[0] === 'number', 60_000, 'it is heard')
  const refresh = (as: Person) => ask(200, 'POST', '/matches/refresh', { as })
  const news = async (as: Person, from: Person) =>
    (await all('/notifications', { as }, 50)).filter(
      ({ type, payload }) => type === 'NewMatch' && payload.actorId === from.id,
    )

  it('[MAT-10] two who suit each other become a match, with reasons, and are told once', async () => {
    const [ann, bob, cleo] = (await world.users('Ann', 'Bob', 'Cleo')) as [Person, Person, Person]
    const tags = await Promise.all(['darkwave', 'tape loops', 'modular'].map((name) => tag(name)))
    const ids: string[] = []
    for (let take = 0; take < 4; take++) {
      ids.push(await heard(ann, { tempo: 92, key: 'Am', loudness: -12 }))
      ids.push(await heard(bob, { tempo: 184, key: 'Em', loudness: -12.5 }))
      ids.push(await heard(cleo, { tempo: 128, key: 'F#', loudness: -6, width: 0.6 }))
    }
    for (const id of ids) await isHeard(id)
    await ask(200, 'PATCH', '/me/profile', { as: ann, body: { tags } })
    await ask(200, 'PATCH', '/me/profile', { as: bob, body: { tags, bio: 'Plays drums. Looking for a singer' } })
    await ask(201, 'POST', '/projects', { as: ann, body: { title: 'EP', description: 'Slow songs. Needs a drummer' } })

    let answer = await refresh(ann)
    // Bob's sketch is renewed by a job of its own.
    await world.until(async () => {
      answer = await refresh(ann)
      return answer.items.length > 0
    })
    // By the change of a profile or project, or by this: whichever was first.
    const [match] = expectPage('Match', answer)
    expect([match.userA, match.userB].sort()).toEqual([ann.id, bob.id].sort())
    await world.until(async () => (await refresh(ann)).items[0].reasons[0].includes('drummer'), 60_000, 'all is known')
    const [best] = (await refresh(ann)).items
    expect(best.score).toBeGreaterThan(0.6)
    expect(best.reasons).toContain('your open project lacks a drummer, and this user drums')
    expect(best.reasons.join('; ')).toMatch(/both near 92 BPM in minor keys/)
    expect(best).not.toHaveProperty('grounds')
    const page = await ask(200, 'GET', '/matches?expand=true', { as: bob })
    expect(expectPage('Match', page)[0]).toMatchObject({ id: best.id, score: best.score })
    expect((page as any).items[0].reasons[0]).toBe('their open project lacks a drummer, as you are by your profile')
    for (let times = 0; times < 3; times++) for (const who of [ann, bob, cleo]) await refresh(who)
    await Promise.all([ann, bob, ann, bob].map(refresh))
    for (const [who, from] of [
      [ann, bob],
      [bob, ann],
    ] as const) {
      const told = await news(who, from)
      expect(told).toHaveLength(1)
      expect(expectModel('Notification', told[0]).payload).toEqual({ actorId: from.id, matchId: best.id })
    }
    // Read, and found again: not told again.
    await ask(200, 'POST', '/notifications/read', { as: ann, body: { all: true } })
    await world.database.collection('matches').deleteMany({ _id: best.id } as never)
    await refresh(bob)
    expect(await news(ann, bob)).toHaveLength(1)
    expect(await world.database.collection('matches').countDocuments({ $expr: { $eq: ['$userA', '$userB'] } })).toBe(0)
  })

  it('[MAT-11] changes are taken in by themselves; blocked, banned and closed accounts and bots are no match', async () => {
    const people = (await world.users('Dot', 'Eve', 'Fay', 'Gus')) as [Person, Person, Person, Person]
    const [dot, eve, fay, gus] = people
    const tags = await Promise.all(['gamelan', 'spectral', 'drone'].map((name) => tag(name)))
    const takes: string[] = []
    for (const who of people) {
      for (let take = 0; take < 3; take++) takes.push(await heard(who, { tempo: 71, key: 'D', loudness: -20 }))
    }
    for (const who of people) await ask(200, 'PATCH', '/me/profile', { as: who, body: { tags } })
    const others = async (as: Person) =>
      (await all('/matches', { as }, 50)).map(({ userA, userB }) => (userA === as.id ? userB : userA)).sort()
    const ids = (...who: Person[]) => who.map(({ id }) => id).sort()
    await world.until(
      async () => (await others(dot)).length === 3 && (await others(gus)).length === 3,
      20_000,
      'all four have found each other without being asked',
    )
    expect(await others(dot)).toEqual(ids(eve, fay, gus))
    await world.database.collection('users').updateOne({ _id: fay.id } as never, { $set: { bannedAt: new Date() } })
    await insert('blocks', { userId: gus.id, blockedId: dot.id })
    expect(await others(dot)).toEqual(ids(eve))
    expect((await refresh(dot)).kept).toBe(1)
    expect(await others(gus)).not.toContain(dot.id)
    const sums = async () => (await world.database.collection('catalogues').findOne({}))!['counts'][0]
    for (const take of takes) await isHeard(take)
    const withHers = await sums()
    await ask(204, 'DELETE', '/me', { as: eve, body: { password: eve.password } })
    await world.until(
      async () => (await world.database.collection('musiciansketches').countDocuments({ _id: eve.id } as never)) === 0,
      20_000,
      'her sketch is gone',
    )
    expect(await others(dot)).toEqual([])
    const robot = await world.bot(dot, ['profile:read'])
    await world.instances[0]!.app!.services.matching.refresh(robot.id)
    expect(await world.database.collection('musiciansketches').countDocuments({ _id: robot.id } as never)).toBe(0)
    // A deleted recording leaves the sums of the catalogue.
    await world.until(async () => (await sums()) === withHers - 3, 60_000, 'so have those of a closed account')
    const before = await sums()
    await ask(204, 'DELETE', `/audio-files/${takes[0]}`, { as: dot })
    expect(await sums()).toBe(before - 1)
    const facets = await world.database
      .collection('sketchfacets')
      .find({ _id: /^t:gamelan$/ as never })
      .toArray()
    const having = await world.database.collection('musiciansketches').countDocuments({ facets: 't:gamelan' })
    expect(facets[0]!['users']).toBe(having)
  })

  it('[MAT-12] recordings are found by tempo, key, loudness, tag and words, as far as one may see them', async () => {
    const [hal, ida] = (await world.users('Hal', 'Ida')) as [Person, Person]
    const slow = await heard(hal, { tempo: 61, key: 'Bb', loudness: -23 }, 'public', 'Quiet river')
    const fast = await heard(hal, { tempo: 171, key: 'G#m', loudness: -8 }, 'public', 'Loud river')
    const hidden = await heard(hal, { tempo: 61.5, key: 'Bb', loudness: -23 }, 'private', 'Secret river')
    const tagId = await tag('riverine')
    for (const id of [slow, fast, hidden]) {
      await isHeard(id)
      await insert('audiofiletags', { audioFileId: id, tagId })
    }
    const find = async (query: string, as?: Person) =>
      (await all(`/audio-files?userId=${hal.id}&${query}`, as ? { as } : {})).map(({ id }) => id)
    expect(await find('tempoMin=60&tempoMax=62')).toEqual([slow])
    expect(await find('tempoMin=60&tempoMax=62', hal)).toEqual([hidden, slow])
    expect(await find('tempoMin=60&tempoMax=62', ida)).toEqual([slow])
    expect(await find('tempoMin=62')).toEqual([fast])
    expect(await find('key=A%23')).toEqual([slow])
    expect(await find('key=Abm')).toEqual([fast])
    expect(await find('loudnessMax=-20')).toEqual([slow])
    expect(await find('loudnessMin=-10&loudnessMax=0')).toEqual([fast])
    expect(await find(`tag=${tagId}&tempoMax=100&key=Bb`)).toEqual([slow])
    expect(await find('q=river&loudnessMin=-10')).toEqual([fast])
    expect(await find(`q=river&tag=${tagId}&loudnessMax=-10`)).toEqual([slow])
    expect(await find('q=river&key=C')).toEqual([])
    await ask(422, 'GET', '/audio-files?key=H')
    await ask(422, 'GET', '/audio-files?tempoMin=fast')
    expectPage('AudioFile', await ask(200, 'GET', '/audio-files?tempoMin=60'))
  })

  it('[MAT-13] similar recordings are the public ones that sound alike', async () => {
    const [jo, kim] = (await world.users('Jo', 'Kim')) as [Person, Person]
    const own = await heard(jo, { tempo: 100, key: 'E', loudness: -14 }, 'private')
    const near = await heard(kim, { tempo: 101, key: 'E', loudness: -14.4 })
    const double = await heard(kim, { tempo: 198, key: 'E', loudness: -15 })
    const far = await heard(kim, { tempo: 140, key: 'Bbm', loudness: -5, width: 0.8 })
    const relative = await heard(kim, { tempo: 49.5, key: 'C#m', loudness: -16 })
    const hidden = await heard(kim, { tempo: 100, key: 'E', loudness: -14 }, 'unlisted')
    for (const id of [own, near, double, far, relative, hidden]) await isHeard(id)
    const answer: any = await ask(200, 'GET', `/audio-files/${own}/similar?limit=5`, { as: jo })
    const found = expectPage('AudioFile', answer).map(({ id }) => id)
    expect(found[0]).toBe(near)
    // Half and double the tempo count as the same, and a relative key nearly so.
    expect(new Set(found.slice(1, 3))).toEqual(new Set([double, relative]))
    expect(found).not.toContain(hidden)
    expect(found).not.toContain(own)
    expect(answer.scores.map(({ audioFileId }: any) => audioFileId)).toEqual(found)
    expect(answer.scores[0].reasons.join()).toContain('both near 100 BPM')
    for (const { score } of answer.scores) expect(score).toBeLessThanOrEqual(1)
    expect((await ask(200, 'GET', `/audio-files/${own}/similar?limit=1`, { as: jo })).items).toHaveLength(1)
    await ask(404, 'GET', `/audio-files/${own}/similar`, { as: kim })
    await ask(404, 'GET', `/audio-files/${own}/similar`)
    await ask(404, 'GET', `/audio-files/${newId()}/similar`, { as: jo })
    expect((await ask(200, 'GET', `/audio-files/${await audio(kim)}/similar`)).items).toEqual([])
  })
})
