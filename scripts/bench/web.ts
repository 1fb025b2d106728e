/** `npm run bench:web`: how a very long room and a very full board open and move in Chromium. See docs/benchmarks.md. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import mongoose from 'mongoose'
import { type Browser, chromium, type Page } from 'playwright-core'
import { startApp } from '../../src/app.ts'
import { readConfig } from '../../src/config.ts'
import { createLogger } from '../../src/infra/logger.ts'
// @ts-expect-error a script without types
import { buildWeb } from '../build-web.mjs'
import { ensureChromium } from '../find-tools.ts'
import { reachMongo } from '../shared/mongo.ts'
import { describeMachine } from './lib/machine.ts'
import { median } from './lib/stats.ts'

const usage = `npm run bench:web -- [options]
  --rounds N     how often each is opened (5)
  --messages N   of the room (100000)
  --cards N      of the board (2000)
`
const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    messages: { type: 'string', default: '100000' },
    cards: { type: 'string', default: '2000' },
    help: { type: 'boolean', default: false },
  },
})
if (options.help) {
  process.stdout.write(usage)
  process.exit()
}
const [rounds, messageCount, cardCount] = [options.rounds, options.messages, options.cards].map(Number) as [
  number,
  number,
  number,
]
/** How far a scroll and a drag go, in moves of the mouse. */
const moves = 120
/** What the wheel turns for one move: as a hand does in haste (6,000 px a second at 60 frames), and as a fling. */
const speeds = [100, 240]
const root = resolve(import.meta.dirname, '../..')

interface Person {
  id: string
  name: string
  email: string
  token: string
}

/** When the first long frame of a socket came in, and when a message is first in sight. */
const watchRoom = `
  window.figures = {}
  const Plain = WebSocket
  window.WebSocket = class extends Plain {
    constructor(...rest) {
      super(...rest)
      this.addEventListener('message', ({ data }) => {
        if (typeof data === 'string' && data.includes('"messages":[{')) window.figures.arrived ??= performance.now()
      })
    }
  }
  const look = () => {
    const box = document.querySelector('article.message')?.getBoundingClientRect()
    // In the frame after the one in which it has its place, it is painted.
    if (box && box.height > 0) requestAnimationFrame(() => (window.figures.shown = performance.now()))
    else requestAnimationFrame(look)
  }
  requestAnimationFrame(look)
`
/** From a click to the frame after the one that has cards. */
const watchBoard = `
  addEventListener('click', () => {
    const from = performance.now()
    const look = () => {
      if (document.querySelectorAll('section [data-card]').length >= 30) requestAnimationFrame(() => (window.opened = performance.now() - from))
      else requestAnimationFrame(look)
    }
    look()
  }, { once: true, capture: true })
`

/** While something goes on: the main thread's work for a frame, and the longest that one frame waited, in milliseconds. */
async function watchFrames(page: Page, work: () => Promise<void>) {
  const cdp = await page.context().newCDPSession(page)
  await cdp.send('Performance.enable')
  const busyMs = async () =>
    (await cdp.send('Performance.getMetrics')).metrics.find(({ name }) => name === 'TaskDuration')!.value * 1_000
  await page.evaluate(`
    window.gaps = []
    let last = performance.now()
    const step = (now) => { window.gaps.push(now - last); last = now; window.stepping = requestAnimationFrame(step) }
    window.stepping = requestAnimationFrame(step)
  `)
  const before = await busyMs()
  await work()
  const spent = (await busyMs()) - before
  const gaps = ((await page.evaluate('cancelAnimationFrame(window.stepping), window.gaps')) as number[]).slice(1)
  await cdp.detach()
  gaps.sort((a, b) => a - b)
  return {
    workMs: spent / gaps.length,
    frameMs: median(gaps),
    p95Ms: gaps[Math.floor(gaps.length * 0.95)]!,
  }
}

