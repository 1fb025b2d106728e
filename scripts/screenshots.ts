// npm run screenshots: the demonstration's world in Chromium, each page in light and dark, on a phone and a wide screen.
// Takes a folder to write to, by default dist/screenshots, and a pattern of names where only some are wanted, such as
// 'board.*light'.
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { chromium } from 'playwright-core'
import { startApp } from '../src/app.ts'
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

  let projectId = ''
  for (const [size, viewport] of Object.entries(sizes)) {
    for (const colorScheme of ['light', 'dark'] as const) {
      const context = await browser.newContext({ viewport, colorScheme, reducedMotion: 'reduce', locale: 'en-GB' })
      const page = await context.newPage()
      const take = async (name: string, path: string) => {
        if (!wanted.test(`${name}.${size}.${colorScheme}`)) return
        await page.goto(url + path)
        await page.locator('h1:visible, .empty:visible').first().waitFor()
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
      if (projectId === '') {
        // A board as it looks in use; the demonstration has none.
        const post = async (path: string, data: unknown) =>
          (await (await context.request.post(url + path, { headers: bearer, data })).json()) as any
        const about = { title: 'Dub sessions, volume two', description: 'Six tracks by spring', isOpen: true }
        projectId = (await post('/api/v1/projects', about)).id
        const { userId } = await first('/api/v1/conversations').then(([each]) => each)
        await post(`/api/v1/projects/${projectId}/members`, { userId, role: 'producer' })
        await post(`/api/v1/projects/${projectId}/board/operations`, {
          operations: [
            {
              op: 'card.add',
              columnId: 'todo',
              title: 'Record the bass',
              labels: ['bass', 'studio'],
              assignees: [userId],
            },
            { op: 'card.add', columnId: 'todo', title: 'Ask for the cover', dueAt: '2031-05-04T10:00:00Z' },
            {
              op: 'card.add',
              cardId: 'mix',
              columnId: 'doing',
              title: 'Mix the second track',
              description: 'Less reverb on the snare.\nThe bass may be louder.',
              labels: ['mix'],
              assignees: [userId],
              checklist: [{ text: 'Drums', done: true }, { text: 'Bass' }],
            },
            { op: 'card.add', columnId: 'done', title: 'Find a name' },
          ],
        })
      }
      await take('rooms', '/rooms')
      await take('room', `/rooms/${rooms[0].id}`)
      await take('discover', '/discover')
      await take('messages', '/messages')
      await take('conversation', `/messages/${conversation.userId}`)
      await take('boards', '/boards')
      await take('board', `/boards/${projectId}`)
      await take('board-card', `/boards/${projectId}/mix`)
      await take('people', '/people')
      await take('person', `/people/${conversation.userId}`)
      await take('notifications', '/notifications')
      await take('sound', '/sound?tab=all')
      const [recording] = await first('/api/v1/audio-files')
      if (recording) await take('recording', `/sound/${recording.id}`)
      const [playlist] = await first('/api/v1/playlists')
      if (playlist) await take('playlist', `/playlists/${playlist.id}`)
      await take('welcome', '/welcome')
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
