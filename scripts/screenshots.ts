// npm run screenshots: the demonstration's world in Chromium, each page in light and dark, on a phone and a wide screen.
// Takes a folder to write to, by default dist/screenshots, and a pattern of names where only some are wanted, such as
// 'board.*light'.
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { chromium } from 'playwright-core'
import { startApp } from '../src/app.ts'
import { connect } from '../src/client/index.ts'
import { readConfig } from '../src/config.ts'
import { createLogger } from '../src/infra/logger.ts'
// @ts-expect-error a script without types
import { buildWeb } from './build-web.mjs'
import { demoPassword, emailOf } from './demo/people.ts'
import { seedDemo } from './demo/seed.ts'
import { ensureChromium } from './find-tools.ts'
import { openServices } from './shared/services.ts'

const sizes = { phone: { width: 390, height: 844 }, wide: { width: 1440, height: 900 } }
const root = resolve(import.meta.dirname, '..')
const folder = resolve(process.argv[2] ?? join(root, 'dist', 'screenshots'))
const wanted = new RegExp(process.argv[3] ?? '')

/** Waits until the recordings are analysed and all that followed is done. */
async function analysed({
  db,
}: {
  db?: { collection(name: string): { countDocuments(filter?: object): Promise<number> } } | undefined
}) {
  const end = Date.now() + 300_000
  while (Date.now() < end && (await db!.collection('jobs').countDocuments()) > 0) await sleep(500)
}

/** A board with more cards than fit on a screen, in columns of unlike length; returns its project's id. */
async function fillBoard(post: (path: string, body: object) => Promise<any>): Promise<string> {
  const { id } = await post('/projects', { title: 'Two winters of ideas', description: 'Whatever came to mind.' })
  const operations = Array.from({ length: 150 }, (_, at) => ({
    op: 'card.add',
    columnId: ['todo', 'todo', 'doing', 'todo', 'done'][at % 5],
    title: [
      'A bridge in seven',
      'That bassline from the train',
      'Brushes',
      'Write to the label about the second pressing',
    ][at % 4]!,
    labels: ['bass', 'mix', 'words', 'live'].slice(at % 4, (at % 4) + (at % 3)),
    ...(at % 5 === 1 && { checklist: [{ text: 'Tune' }, { text: 'Count in' }] }),
  }))
  await post(`/projects/${id}/board/operations`, { operations })
  return id
}