/** Waits for what a page computes to be true; it may not evaluate text by itself. */
async function isSo(page: Page, what: string) {
  for (const end = Date.now() + 30_000; !(await page.evaluate(what)); await sleep(50)) {
    if (Date.now() > end) throw new Error(`not so within 30 s: ${what}`)
  }
}

async function visit(browser: Browser, url: string, { email }: Person) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: 'reduce' })
  const headers = { 'X-Phantom-Client': 'web' }
  const answer = await context.request.post(`${url}/api/v1/auth/login`, { headers, data: { email, password } })
  if (!answer.ok()) throw new Error(`log-in answered ${answer.status()}`)
  await context.addInitScript("localStorage.setItem('pp:signed-in', '1')")
  return context
}

const password = 'a long password'
const data = await mkdtemp(join(tmpdir(), 'phantom-power-web-'))
const stops: (() => Promise<unknown>)[] = [() => rm(data, { recursive: true, force: true })]
const print = (text: string) => process.stdout.write(`${text}\n`)
try {
  await buildWeb()
  const env = {
    PORT: '0',
    DATA_DIR: data,
    RATE_LIMITS: 'off',
    LOG_LEVEL: 'silent',
    MONGOD_BIN: process.env['MONGOD_BIN'],
  }
  const config = readConfig(env)
  const logger = createLogger('silent', false)
  const mongo = await reachMongo(config, () => {})
  stops.push(() => mongo.close())
  const start = () =>
    startApp(
      { ...config, mongodbUri: mongo.uri, dataDir: join(data, 'files') },
      { logger, version: '0.0.0', webHome: join(root, 'dist', 'web'), passwordCost: 4 },
    )
  let app = await start()
  let url = `http://127.0.0.1:${app.port}`
  const post = async (as: Person | undefined, path: string, body: object) => {
    const headers = { 'Content-Type': 'application/json', ...(as && { Authorization: `Bearer ${as.token}` }) }
    const answer = await fetch(`${url}/api/v1${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
    if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`)
    return (await answer.json()) as any
  }
  const people: Person[] = []
  for (const name of ['Ada Long', 'Ben Long']) {
    const email = `${name.slice(0, 3).toLowerCase()}@example.com`
    const { user, accessToken } = await post(undefined, '/auth/register', { displayName: name, email, password })
    people.push({ id: user.id, name, email, token: accessToken })
  }
  const [ada, ben] = people as [Person, Person]

  const room = await post(ada, '/chat-rooms', { name: 'Endless', visibility: 'private', memberIds: [ben.id] })
  // As the log stores it: one is said, and the others are like it.
  const said = await post(ben, `/chat-rooms/${room.id}/messages`, { content: 'Line 1' })
  const database = await mongoose.createConnection(mongo.uri).asPromise()
  stops.push(() => database.close())
  const log = database.collection<any>('log')
  const entry = await log.findOne({ _id: said.id })
  if (!entry) throw new Error('the log is not where it was')
  for (let from = 2; from <= messageCount; from += 5_000) {
    const count = Math.min(5_000, messageCount - from + 1)
    const entries = Array.from({ length: count }, (_, index) => {
      const seq = from + index
      const rev = (entry.rev as number) + seq - 1
      return {
        ...entry,
        _id: said.id.slice(0, 19) + String(seq).padStart(7, '0'),
        rev,
        seq,
        slots: [rev],
        clientId: `line-${seq}`,
        senderId: seq % 7 < 4 ? ben.id : ada.id,
        content: `Line ${seq} ${'of a song without an end '.repeat(seq % 5)}`,
      }
    })
    await log.insertMany(entries, { ordered: false })
  }
  const project = await post(ada, '/projects', { title: 'Full to the brim' })
  for (let from = 0; from < cardCount; from += 200) {
    const operations = Array.from({ length: Math.min(200, cardCount - from) }, (_, index) => ({
      op: 'card.add',
      columnId: ['todo', 'doing', 'done'][index % 3],
      title: `Card ${from + index}`,
      labels: ['bass', 'mix'].slice(index % 2),
      ...(index % 5 === 0 && { checklist: [{ text: 'Tune', done: index % 2 === 0 }] }),
    }))
    await post(ada, `/projects/${project.id}/board/operations`, { operations })
  }
  // A server that remembers none of it.
  await app.close(10_000)
  app = await start()
  url = `http://127.0.0.1:${app.port}`
  stops.push(() => app.close(5_000))

  const browser = await chromium.launch({
    executablePath: await ensureChromium(),
    args: ['--no-sandbox', '--disable-gpu'],
  })
  stops.push(() => browser.close())
  const { cores, model, node } = describeMachine()
  print(
    `${cores} cores (${model}), Node ${node}, Chromium ${browser.version()} without a graphics card, ${rounds} rounds`,
  )
  const figures = new Map<string, number[]>()
  const note = (name: string, value: number) => figures.set(name, [...(figures.get(name) ?? []), value])

  for (let round = 0; round < rounds; round++) {
    const context = await visit(browser, url, ada)
    const page = await context.newPage()
    await page.addInitScript(watchRoom)
    // Warm: the scripts are in the cache.
    await page.goto(`${url}/rooms`)
    await page.getByRole('link', { name: /Endless/ }).waitFor()
    await page.goto(`${url}/rooms/${room.id}`)
    await isSo(page, 'window.figures.shown > 0 && window.figures.arrived > 0')
    const { arrived, shown } = (await page.evaluate('window.figures')) as { arrived: number; shown: number }
    note('room: arrival of the messages to their picture', shown - arrived)
    note('room: loading the page to their picture', shown)
    const toEnd = page.getByRole('button', { name: /To the newest|new message/ })
    if ((await page.locator(`[data-seq="${messageCount}"]`).count()) === 0) await toEnd.click()
    await page.locator(`[data-seq="${messageCount}"]`).waitFor()
    await page.getByRole('region', { name: 'Messages in Endless' }).hover()
    for (const px of speeds) {
      const scroll = await watchFrames(page, async () => {
        for (let move = 0; move < moves; move++) await page.mouse.wheel(0, -px)
      })
      note(`room, ${px} px a frame: work for a frame`, scroll.workMs)
      note(`room, ${px} px a frame: frame to frame, median`, scroll.frameMs)
      note(`room, ${px} px a frame: frame to frame, 95 of 100`, scroll.p95Ms)
    }
    note('room: messages in the page', await page.locator('article.message').count())

    await page.goto(`${url}/boards`)
    const link = page.getByRole('link', { name: /Full to the brim/ })
    await link.waitFor()
    await page.evaluate(watchBoard)
    await link.click()
    await isSo(page, 'window.opened > 0')
    note('board: click to its picture', (await page.evaluate('window.opened')) as number)
    const lists = page.locator('.columns section > ul')
    const from = (await lists.nth(0).locator('[data-card]').nth(2).boundingBox())!
    const to = (await lists.nth(2).locator('[data-card]').nth(3).boundingBox())!
    await page.mouse.move(from.x + 40, from.y + 15)
    await page.mouse.down()
    const drag = await watchFrames(page, async () => {
      for (let move = 1; move <= moves; move++) {
        const part = move / moves
        await page.mouse.move(from.x + 40 + (to.x - from.x) * part, from.y + 15 + (to.y - from.y) * part)
      }
    })
    await page.keyboard.press('Escape')
    await page.mouse.up()
    note('board, dragged: work for a frame', drag.workMs)
    note('board, dragged: frame to frame, median', drag.frameMs)
    note('board, dragged: frame to frame, 95 of 100', drag.p95Ms)
    note('board: cards in the page', await page.locator('[data-card]').count())
    await context.close()
  }
  print(`\n| | median | least | most |\n|---|---:|---:|---:|`)
  const text = (value: number) => (value < 100 ? value.toFixed(1) : String(Math.round(value)))
  for (const [name, values] of figures)
    print(`| ${name} | ${[median(values), Math.min(...values), Math.max(...values)].map(text).join(' | ')} |`)
} finally {
  for (const stop of stops.reverse()) await stop()
}
