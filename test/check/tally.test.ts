import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'

const root = resolve(import.meta.dirname, '../..')

/** Runs `npm test`'s script on a folder of planted tests. */
async function runPlanted(files: Record<string, string>, args: string[] = [], env: Record<string, string> = {}) {
  await mkdir(join(root, '.cache'), { recursive: true })
  const dir = await mkdtemp(join(root, '.cache', 'planted-'))
  onTestFinished(() => rm(dir, { recursive: true, force: true }))
  for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), text)
  await writeFile(
    join(dir, 'vitest.config.ts'),
    `export default { test: { include: ['*.test.ts'], setupFiles: ['${join(root, 'scripts/test/endWithRunner.ts')}'], pool: 'forks' } }\n`,
  )
  const script = join(root, 'scripts', 'test.ts')
  const child = spawn(process.execPath, ['--import', 'tsx', script, '--root', dir, ...args], {
    cwd: root,
    // What failed before this very run is nothing to the planted one.
    env: { ...process.env, FAILED_BEFORE_TESTS: '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let output = ''
  child.stdout.on('data', (chunk) => {
    output += chunk
  })
  child.stderr.on('data', (chunk) => {
    output += chunk
  })
  const code = await new Promise((settle) => child.on('close', settle))
  return { code, lastLine: output.trimEnd().split('\n').at(-1), output }
}

const head = `import { beforeAll, describe, expect, it } from 'vitest'\n`

it('[CHK-05] counts failures, skipped tests, broken hooks and files that do not load as failed', async () => {
  const run = await runPlanted({
    'a.test.ts': `${head}it('passes', () => {}); it('fails', () => { expect(1).toBe(2) }); it.skip('skipped', () => {})`,
    'b.test.ts': `${head}describe('suite', () => { beforeAll(() => { throw new Error('no') }); it('never runs', () => {}) })`,
    'c.test.ts': `import './missing.ts'\n`,
  })
  // fails + skipped; the hook + the test behind it; the file.
  expect(run.lastLine, run.output).toBe('1 passed, 5 failed')
  expect(run.code).toBe(1)
})

it('[CHK-06] ends with exit code 0 and the shared servers in reach when all pass', async () => {
  const text = `${head}import { Redis } from 'ioredis'\nimport mongoose from 'mongoose'
it('reaches both', async () => {
  const redis = new Redis(process.env.TEST_REDIS_URL)
  expect(await redis.ping()).toBe('PONG')
  redis.disconnect()
  const mongo = await mongoose.createConnection(process.env.TEST_MONGODB_URI).asPromise()
  expect((await mongo.db.admin().command({ hello: 1 })).isWritablePrimary).toBe(true)
  await mongo.close()
})
it('other', () => {})`
  const run = await runPlanted({ 'a.test.ts': text })
  expect(run.lastLine, run.output).toBe('2 passed, 0 failed')
  expect(run.code).toBe(0)
})

it('[CHK-07] takes a run without tests, and a step that failed before it, for a failure', async () => {
  const none = await runPlanted({})
  expect(none.lastLine, none.output).toBe('0 passed, 1 failed')
  expect(none.code).toBe(1)
  const before = await runPlanted({ 'a.test.ts': `${head}it('passes', () => {})` }, [], {
    FAILED_BEFORE_TESTS: ' check',
  })
  expect(before.lastLine, before.output).toBe('1 passed, 1 failed')
  expect(before.code).toBe(1)
})

it('[CHK-08] does not count what a selection by name leaves out', async () => {
  const text = `${head}it('wanted', () => {}); it('other', () => { throw new Error('no') })`
  const run = await runPlanted({ 'a.test.ts': text }, ['-t', 'wanted'])
  expect(run.lastLine, run.output).toBe('1 passed, 0 failed')
  expect(run.code).toBe(0)
})
