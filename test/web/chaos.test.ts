import { createHash } from 'node:crypto'
import type { Page } from 'playwright-core'
import { afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { encodeWave } from '../../scripts/shared/wave.ts'
import type { Instance, Person } from '../support/world.ts'
import type { Visit } from './browser.ts'
import { type Cable, layCable } from './cable.ts'
import { cardIn, column, holdCard } from './cards.ts'
import { field, setStage } from './stage.ts'

// One server, in a process of its own, as a small network has it: while it is down nothing answers anybody.
const stage = setStage({ instances: 0 })
let server: Instance
let port: string

beforeAll(async () => {
  server = await stage.world.spawnInstance()
  port = new URL(server.url).port
}, 120_000)

// A test that failed midway fails no other.
afterEach(async () => {
  if (server.process!.exitCode !== null || server.process!.signalCode !== null) await rise()
}, 120_000)

/** What goes wrong, and how it is right again; `url` is where its victim's page is opened. */
interface Fault {
  url: string
  strike(): Promise<void>
  heal(): Promise<void>
}

const die = () => server.close()
async function rise() {
  server = await stage.world.spawnInstance({ PORT: port })
}

/** SIGKILL, and a start at the same address with the same data. */
const killed = async (): Promise<Fault> => ({ url: server.url, strike: die, heal: rise })

async function laidCable(): Promise<Cable> {
  const cable = await layCable(server.url)
  onTestFinished(() => cable.close())
  return cable
}

/** The one’s network is gone, while the others go on. */
async function cut(): Promise<Fault> {
  const cable = await laidCable()
  return { url: cable.url, strike: async () => cable.cut(), heal: async () => cable.mend() }
}

/** Far from the default of waits: a machine short of time starts a server slowly, and attempts are ten seconds apart. */
const patience = { timeout: 60_000 }
const banner = (page: Page) => page.getByRole('status').getByText('Not connected. What you write is kept')
const isTold = (page: Page) => banner(page).waitFor(patience)
const isBack = (page: Page) => banner(page).waitFor({ state: 'detached', ...patience })

/** What a page may say to its console while nothing answers: that nothing answers. */
const ofTheNetwork =
  /net::ERR_|^WebSocket connection to \S+ failed|Unable to preload CSS|Failed to fetch dynamically imported module/
const faultsOf = (...visits: Visit[]) =>
  visits.flatMap(({ complaints }) => complaints).filter((each) => !ofTheNetwork.test(each))

async function typeThrough(fault: Fault) {
  const [ada, ben] = (await stage.world.users('Ada Gale', 'Ben Gale')) as [Person, Person]
  const room = await stage.roomOf('Gale', [ada, ben])
  const visit = await stage.visitAs(ada, `/rooms/${room.id}`, {}, fault.url)
  const other = await stage.visitAs(ben, `/rooms/${room.id}`)
  const { page } = visit
  const compose = field(page, 'Message #Gale')
  const state = () =>
    compose.evaluate((area: any) => ({
      text: area.value,
      caret: [area.selectionStart, area.selectionEnd],
      isFocused: area.ownerDocument.activeElement === area,
    }))
  await compose.click()
  await page.keyboard.type('It is a song')
  for (const _ of 'song') await page.keyboard.press('ArrowLeft')
  await fault.strike()
  await page.keyboard.type('sad ')
  await isTold(page)
  await page.keyboard.type('and ')
  await fault.heal()
  await page.keyboard.type('very ')
  await isBack(page)
  await page.keyboard.type('old ')
  const text = 'It is a sad and very old song'
  expect(await state()).toEqual({ text, caret: [text.length - 4, text.length - 4], isFocused: true })
  // It is kept over a page that is loaded anew, too, and then sent as what it is.
  await page.reload()
  await expect.poll(() => compose.inputValue()).toBe(text)
  await compose.press('Enter')
  for (const each of [visit, other]) await isShown(each.page, [text])
  expect(await state()).toEqual({ text: '', caret: [0, 0], isFocused: true })
  expect(faultsOf(visit, other)).toEqual([])
}

/** Waits until the page shows exactly these messages, none of them waiting or failed. */
async function isShown(page: Page, texts: string[]) {
  const shown = () =>
    page.locator('article.message').evaluateAll((rows: any[]) =>
      rows.map((row) => {
        const text = row.querySelector('.text')?.textContent.trim()
        return row.classList.contains('pending') ? `${text} (${row.querySelector('.state')?.textContent})` : text
      }),
    )
  await expect.poll(shown, patience).toEqual(texts)
}

async function sendThrough(fault: Fault, elsewhere: boolean) {
  const [cyd, dan] = (await stage.world.users('Cyd Hail', 'Dan Hail')) as [Person, Person]
  const room = await stage.roomOf('Hail', [cyd, dan])
  const visit = await stage.visitAs(cyd, `/rooms/${room.id}`, {}, fault.url)
  const other = await stage.visitAs(dan, `/rooms/${room.id}`)
  const { page } = visit
  const said: string[] = []
  const compose = field(page, 'Message #Hail')
  await compose.click()
  const say = async (count: number) => {
    for (let each = 0; each < count; each++) {
      said.push(`line ${said.length + 1}`)
      await page.keyboard.type(said.at(-1)!)
      await page.keyboard.press('Enter')
    }
  }
  await say(3)
  // While it strikes one goes on, and nobody waits for what is on its way.
  await Promise.all([say(4), fault.strike()])
  await isTold(page)
  await say(2)
  await page.getByText('Waits for the connection').first().waitFor()
  if (elsewhere) await stage.say(dan, room.id, 'from elsewhere')
  await Promise.all([say(3), fault.heal()])
  await isBack(page)
  await say(2)
  await expect.poll(() => page.locator('article.message.pending').count(), patience).toBe(0)
  const history = async () => {
    const { body } = await stage.world.ask('GET', `/api/v1/chat-rooms/${room.id}/messages`, { as: dan })
    return body.items.map(({ content }: { content: string }) => content) as string[]
  }
  const stored = await history()
  expect(stored.filter((each) => each !== 'from elsewhere')).toEqual(said)
  expect(stored.length).toBe(said.length + (elsewhere ? 1 : 0))
  for (const each of [visit, other]) await isShown(each.page, stored)
  expect(await history()).toEqual(stored)
  expect(faultsOf(visit, other)).toEqual([])
}

const boardBar = (page: Page) => page.getByText('What you change is kept in this window')

/** By mouse: holds a card over a column that may have none yet. */
function hold(page: Page, title: string, name: string) {
  const over = column(page, name)
  return holdCard(page, cardIn(page, title), over, over.locator('ul'), 10)
}

async function closeCard(page: Page) {
  await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click()
  await page.getByRole('dialog').waitFor({ state: 'detached' })
}

async function dragThrough(fault: Fault, elsewhere: boolean) {
  const [eva, fay] = (await stage.world.users('Eva Squall', 'Fay Squall')) as [Person, Person]
  const project = await stage.projectOf('Squall', [eva, fay])
  for (const title of ['One', 'Two', 'Three', 'Four', 'Lyrics']) await stage.addCard(eva, project.id, { title })
  const visit = await stage.visitAs(eva, `/boards/${project.id}`, {}, fault.url)
  const other = await stage.visitAs(fay, `/boards/${project.id}`)
  const { page } = visit
  await Promise.all([visit, other].map((each) => cardIn(each.page, 'Lyrics').waitFor()))
  // What writes texts is loaded once the board is there and nothing else is to be done.
  const parts = () => page.evaluate("performance.getEntriesByType('resource').map(({ name }) => name).join()")
  await expect.poll(parts, patience).toContain('/RichText')
  // Dropped while nothing answers.
  await hold(page, 'One', 'Doing')
  await fault.strike()
  await page.mouse.up()
  await boardBar(page).waitFor(patience)
  await cardIn(column(page, 'Doing'), 'One').waitFor()
  await cardIn(page, 'Two').focus()
  await page.keyboard.press('Shift+ArrowRight')
  await page.getByRole('button', { name: 'New card in Done' }).click()
  await page.keyboard.type('Made offline')
  await page.keyboard.press('Enter')
  await cardIn(page, 'Lyrics').click()
  const text = (of: Page) => of.getByRole('textbox', { name: 'Description' })
  await text(page).click()
  await page.keyboard.type('Written in the dark')
  await closeCard(page)
  if (elsewhere) {
    // The other moves what was moved here too, and writes into the same text.
    await cardIn(other.page, 'Two').focus()
    await other.page.keyboard.press('Shift+ArrowRight')
    await other.page.keyboard.press('Shift+ArrowRight')
    await cardIn(other.page, 'Three').focus()
    await other.page.keyboard.press('Shift+ArrowRight')
    await cardIn(other.page, 'Lyrics').click()
    await text(other.page).click()
    await other.page.keyboard.type('Sung in the light')
    await closeCard(other.page)
  }
  // Held from before it comes back until after.
  await hold(page, 'Four', 'Doing')
  await fault.heal()
  await boardBar(page).waitFor({ state: 'detached', ...patience })
  if (elsewhere) await cardIn(page, 'Three').waitFor()
  await page.mouse.up()
  await isBack(page)
  await stage.addCard(fay, project.id, { title: 'Afterwards' })
  const stored = async () => (await stage.world.ask('GET', `/api/v1/projects/${project.id}/board`, { as: fay })).body
  const pictures = async () => [
    (await stored()).columns.map(({ cards }: any) => cards.map(({ title }: any) => title)),
    ...(await Promise.all(
      [visit, other].map((each) =>
        each.page
          .locator('.columns section')
          .evaluateAll((all: any[]) =>
            all.map((one) => Array.from(one.querySelectorAll('[data-card] .title'), (title: any) => title.textContent)),
          ),
      ),
    )),
  ]
  const titles = ['Afterwards', 'Four', 'Lyrics', 'Made offline', 'One', 'Three', 'Two']
  await expect
    .poll(async () => {
      const [first, ...others] = await pictures()
      return {
        areEqual: others.map((each) => JSON.stringify(each) === JSON.stringify(first)),
        titles: first.flat().sort(),
      }
    }, patience)
    .toEqual({ areEqual: [true, true], titles })
  const [, doing, done] = (await pictures())[0]
  expect(doing).toEqual(expect.arrayContaining(['One', 'Four', ...(elsewhere ? ['Three'] : ['Two'])]))
  expect(done).toContain('Made offline')
  const { description } = (await stored()).columns[0].cards.find(({ title }: any) => title === 'Lyrics')
  for (const each of ['Written in the dark', ...(elsewhere ? ['Sung in the light'] : [])]) {
    expect(description).toContain(each)
    for (const { page } of [visit, other]) {
      await cardIn(page, 'Lyrics').click()
      await text(page).getByText(each).waitFor()
      await closeCard(page)
    }
  }
  expect(faultsOf(visit, other)).toEqual([])
}

/** Many bytes and few seconds: what the server then hears in it takes its time too. */
const take = Float32Array.from({ length: 30 * 48_000 }, (_, at) => 0.5 * Math.sin((2 * Math.PI * 440 * at) / 48_000))
const file = { name: 'Long take.wav', mimeType: 'audio/wav', buffer: encodeWave([take], 48_000) }
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

async function recordingsOf(person: Person): Promise<{ id: string; title: string }[]> {
  const { body } = await stage.world.ask('GET', `/api/v1/audio-files?userId=${person.id}`, { as: person })
  return body.items
}

/** The page shows the upload as done, and there is one recording with the very bytes. */
async function isUploaded(page: Page, person: Person) {
  await page.getByRole('link', { name: 'Long take', exact: true }).waitFor(patience)
  await page.getByRole('list', { name: 'Uploads' }).getByText('There').waitFor(patience)
  const [recording, ...others] = await recordingsOf(person)
  expect([recording?.title, others]).toEqual(['Long take', []])
  const answer = await fetch(`${server.url}/api/v1/audio-files/${recording!.id}/stream`, {
    headers: { Authorization: `Bearer ${person.accessToken}` },
    signal: AbortSignal.timeout(20_000),
  })
  expect(sha256(new Uint8Array(await answer.arrayBuffer()))).toBe(sha256(file.buffer))
}

/** `isHeard` false: the fault comes when all is stored, and nobody has been told. */
async function uploadThrough(cable: Cable, fault: Omit<Fault, 'url'>, isHeard: boolean) {
  const gil = await stage.world.user('Gil Flood')
  const visit = await stage.visitAs(gil, '/sound', {}, cable.url)
  const { page } = visit
  const patches: number[] = []
  let path = ''
  page.on('request', (request) => {
    if (request.method() !== 'PATCH') return
    patches.push(Number(request.headers()['upload-offset']))
    path = new URL(request.url()).pathname
  })
  await page.getByText('No recording of yours yet').waitFor()
  cable.hold(1_000_000)
  await page.getByLabel('Choose files').setInputFiles([file])
  const bar = page.getByRole('progressbar', { name: 'Upload of Long take.wav' })
  await expect.poll(() => bar.evaluate((each) => (each as any).value as number), patience).toBeGreaterThan(0)
  // Bytes on the way to the server's disk are nobody's yet.
  const kept = async () => (await stage.world.ask('GET', path, { as: gil })).body.offset
  await expect.poll(kept, patience).toBeGreaterThan(0)
  if (!isHeard) {
    cable.silence()
    cable.hold(Number.POSITIVE_INFINITY)
    await expect.poll(async () => (await recordingsOf(gil)).length, patience).toBe(1)
  }
  await fault.strike()
  await page.getByText('Waits for the connection, then goes on').waitFor(patience)
  await isTold(page)
  await fault.heal()
  await isUploaded(page, gil)
  await isBack(page)
  // It went on from where it was.
  if (isHeard) expect(patches.at(-1)).toBeGreaterThan(0)
  else expect(patches).toEqual([0])
  expect(faultsOf(visit)).toEqual([])
}

const cutOf = (cable: Cable) => ({ strike: async () => cable.cut(), heal: async () => cable.mend() })
const killBehind = (cable: Cable) => ({
  strike: die,
  async heal() {
    await rise()
    cable.mend()
  },
})

describe('chaos for eyes', () => {
  it('[EYES-01] a killed server: what is being written stays with its caret, over a reload too, and the page says what happens', async () =>
    typeThrough(await killed()))

  it('[EYES-02] a cut network: what is being written stays with its caret, over a reload too, and the page says what happens', async () =>
    typeThrough(await cut()))

  it('[EYES-03] a killed server: messages sent before, meanwhile and after are there once each, in order, on every page', async () =>
    sendThrough(await killed(), false))

  it('[EYES-04] a cut network: messages sent before, meanwhile and after are there once each, in order, among those of others', async () =>
    sendThrough(await cut(), true))

  it('[EYES-05] a killed server: cards dragged over it and text written into one meanwhile are on every board', async () =>
    dragThrough(await killed(), false))

  it('[EYES-06] a cut network: cards dragged over it and text written into one meanwhile join what others did', async () =>
    dragThrough(await cut(), true))

  it('[EYES-07] a killed server: an upload goes on by itself from where it was, to one recording of the very bytes', async () => {
    const cable = await laidCable()
    await uploadThrough(cable, killBehind(cable), true)
  })

  it('[EYES-08] a cut network: an upload goes on by itself from where it was, to one recording of the very bytes', async () => {
    const cable = await laidCable()
    await uploadThrough(cable, cutOf(cable), true)
  })

  it('[EYES-09] an upload whose last answer was lost by a killed server or a cut network is not made a second time', async () => {
    const [one, two] = [await laidCable(), await laidCable()]
    await uploadThrough(one, killBehind(one), false)
    await uploadThrough(two, cutOf(two), false)
  })

  it('[EYES-10] what is opened while nothing answers comes by itself, with its looks, once it does', async () => {
    const hal = await stage.world.user('Hal Fog')
    await stage.roomOf('Fog', [hal])
    const fault = await cut()
    const visit = await stage.visitAs(hal, '/people', {}, fault.url)
    const { page } = visit
    const go = (name: string) => page.getByRole('navigation').first().getByRole('link', { name }).first().click()
    await page.getByRole('heading', { name: 'People', level: 1 }).waitFor()
    await go('Rooms')
    await page.getByRole('link', { name: 'Fog' }).first().waitFor()
    await page.evaluate('window.isTheSame = true')
    await fault.strike()
    await isTold(page)
    // A page whose parts are here, without what it shows; a room; and a page of which nothing is here.
    await go('People')
    await page.getByRole('alert').first().waitFor(patience)
    await go('Rooms')
    await page.getByRole('link', { name: 'Fog' }).first().click()
    await field(page, 'Message #Fog').fill('kept')
    await go('Sound')
    await page.getByText('This page could not be loaded').waitFor(patience)
    await fault.heal()
    const panel = page.getByRole('region', { name: 'Upload' })
    await panel.waitFor(patience)
    await expect
      .poll(() => panel.evaluate((each) => (globalThis as any).getComputedStyle(each).borderTopStyle))
      .toBe('dashed')
    await page.getByText('No recording of yours yet').waitFor(patience)
    await isBack(page)
    // And where one still looks at the error.
    await fault.strike()
    await go('People')
    await page.getByRole('alert').first().waitFor(patience)
    await fault.heal()
    await page
      .getByRole('alert')
      .first()
      .waitFor({ state: 'detached', ...patience })
    await go('Rooms')
    await page.getByRole('link', { name: 'Fog' }).first().click()
    await page.getByText('This is where #Fog begins').waitFor()
    expect(await field(page, 'Message #Fog').inputValue()).toBe('kept')
    expect(await page.evaluate('window.isTheSame')).toBe(true)
    expect(faultsOf(visit)).toEqual([])
  })

  it('[EYES-11] what two windows could not send before they were closed is sent by the next, once each', async () => {
    const ida = await stage.world.user('Ida Mist')
    const room = await stage.roomOf('Mist', [ida])
    const fault = await cut()
    const { page, context } = await stage.visitAs(ida, `/rooms/${room.id}`, {}, fault.url)
    const second = await context.newPage()
    await second.goto(page.url())
    for (const each of [page, second]) await field(each, 'Message #Mist').waitFor()
    await fault.strike()
    for (const [each, text] of [
      [page, 'from the one'],
      [second, 'from the other'],
    ] as const) {
      await isTold(each)
      await field(each, 'Message #Mist').fill(text)
      await field(each, 'Message #Mist').press('Enter')
      await each.getByText('Waits for the connection').waitFor()
    }
    await Promise.all([page.close(), second.close()])
    await fault.heal()
    const next = await context.newPage()
    await next.goto(`${fault.url}/rooms/${room.id}`)
    await isShown(next, ['from the one', 'from the other'])
    const { body } = await stage.world.ask('GET', `/api/v1/chat-rooms/${room.id}/messages`, { as: ida })
    expect(body.items.map(({ content }: any) => content)).toEqual(['from the one', 'from the other'])
  })

  it('[EYES-12] an upload waits as long as nothing answers, however often it has tried', async () => {
    const jon = await stage.world.user('Jon Frost')
    const cable = await laidCable()
    const { page } = await stage.visitAs(jon, '/settings/profile', {}, cable.url)
    await page.clock.install()
    await page.goto(`${cable.url}/sound`)
    await page.getByText('No recording of yours yet').waitFor()
    let tries = 0
    page.on('requestfailed', (request) => {
      if (request.url().includes('/uploads')) tries += 1
    })
    cable.hold(1_000_000)
    await page.getByLabel('Choose files').setInputFiles([file])
    const bar = page.getByRole('progressbar', { name: 'Upload of Long take.wav' })
    await expect.poll(() => bar.evaluate((each) => (each as any).value as number), patience).toBeGreaterThan(0)
    cable.cut()
    await isTold(page)
    for (let each = 1; each <= 16; each++) {
      await expect.poll(() => tries, patience).toBeGreaterThanOrEqual(each)
      await page.getByText('Waits for the connection, then goes on').waitFor(patience)
      await page.clock.fastForward(16_000)
    }
    cable.mend()
    await isUploaded(page, jon)
  })
})
