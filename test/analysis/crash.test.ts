import { readdir, readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { makeMusic, makeWav } from '../audio-decode/sounds.ts'
import { upload } from '../files/fixtures.ts'
import { createWorld, type Person, type World } from '../support/world.ts'

// Analyses give way to everything else on a machine.
vi.setConfig({ testTimeout: 150_000, hookTimeout: 180_000 })

let world: World
let jane: Person

beforeAll(async () => {
  world = await createWorld()
  jane = await world.user('Jane')
})
afterAll(() => world?.close())

/** The analysis workers that this process started. */
async function workers(): Promise<number[]> {
  const found: number[] = []
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const [line, status] = await Promise.all(
      ['cmdline', 'status'].map((file) => readFile(`/proc/${name}/${file}`, 'utf8').catch(() => '')),
    )
    if (
      /audio\/workers\/worker\.ts|audio-worker\.mjs/.test(line!) &&
      Number(/PPid:\s+(\d+)/.exec(status!)?.[1]) === process.pid
    )
      found.push(Number(name))
  }
  return found
}

test('[ANA-10] a worker process that is killed on the way costs one attempt, and nothing is there twice', async () => {
  const socket = await world.connect(jane)
  const file = await upload(world, jane, { file: makeWav(makeMusic(180)) })
  const of = (payload: any) => payload.audioFileId === file.id
  await socket.next('analysis:progress', of, 60_000)
  const [pid] = await workers()
  process.kill(pid!, 'SIGKILL')
  await socket.next('analysis:done', of, 60_000)
  const stored = await world.database.collection('audiofiles').findOne({ _id: file.id as never })
  expect(stored!['analysis']).toMatchObject({ state: 'done', attempts: 2 })
  const { body } = await world.ask('GET', `/api/v1/audio-files/${file.id}/report?expand=true`)
  expect(body.aiAnalyses).toHaveLength(1)
  const types = body.metricValues.map(({ metricTypeId }: any) => metricTypeId)
  expect(new Set(types).size).toBe(types.length)
})
