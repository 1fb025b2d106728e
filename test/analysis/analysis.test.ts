import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { heads, upload } from '../files/fixtures.ts'
import type { TestSocket } from '../support/socket.ts'
import { expectModel } from '../support/wire.ts'
import { createWorld, type Person, type World } from '../support/world.ts'
import { makeTrack, rate } from './tracks.ts'

// Analyses give way to everything else on a machine.
vi.setConfig({ testTimeout: 150_000, hookTimeout: 180_000 })

const seconds = 12

let world: World
let jane: Person
let joe: Person
let socket: TestSocket
const patience = 60_000

beforeAll(async () => {
  world = await createWorld()
  ;[jane, joe] = (await world.users('Jane', 'Joe')) as [Person, Person]
  socket = await world.connect(jane)
})
afterAll(() => world?.close())

const of = (id: string) => (payload: any) => payload.audioFileId === id
const doneOf = (id: string, at = socket) => at.next('analysis:done', of(id), patience)
const get = (path: string, as?: { accessToken: string }) =>
  world.ask('GET', `/api/v1/audio-files/${path}`, as ? { as } : {})

describe('an uploaded recording', () => {
  let file: any

  test('[ANA-01] is analysed: its owner hears progress and the end, and nobody else', async () => {
    const other = await world.connect(joe)
    file = await upload(world, jane, { file: makeTrack(seconds) })
    const done = await doneOf(file.id)
    expect(done).toEqual({ audioFileId: file.id, reportId: expect.any(String) })
    const progress = socket.received.filter(
      ({ event, payload }) => /^analysis:progress$/.test(event) && of(file.id)(payload),
    )
    expect(progress.length).toBeGreaterThan(0)
    const percents = progress.map(({ payload }) => payload.percent)
    expect(percents).toEqual([...percents].sort((a, b) => a - b))
    const spanMs = progress.at(-1)!.at - progress[0]!.at
    expect(progress.length).toBeLessThanOrEqual(2 + spanMs / 90)
    expect(other.received.filter(({ event }) => event.startsWith('analysis'))).toEqual([])
  })

  test('[ANA-02] has tempo, key, measures and duration, by the models', async () => {
    const { status, body } = await get(`${file.id}/report?expand=true`, joe)
    expect(status).toBe(200)
    const { aiAnalyses, userAnalyses, metricValues, ...report } = body
    expectModel('AudioFileReport', report)
    expect(aiAnalyses).toHaveLength(1)
    const heard = expectModel('AIAudioFileAnalysisResult', aiAnalyses[0])
    expect(Math.abs(heard.tempo - 120)).toBeLessThan(1)
    expect(heard.key).toBe('C')
    expect(heard.confidence).toBeGreaterThan(0)
    expect(heard.modelVersion).toMatch(/^phantom-ears\//)
    expect(heard.metadata).toMatchObject({
      container: expect.any(String),
      sampleRate: rate,
      channels: 2,
      complete: true,
    })
    expect(heard.metadata).not.toHaveProperty('waveform')
    expect(report.aiAnalysisIds).toEqual([heard.id])
    expect(userAnalyses).toEqual([])
    for (const value of metricValues) expectModel('AudioFileMetricValue', value)
    const types = (await world.ask('GET', '/api/v1/metric-types?status=active&limit=100', { as: joe })).body.items
    const idOf = (name: string) => types.find((type: any) => type.name === name)?.id
    const measured = (name: string) => metricValues.find((value: any) => value.metricTypeId === idOf(name))?.value
    expect(measured('Integrated Loudness')).toBeLessThan(0)
    expect(measured('Stereo Correlation')).toBeCloseTo(1, 3)
    expect(measured('Tempo Stability')).toBeGreaterThan(0.9)
    expect(report.metricValueIds).toHaveLength(metricValues.length)
    const stored = expectModel('AudioFile', (await get(file.id)).body)
    expect(stored.duration).toBeCloseTo(seconds, 3)
    expect(stored).not.toHaveProperty('analysis')
    expect(new URL(stored.waveformDataUrl).pathname).toBe(`/api/v1/audio-files/${file.id}/waveform`)
  })

  test('[ANA-03] has a waveform in as many points as asked for, with its lows and highs', async () => {
    const { status, body } = await get(`${file.id}/waveform?points=100`)
    expect(status).toBe(200)
    expect(body).toMatchObject({ version: 2, channels: 2, sampleRate: rate })
    expect(body.length).toBeGreaterThan(80)
    expect(body.length).toBeLessThanOrEqual(100)
    expect(body.data).toHaveLength(body.length * 4)
    expect(body.length * body.samplesPerPoint).toBeGreaterThanOrEqual(seconds * rate)
    expect(Math.max(...body.data)).toBeGreaterThan(20)
    expect(Math.min(...body.data)).toBeLessThan(-20)
    expect((await get(`${file.id}/waveform?points=0`)).status).toBe(422)
  })

  test('[ANA-04] keeps what bots heard beside what we hear, and is analysed again in its own place', async () => {
    const robot = await world.bot(jane, ['analysis:write', 'audio:read'])
    const body = { tempo: 60, modelVersion: 'other-ears/1' }
    const added = await world.ask('POST', `/api/v1/audio-files/${file.id}/analysis-results`, { as: robot, body })
    expect(added.status).toBe(201)
    const before = (await get(`${file.id}/report?expand=true`)).body
    expect(before.aiAnalyses).toHaveLength(2)
    socket.received.length = 0
    const again = (as: { accessToken: string }) => world.ask('POST', `/api/v1/audio-files/${file.id}/analyze`, { as })
    expect((await again(joe)).status).toBe(403)
    expect(await again(jane)).toMatchObject({ status: 202, body: { audioFileId: file.id } })
    await doneOf(file.id)
    const after = (await get(`${file.id}/report?expand=true`)).body
    expect(after.aiAnalysisIds).toEqual(before.aiAnalysisIds)
    expect(after.aiAnalyses.map(({ modelVersion }: any) => modelVersion).sort()).toEqual(
      before.aiAnalyses.map(({ modelVersion }: any) => modelVersion).sort(),
    )
    expect(after.metricValues).toHaveLength(before.metricValues.length)
    expect(after.id).toBe(before.id)
  })

  test('[ANA-05] takes its waveform, report and values with it when it is deleted', async () => {
    expect((await world.ask('DELETE', `/api/v1/audio-files/${file.id}`, { as: jane })).status).toBe(204)
    expect((await get(`${file.id}/waveform`, jane)).status).toBe(404)
    for (const name of ['audiowaveforms', 'audiofilereports', 'audiofilemetricvalues', 'aiaudiofileanalysisresults']) {
      expect(await world.database.collection(name).countDocuments()).toBe(0)
    }
  })
})

describe('analysis', () => {
  test('[ANA-06] of what is no sound behind a good header fails, and says why; the next recordings are heard', async () => {
    const file = await upload(world, jane, { file: heads['audio/flac']! })
    const next = await upload(world, jane, { file: makeTrack(4) })
    expect(await socket.next('analysis:failed', of(file.id), patience)).toEqual({
      audioFileId: file.id,
      reason: expect.stringMatching(/^(malformed|no_audio|empty|unsupported)$/),
    })
    expect((await get(`${file.id}/waveform`)).status).toBe(404)
    expect((await get(`${file.id}/report`)).status).toBe(404)
    await doneOf(next.id)
  })

  test('[ANA-07] of a private recording is its owner’s alone', async () => {
    const file = await upload(world, jane, {
      file: makeTrack(4),
      fields: [
        ['title', 'Secret'],
        ['visibility', 'private'],
      ],
    })
    await doneOf(file.id)
    for (const what of ['report', 'waveform']) {
      expect((await get(`${file.id}/${what}`, joe)).status).toBe(404)
      expect((await get(`${file.id}/${what}`)).status).toBe(404)
      expect((await get(`${file.id}/${what}`, jane)).status).toBe(200)
    }
    expect((await world.ask('POST', `/api/v1/audio-files/${file.id}/analyze`, { as: joe })).status).toBe(404)
  })

  test('[ANA-08] computes no measure that is suspended', async () => {
    const types = world.database.collection('audiofilemetrictypes')
    const type = await types.findOneAndUpdate({ name: 'Tempo Stability' }, { $set: { status: 'suspended' } })
    const file = await upload(world, jane, { file: makeTrack(6) })
    const { reportId } = await doneOf(file.id)
    const values = world.database.collection('audiofilemetricvalues')
    expect(await values.countDocuments({ reportId })).toBeGreaterThan(5)
    expect(await values.countDocuments({ reportId, metricTypeId: type!._id as never })).toBe(0)
  })

  test('[ANA-09] is taken up though its job was lost, and takes turns between users', async () => {
    const joes = await world.connect(joe)
    const files = world.database.collection('audiofiles')
    const first = await upload(world, jane, { file: makeTrack(5) })
    await doneOf(first.id)
    // Four of Jane's, then one of Joe's; told to nobody, as by a process that died.
    const own = (await files.find({ userId: jane.id, 'analysis.state': 'done' } as never).toArray()).map(
      ({ _id }) => `${_id}`,
    )
    expect(own.length).toBeGreaterThan(2)
    const before = await upload(world, joe, { file: makeTrack(5) })
    await doneOf(before.id, joes)
    socket.received.length = 0
    joes.received.length = 0
    const wish = { 'analysis.state': 'waiting', 'analysis.attempts': 0, 'analysis.dueAt': new Date() }
    await files.updateMany({ _id: { $in: [...own, before.id] } } as never, { $set: wish })
    await Promise.all([...own.map((id) => doneOf(id)), doneOf(before.id, joes)])
    const times = own.map(
      (id) => socket.received.find(({ event, payload }) => event === 'analysis:done' && of(id)(payload))!.at,
    )
    const joesAt = joes.received.find(({ event }) => event === 'analysis:done')!.at
    expect(joesAt).toBeLessThan(Math.max(...times))
    await world.until(
      async () => (await world.database.collection('jobs').countDocuments({ kind: 'analysis:run' })) === 0,
    )
  })
})
