import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type Board, openBoard } from '../../src/client/boards.ts'
import { connect, createSession } from '../../src/client/index.ts'
import { createWorld, type Person, type World } from '../support/world.ts'

const root = join(import.meta.dirname, '..', '..')
const boards: Board[] = []
let world: World
let bot: ChildProcess | undefined
beforeAll(async () => {
  world = await createWorld({ instances: 2 })
})
afterEach(() => {
  bot?.kill('SIGKILL')
  for (const board of boards.splice(0)) board.close()
})
afterAll(() => world?.close())

async function projectOf(owner: Person, ...editors: { id: string }[]): Promise<string> {
  const { body } = await world.ask('POST', '/api/v1/projects', { as: owner, body: { title: 'Dub', isOpen: false } })
  for (const { id: userId } of editors) {
    const path = `/api/v1/projects/${body.id}/members`
    await world.ask('POST', path, { as: owner, body: { userId, role: 'editor' } })
  }
  return body.id
}
const at = (index: number) => world.instances[index]!.url
const keep = (board: Board) => {
  boards.push(board)
  return board
}

test('[CARD-30] the typed client opens a board, adds, moves and ticks off, in sync with others on other instances', async () => {
  const [ann, ben] = (await world.users('Ann', 'Ben')) as [Person, Person]
  const projectId = await projectOf(ann, ben)
  const client = connect({ url: at(0), token: ann.accessToken })
  const one = await client.openBoard(projectId)
  const two = keep(await openBoard(projectId, { url: at(1), token: ben.accessToken }))
  expect([one.state, two.state, one.title]).toEqual(['live', 'live', 'Dub'])
  expect(two.columns().map(({ title }) => title)).toEqual(['To do', 'Doing', 'Done'])
  const changed: string[] = []
  two.onCards((ids) => changed.push(...ids))
  const a = one.addCard('todo', 'Bass', { checklist: ['Tune', 'Play'] })
  const b = one.addCard('todo', 'Drums', { beforeId: a })
  const c = one.addCard('todo', 'Mix', { index: 1 })
  await world.until(() => two.cards('todo').length === 3)
  expect(two.cards().map(({ title }) => title)).toEqual(['Drums', 'Mix', 'Bass'])
  expect(new Set(changed)).toEqual(new Set([a, b, c]))
  two.moveCard(b, { columnId: 'done' })
  two.moveCard(c, { afterId: a })
  two.toggleChecklist(a, two.card(a)!.checklist[1]!.id)
  await world.until(() => one.card(a)!.checklist[1]!.done && one.cards('done').length === 1)
  expect(one.cards('todo').map(({ title }) => title)).toEqual(['Bass', 'Mix'])
  expect(() => one.moveCard(a, { columnId: 'nowhere' })).toThrow('column not found')
  await client.close()
  expect(one.state).toBe('closed')
  await expect(client.openBoard(projectId)).rejects.toMatchObject({ code: 'closed' })
})

test('[CARD-31] it comes back with a renewed token, and stops where access is lost or never was', async () => {
  const [ann, ben, cleo] = (await world.users('Ann', 'Ben', 'Cleo')) as [Person, Person, Person]
  const projectId = await projectOf(ann, ben)
  const asked: boolean[] = []
  const session = await createSession({ url: at(0), email: ben.email, password: ben.password })
  const getToken = ({ renew }: { renew: boolean }) => {
    asked.push(renew)
    // The first one is no good: only asking for a new one helps.
    return renew || asked.length > 2 ? session.getToken() : 'no.good.token'
  }
  const board = keep(await openBoard(projectId, { url: at(0), getToken, backoff: { baseMs: 50, maxMs: 200 } }))
  expect(asked).toEqual([false, true])
  const states: string[] = []
  board.on('state', ({ state }) => states.push(state))
  const live = world.instances[0]!.app!.services.boards
  for (const each of live.all()) if (each.projectId === projectId) each.close(4503, 'for the test')
  await world.until(() => states.includes('offline'))
  const card = board.addCard('todo', 'Written offline')
  await world.until(() => board.state === 'live')
  expect(asked.length).toBeGreaterThan(2)
  const added = async () =>
    (await world.ask('GET', `/api/v1/projects/${projectId}/board`, { as: ann })).body.columns[0].cards
  await world.until(async () => (await added()).some(({ id }: any) => id === card))
  await world.ask('DELETE', `/api/v1/projects/${projectId}/members/${ben.id}`, { as: ann })
  await world.until(() => board.state === 'closed')
  expect(board.error).toMatchObject({ code: 'forbidden' })
  const refused = (project: string, token: string) => openBoard(project, { url: at(1), token })
  await expect(refused(projectId, cleo.accessToken)).rejects.toMatchObject({ code: 'forbidden' })
  await expect(refused('01HYN8FXZ2W6X8K6YTNPEKXYM7', ann.accessToken)).rejects.toMatchObject({ code: 'not_found' })
  await expect(refused(projectId, 'no.good.token')).rejects.toMatchObject({ code: 'unauthenticated' })
})

test('[CARD-32] the example bot, a process of its own, moves a card to Done when its checklist is done', async () => {
  const ann = await world.user('Ann')
  const robot = await world.bot(ann, ['boards:read', 'boards:write'])
  const projectId = await projectOf(ann, robot)
  const board = keep(await openBoard(projectId, { url: at(0), token: ann.accessToken }))
  const ready = board.addCard('todo', 'Ready', { checklist: ['One'] })
  board.toggleChecklist(ready, board.card(ready)!.checklist[0]!.id, true)
  const card = board.addCard('doing', 'Bass', { checklist: ['Tune', 'Play'] })
  const plain = board.addCard('doing', 'Without a list')
  bot = spawn(process.execPath, ['--import', 'tsx', 'examples/card-bot.ts'], {
    cwd: root,
    env: { ...process.env, PHANTOM_URL: at(1), PHANTOM_TOKEN: robot.accessToken, PHANTOM_PROJECT: projectId },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const inDone = (id: string) => board.cards('done').some((each) => each.id === id)
  await world.until(() => inDone(ready), 60_000, 'the bot looks at what is there')
  for (const { id } of board.card(card)!.checklist) board.toggleChecklist(card, id, true)
  await world.until(() => inDone(card), 60_000, 'the bot follows')
  expect(board.cards('done').map(({ id }) => id)).toEqual([card, ready])
  expect(board.card(plain)!.columnId).toBe('doing')
  const last = async () =>
    (await world.ask('GET', `/api/v1/projects/${projectId}/board/activity`, { as: ann })).body.items[0]
  const act = await world.until(async () => {
    const found = await last()
    return found?.subjectId === card && found.act === 'card.finished' && found
  })
  expect(act).toMatchObject({ userId: robot.id, title: 'Bass' })
})
