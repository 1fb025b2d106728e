import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { io } from 'socket.io-client'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import {
  checkBehaviours,
  checkEvents,
  checkExcerpts,
  checkRoutes,
  checkScripts,
  checkTables,
  readRegistries,
} from '../../scripts/check-docs.ts'
import { startTestMongod, type TestMongod } from '../support/mongod.ts'
import { type Instance, post, runModule, startInstance, startModule } from '../support/processes.ts'

vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 })

const root = resolve(import.meta.dirname, '../..')
let mongod: TestMongod
let dataDir = ''
let instance: Instance

beforeAll(async () => {
  mongod = await startTestMongod('docs')
  dataDir = await mkdtemp(join(tmpdir(), 'phantom-power-docs-'))
  instance = await startInstance({ MONGODB_URI: mongod.uri, DATA_DIR: dataDir })
})

afterAll(async () => {
  await instance?.close()
  await mongod?.close()
  await rm(dataDir, { recursive: true, force: true })
})

interface Block {
  document: string
  /** What stands after the opening fence, such as `js run`. */
  info: string
  text: string
}

async function readBlocks(): Promise<Block[]> {
  const guides = (await readdir(join(root, 'docs')))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`)
  const blocks: Block[] = []
  for (const document of ['README.md', ...guides]) {
    const text = await readFile(join(root, document), 'utf8')
    for (const [, info, code] of text.matchAll(/^```(.*)\n([\s\S]*?)^```$/gm)) {
      blocks.push({ document, info: info!, text: code! })
    }
  }
  return blocks
}

/** Programs of a document: a `js run` block with the `js run more` blocks that follow it. */
function programsOf(blocks: Block[]): Block[] {
  const programs: Block[] = []
  for (const block of blocks) {
    if (block.info === 'js run') programs.push({ ...block })
    else if (block.info === 'js run more') programs.at(-1)!.text += block.text
  }
  return programs
}

const words = (line: string) => [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare!)

/** Does what a curl command of the documents would do; throws for an option that it does not know. */
async function doRequest(line: string): Promise<Response> {
  const [command, ...rest] = words(line)
  expect(command).toBe('curl')
  let method = 'GET'
  let body: string | undefined
  let target = ''
  const headers: Record<string, string> = {}
  while (rest.length > 0) {
    const word = rest.shift()!
    if (word === '-X') method = rest.shift()!
    else if (word === '-d') body = rest.shift()!
    else if (word === '-H') {
      const [name, value] = rest.shift()!.split(': ')
      headers[name!] = value!
    } else if (word.startsWith('http')) target = word.replace('http://127.0.0.1:3000', instance.url)
    else throw new Error(`curl ${word} is not known here`)
  }
  return fetch(target, { method, headers, ...(body !== undefined && { body }) })
}

describe('the documents', () => {
  it('[DOC-02] the requests of the quick start answer as they should', async () => {
    const requests = (await readBlocks()).filter(({ info }) => info === 'sh request')
    expect(requests.length).toBeGreaterThan(0)
    for (const { text } of requests) {
      for (const line of text.trim().split('\n')) {
        const response = await doRequest(line)
        expect(response.ok, `${line}: ${response.status}`).toBe(true)
        expect(await response.json()).toHaveProperty('accessToken')
      }
    }
  })

  it('[DOC-01] every program in the documents runs as it stands, against a real instance, and prints what it says', async () => {
    const programs = programsOf(await readBlocks())
    expect(new Set(programs.map(({ document }) => document))).toEqual(new Set(['README.md', 'docs/protocol.md']))
    for (const { document, text } of programs) {
      const promised = [...text.matchAll(/\/\/ prints: (.*)$/gm)].map(([, line]) => line!)
      expect(promised.length, document).toBeGreaterThan(0)
      const run = await runModule(text, { PHANTOM_URL: instance.url })
      expect(run.code, `${document}: ${run.stderr}${run.failure ?? ''}`).toBe(0)
      // Answers and events may cross: the lines are the same, their order may not be.
      expect(run.stdout.trim().split('\n').sort(), document).toEqual(promised.sort())
    }
  })

  it('[DOC-03] the bot of the README answers', async () => {
    const bots = (await readBlocks()).filter(({ info }) => info === 'js bot')
    expect(bots).toHaveLength(1)
    const account = { email: 'bot.owner@example.com', password: 'correct horse', displayName: 'Owner' }
    const { accessToken } = await post<{ accessToken: string }>(`${instance.url}/api/v1/auth/register`, account)
    const { bot, token } = await post<{ bot: { userId: string }; token: string }>(
      `${instance.url}/api/v1/bots`,
      { name: 'Echo', scopes: ['rooms:read', 'rooms:write'] },
      accessToken,
    )
    const child = startModule(bots[0]!.text, { PHANTOM_URL: instance.url, PHANTOM_TOKEN: token })
    const socket = io(instance.url, { auth: { token: accessToken }, transports: ['websocket'], reconnection: false })
    onTestFinished(async () => {
      socket.disconnect()
      const ended = once(child, 'exit')
      if (child.exitCode === null && child.kill('SIGKILL')) await ended
    })
    await new Promise((resolve, reject) => socket.once('ready', resolve).once('connect_error', reject))
    const ask = (event: string, payload: object) => socket.timeout(20_000).emitWithAck(event, payload)
    const room = await ask('room:create', { name: 'Bots', memberIds: [bot.userId] })
    const answers: string[] = []
    socket.on('room:message', ({ senderId, content }) => senderId === bot.userId && answers.push(content))
    // The bot follows from when it has connected: asked until it has.
    for (let attempt = 1; answers.length === 0 && attempt <= 60; attempt++) {
      await ask('room:send', { roomId: room.data.id, clientId: `ping-${attempt}`, content: '!ping' })
      await new Promise((done) => setTimeout(done, 500))
    }
    expect(answers[0]).toBe('pong')
  })

  it('[DOC-04] a document that is out of step is found: an event, route or npm script that is not there, a stale table or excerpt', async () => {
    const planted = await mkdtemp(join(tmpdir(), 'phantom-power-docs-'))
    onTestFinished(() => rm(planted, { recursive: true, force: true }))
    await mkdir(join(planted, 'docs'))
    const declared = await readRegistries(root)
    const [events, rights] = declared.tables
    const registries = { ...declared, tables: [events!] }
    const write = (readme: string, table = events!.text) =>
      Promise.all([
        writeFile(join(planted, 'README.md'), readme),
        writeFile(join(planted, 'package.json'), '{"scripts": {"start": "node x.js", "gone": "node scripts/gone.ts"}}'),
        writeFile(join(planted, 'docs/protocol.md'), `<!-- events:begin -->\n${table}\n<!-- events:end -->`),
      ])
    const judge = async () => {
      const found = await Promise.all(
        [checkEvents, checkRoutes, checkScripts, checkTables].map((check) => check(planted, registries)),
      )
      return found.map((wrong) => wrong.length)
    }
    await write('`room:send` `log:sync {logs}` `log:opened` POST /api/v1/auth/login /api/v1/bots/{id}/token npm start')
    expect(await judge()).toEqual([0, 0, 0, 0])
    await write(
      "`room:sing` emit('dm:wave') GET /api/v1/auth/login /api/v1/cats npm run gone npm run nothing",
      events!.text.replace('`room:send`', '`room:sent`'),
    )
    // The stale table names an event that is not there, too.
    expect(await judge()).toEqual([3, 2, 2, 1])
    await writeFile(join(planted, 'docs/protocol.md'), 'no marks')
    expect(await checkTables(planted, registries)).toHaveLength(1)
    await writeFile(join(planted, 'docs/rights.md'), '<!-- rights:begin -->\nEverybody may.\n<!-- rights:end -->')
    expect(await checkTables(planted, { ...declared, tables: [rights!] })).toHaveLength(1)
    const shown = (code: string) => `\n\`\`\`js x.js\n${code}\n\`\`\`\n`
    await writeFile(join(planted, 'x.js'), 'one()\ntwo()\n')
    await write(shown('two()'))
    expect(await checkExcerpts(planted)).toEqual([])
    await write(shown('three()'))
    expect(await checkExcerpts(planted)).toHaveLength(1)
  })

  it('[DOC-05] a behaviour that a test or the list of them lacks, or that has its number twice, is found', async () => {
    const planted = await mkdtemp(join(tmpdir(), 'phantom-power-docs-'))
    onTestFinished(() => rm(planted, { recursive: true, force: true }))
    await mkdir(join(planted, 'test/box'), { recursive: true })
    // Put together here, or these would be titles of this file.
    const title = (number: string, words: string) => `it('${`[${number}]`} ${words}', () => {})\n`
    const judge = async (tests: string, spec: string) => {
      await writeFile(join(planted, 'test/box/box.test.ts'), tests)
      await writeFile(join(planted, 'test/spec.md'), spec)
      return checkBehaviours(planted)
    }
    const opens = title('BOX-01', 'opens')
    expect(await judge(opens + opens, '- **BOX-01** opens\n')).toEqual([])
    expect(await judge(opens + title('BOX-02', 'shuts'), '- **BOX-01** opens\n- **BOX-01** shuts\n')).toEqual([
      'test/spec.md has BOX-01 twice',
      'test/spec.md lacks BOX-02, which a test has',
    ])
    expect(await judge(opens + title('BOX-01', 'shuts'), '- **BOX-01** opens\n- **BOX-03** locks\n')).toEqual([
      'test/spec.md has BOX-03, which no test has',
      'test/spec.md has BOX-01 for tests of different titles',
    ])
  })
})
