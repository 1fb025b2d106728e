import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { ensureLibrosa, librosaBot } from '../../scripts/test/librosa.ts'
import { upload } from '../files/fixtures.ts'
import { expectModel } from '../support/wire.ts'
import { createWorld, type Person, type Robot, type World } from '../support/world.ts'
import { makeTrack } from './tracks.ts'

vi.setConfig({ testTimeout: 90_000, hookTimeout: 180_000 })

const patience = 90_000
let world: World
let jane: Person
let robot: Robot
let folder: string
let python: string
let bot: ChildProcess | undefined
let said = ''
/** Between the bot and the server, to cut the line. */
let line: Server
const ends = new Set<Socket>()

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'phantom-power-librosa-'))
  await writeFile(join(folder, 'track.wav'), makeTrack(6))
  ;[python, world] = await Promise.all([ensureLibrosa(join(folder, 'track.wav')), createWorld()])
  jane = await world.user('Jane')
  robot = await world.bot(jane, ['analysis:write', 'audio:read'])
  line = createServer((near) => {
    const far = connect(Number(new URL(world.instances[0]!.url).port), '127.0.0.1')
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      ends.add(one)
      one.on('error', () => other.destroy())
      one.on('close', () => ends.delete(one) && other.destroy())
      one.pipe(other)
    }
  })
  line.listen(0, '127.0.0.1')
  await once(line, 'listening')
}, 20 * 60_000)

afterAll(async () => {
  bot?.kill('SIGKILL')
  for (const end of ends) end.destroy()
  line?.close()
  await world?.close()
  if (folder) await rm(folder, { recursive: true, force: true })
})

function startBot(token: string): ChildProcess {
  const started = spawn(python, ['-u', librosaBot], {
    env: {
      ...process.env,
      PYTHONDONTWRITEBYTECODE: '1',
      PHANTOM_URL: `http://127.0.0.1:${(line.address() as AddressInfo).port}`,
      PHANTOM_TOKEN: token,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  said = ''
  for (const stream of [started.stdout, started.stderr]) stream.on('data', (text) => (said += text))
  return started
}

const resultsOf = async (id: string) =>
  (await world.ask('GET', `/api/v1/audio-files/${id}/analysis-results`, { as: jane })).body.items as any[]

/** What the bot said of a recording. */
async function heardIn(id: string): Promise<any> {
  let found: any
  await world.until(async () => {
    await sleep(100)
    found = (await resultsOf(id)).find(({ modelVersion }) => modelVersion.startsWith('librosa-'))
    if (!found && bot!.exitCode !== null) throw new Error(`the bot ended: ${said}`)
    return found !== undefined
  }, patience)
  return found
}

test('[ANA-20] the librosa bot hears what is there already, and its result stands beside ours', {
  timeout: patience,
}, async () => {
  const file = await upload(world, jane, { file: makeTrack(12) })
  const secret = await upload(world, jane, {
    file: makeTrack(4),
    fields: [
      ['title', 'Secret'],
      ['visibility', 'private'],
    ],
  })
  bot = startBot(robot.accessToken)
  const heard = expectModel('AIAudioFileAnalysisResult', await heardIn(file.id))
  expect(Math.abs(heard.tempo - 120)).toBeLessThan(4)
  expect(heard.key).toBe('C')
  expect(heard.metadata.seconds).toBeCloseTo(12, 1)
  await world.until(async () => (await resultsOf(file.id)).length === 2, patience)
  const { body } = await world.ask('GET', `/api/v1/audio-files/${file.id}/report?expand=true`, { as: jane })
  expect(body.aiAnalyses.map(({ modelVersion }: any) => modelVersion.split('-')[0]).sort()).toEqual([
    'librosa',
    'phantom',
  ])
  expect(body.aiAnalysisIds).toContain(heard.id)
  expect((await resultsOf(secret.id)).some(({ modelVersion }) => modelVersion.startsWith('librosa-'))).toBe(false)
})

test('[ANA-21] it hears of new recordings, also of those that came while its line was cut', {
  timeout: patience,
}, async () => {
  const live = await upload(world, jane, { file: makeTrack(5) })
  await heardIn(live.id)
  for (const end of ends) end.destroy()
  const missed = await upload(world, jane, { file: makeTrack(5) })
  await heardIn(missed.id)
  for (const { id } of [live, missed]) {
    expect((await resultsOf(id)).filter(({ modelVersion }) => modelVersion.startsWith('librosa-'))).toHaveLength(1)
  }
  const ended = once(bot!, 'exit')
  bot!.kill('SIGTERM')
  expect((await ended)[0]).toBe(0)
  bot = startBot('not a token')
  expect((await once(bot, 'exit'))[0]).toBe(2)
})