const data = await mkdtemp(join(tmpdir(), 'phantom-power-pictures-'))
const stops: (() => Promise<unknown>)[] = [() => rm(data, { recursive: true, force: true })]
try {
  await buildWeb()
  await mkdir(folder, { recursive: true })
  const config = readConfig({
    PORT: '0',
    DATA_DIR: data,
    RATE_LIMITS: 'off',
    LOG_LEVEL: 'silent',
    MONGOD_BIN: process.env['MONGOD_BIN'],
  })
  const logger = createLogger('silent', false)
  const app = await startApp(config, { logger, version: '0.0.0', webHome: join(root, 'dist', 'web'), passwordCost: 4 })
  stops.push(() => app.close(5_000))
  const open = await openServices(config, () => {})
  stops.push(() => open.close())
  const { people } = await seedDemo(open)
  const url = `http://127.0.0.1:${app.port}`
  const email = emailOf(people[0]!.key)
  const browser = await chromium.launch({ executablePath: await ensureChromium(), args: ['--no-sandbox'] })
  stops.push(() => browser.close())

  // One of the musicians looks after the place.
  await open.accounts.operator.makeAdmin(email, undefined)
  await analysed(open.database.connection)
  let manyId = ''

  for (const [size, viewport] of Object.entries(sizes)) {
    for (const colorScheme of ['light', 'dark'] as const) {
      const context = await browser.newContext({ viewport, colorScheme, reducedMotion: 'reduce', locale: 'en-GB' })
      const page = await context.newPage()
      const take = async (name: string, path: string) => {
        if (!wanted.test(`${name}.${size}.${colorScheme}`)) return
        await page.goto(url + path)
        await page.locator('h1:visible, h2:visible, .empty:visible').first().waitFor()
        await page.locator('.spinner').first().waitFor({ state: 'detached' })
        await page.waitForTimeout(500)
        await page.screenshot({ path: join(folder, `${name}.${size}.${colorScheme}.png`) })
      }
      for (const name of ['login', 'signup', 'forgot']) await take(name, `/${name}`)
      const headers = { 'X-Phantom-Client': 'web' }
      const answer = await context.request.post(`${url}/api/v1/auth/login`, {
        headers,
        data: { email, password: demoPassword },
      })
      const { accessToken } = (await answer.json()) as { accessToken: string }
      const bearer = { Authorization: `Bearer ${accessToken}` }
      const first = async (path: string) =>
        ((await (await context.request.get(url + path, { headers: bearer })).json()) as { items: any[] }).items
      const rooms = (await first('/api/v1/chat-rooms')).sort((a, b) => b.memberCount - a.memberCount)
      const [conversation] = await first('/api/v1/conversations')
      await context.addInitScript("localStorage.setItem('pp:signed-in', '1')")
      const projects = await first('/api/v1/projects')
      const { id: projectId } = projects.find(({ title }) => title === 'Night Ferry EP')
      const board = await (
        await context.request.get(`${url}/api/v1/projects/${projectId}/board`, { headers: bearer })
      ).json()
      const card = board.columns.flatMap(({ cards }: any) => cards).find(({ title }: any) => title.startsWith('Mix'))
      const profile = await context.request.get(`${url}/api/v1/users/${conversation.userId}/profile`, {
        headers: bearer,
      })
      await context.request.post(`${url}/api/v1/reports`, {
        headers: bearer,
        data: {
          targetType: 'Profile',
          targetId: ((await profile.json()) as { id: string }).id,
          // The page writes where it is beneath.
          reason: `Sells cables to everybody who joins.\nThe third time this week.\n\n/people/${conversation.userId}`,
        },
      })
      const heard = await first('/api/v1/audio-files')
      const recording = heard.find(({ title }) => title.startsWith('Night Ferry'))
      manyId ||= await fillBoard(async (path, body) => {
        const made = await context.request.post(`${url}/api/v1${path}`, { headers: bearer, data: body })
        if (!made.ok()) throw new Error(`${path} answered ${made.status()}: ${await made.text()}`)
        return made.json()
      })
      await take('rooms', '/rooms')
      await take('room', `/rooms/${rooms[0].id}`)
      if (recording && wanted.test(`room-listening.${size}.${colorScheme}`)) {
        const client = connect({ url, token: accessToken })
        await client.listen.start(rooms[0].id, recording.id, 9_000)
        await client.send(rooms[0].id, 'This turn is the one I mean.', {
          anchor: { audioFileId: recording.id, startMs: 12_000, endMs: 15_000 },
        })
        await take('room-listening', `/rooms/${rooms[0].id}`)
        await client.listen.control(rooms[0].id, 'stop')
        await client.close()
      }
      await take('discover', '/discover')
      await take('messages', '/messages')
      await take('conversation', `/messages/${conversation.userId}`)
      await take('boards', '/boards')
      await take('board', `/boards/${projectId}`)
      await take('board-card', `/boards/${projectId}/${card.id}`)
      await take('board-many', `/boards/${manyId}`)
      await take('bookings', '/bookings')
      const [booking] = await first('/api/v1/bookings?status=requested')
      await take('booking', `/bookings/${booking.id}`)
      await take('bookings-project', `/bookings?project=${projectId}`)
      await take('booking-new', '/bookings?new')
      await take('people', '/people')
      await take('person', `/people/${conversation.userId}`)
      await take('notifications', '/notifications')
      await take('sound', '/sound?tab=all')
      await take('sound-mine', '/sound')
      await take('sound-found', '/sound?tab=all&tempoMin=90&tempoMax=110')
      await take('playlists', '/sound?tab=playlists')
      if (recording) await take('recording', `/sound/${recording.id}`)
      const playlist = (await first('/api/v1/playlists')).find(({ name }) => name.startsWith('Night Ferry'))
      if (playlist) await take('playlist', `/playlists/${playlist.id}`)
      await take('welcome', '/welcome')
      await take('admin', '/admin')
      for (const section of ['reports', 'users', 'roles', 'tags', 'measures', 'audit'])
        await take(`admin-${section}`, `/admin/${section}`)
      await take('settings', '/settings')
      await take('missing', '/nowhere/at/all')
      for (const section of ['profile', 'appearance', 'notifications', 'sessions', 'account', 'blocks'])
        await take(`settings-${section}`, `/settings/${section}`)
      await take('switcher', `/rooms/${rooms[0].id}`)
      if (wanted.test(`switcher.${size}.${colorScheme}`)) {
        await page.keyboard.press('Control+k')
        await page.waitForTimeout(400)
        await page.screenshot({ path: join(folder, `switcher.${size}.${colorScheme}.png`) })
      }
      await context.close()
    }
  }
  console.log(folder)
} finally {
  for (const stop of stops.reverse()) await stop()
}
