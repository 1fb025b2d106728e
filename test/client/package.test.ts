import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeAll, expect, test } from 'vitest'
import { type ScriptedServer, startScriptedServer } from '../support/scripted-server.ts'

const root = join(import.meta.dirname, '..', '..')
let server: ScriptedServer | null = null
let bot: ChildProcess | null = null

beforeAll(() => {
  execFileSync(process.execPath, ['--import', 'tsx', 'scripts/build-client.ts'], { cwd: root })
})

afterEach(async () => {
  bot?.kill('SIGKILL')
  bot = null
  await server?.close()
  server = null
})

test('[CLIENT-31] the built client depends on itself and socket.io-client alone, its boards on Yjs', () => {
  const folder = join(root, 'dist', 'client')
  const imports = (file: string) =>
    [...readFileSync(join(folder, file), 'utf8').matchAll(/(?:from|import\()\s*['"]([^'"]+)['"]/g)].map((m) => m[1]!)
  const foreign = (files: string[]) =>
    [...new Set(files.flatMap(imports).filter((name) => !/^\.\/[\w-]+\.[jt]s$/.test(name)))].sort()
  const files = readdirSync(folder)
  const isOfBoards = (file: string) => /^board/.test(file)
  expect(files.flatMap(imports).length).toBeGreaterThan(20)
  expect(foreign(files.filter((file) => !isOfBoards(file)))).toEqual(['socket.io-client'])
  expect(foreign(files.filter(isOfBoards))).toEqual(['fractional-indexing', 'y-websocket', 'yjs'])
  // Loaded with the first board alone.
  const code = readFileSync(join(folder, 'client.js'), 'utf8')
  expect(code).toContain("await import('./boards.js')")
  expect(code).not.toMatch(/^import [^\n]*boards/m)
})

test('[CLIENT-32] the example bot, a process of its own, answers and goes on after a break', async () => {
  server = await startScriptedServer()
  const token = server.addUser('bot')
  server.addRoom('r', 'bot', 'ann')
  const env = { ...process.env, PHANTOM_URL: server.url, PHANTOM_TOKEN: token }
  bot = spawn(process.execPath, ['--import', 'tsx', 'examples/echo-bot.ts'], { cwd: root, env, stdio: 'inherit' })
  const said = () => server!.log('r').map((entry) => entry.payload.content)
  const until = async (count: number) => {
    for (let i = 0; said().length < count && i < 400; i += 1) await new Promise((resolve) => setTimeout(resolve, 25))
  }
  while (server.connections() === 0) await new Promise((resolve) => setTimeout(resolve, 25))
  server.post('r', 'ann', '!echo one')
  server.post('r', 'ann', 'not for you')
  await until(3)
  server.breakAll()
  server.post('r', 'ann', '!echo two')
  await until(5)
  expect(said().sort()).toEqual(['!echo one', '!echo two', 'not for you', 'one', 'two'])
  const answer = server.log('r').find((entry) => entry.payload.content === 'two')
  expect(answer?.payload).toMatchObject({ senderId: 'bot', clientId: expect.stringMatching(/^re-r-m\d$/) })
})
