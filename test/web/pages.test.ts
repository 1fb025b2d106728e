import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { makeAdmin } from '../support/staff.ts'
import { faultsOf } from './axe.ts'
import type { Visit } from './browser.ts'
import { setStage } from './stage.ts'
import { tone } from './tone.ts'

const stage = setStage()

/** Adds up what moves without being asked to, as browsers count it. */
const countShifts = `
  window.shifted = 0
  window.movers = []
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      if (entry.hadRecentInput) continue
      window.shifted += entry.value
      for (const { node } of entry.sources) window.movers.push((node?.outerHTML ?? String(node?.nodeName)).slice(0, 80))
    }
  }).observe({ type: 'layout-shift', buffered: true })
`

/** How much has moved since it was opened, and what. */
const shiftOf = (page: Page) =>
  page.evaluate('({ shifted: window.shifted, movers: window.movers.join(" | ") })') as Promise<{
    shifted: number
    movers: string
  }>

/** All that a page shows is there. */
async function settled(page: Page) {
  await page.locator('h1, .empty').first().waitFor({ state: 'attached' })
  await expect.poll(() => page.locator('.spinner').count()).toBe(0)
  await page.evaluate('new Promise(requestAnimationFrame).then(() => new Promise(requestAnimationFrame))')
}

describe('every page', () => {
  it('[PAGE-12] has no fault that axe finds, moves nothing by itself, complains of nothing and asks nobody else', async () => {
    const admin = await makeAdmin(stage.world, 'Ada Everywhere')
    const [ben, cyd] = await stage.world.users('Ben Everywhere', 'Cyd Everywhere')
    const room = await stage.roomOf('Everything', [admin, ben!], 'public')
    await stage.say(ben!, room.id, 'Hello **you**, `code` and > quote @Ada Everywhere')
    for (let at = 0; at < 30; at++) await stage.say(ben!, room.id, `Line ${at}`)
    await stage.post(ben!, '/api/v1/messages', { userId: admin.id, content: 'Psst' })
    await stage.post(admin, `/api/v1/blocks/${cyd!.id}`, undefined, 204, 'PUT')
    const project = await stage.projectOf('All of it', [admin, ben!])
    await stage.addCard(admin, project.id, {
      cardId: 'full',
      title: 'Full',
      description: 'Text',
      labels: ['bass', 'live'],
      assignees: [ben!.id],
      dueAt: '2020-01-02T10:00:00Z',
      checklist: [{ text: 'A' }],
    })
    const booking = await stage.post(admin, '/api/v1/bookings', {
      projectId: project.id,
      userId: ben!.id,
      role: 'harp',
    })
    const playlist = await stage.post(admin, '/api/v1/playlists', { name: 'Everything' })
    const form = new FormData()
    form.set('title', 'Silence')
    form.set('tags', 'quiet')
    form.set('file', new File([new Uint8Array(tone(3))], 'tone.wav', { type: 'audio/wav' }))
    const headers = { Authorization: `Bearer ${admin.accessToken}` }
    const answer = await fetch(`${stage.url}/api/v1/audio-files`, { method: 'POST', headers, body: form })
    const recording = (await answer.json()) as { id: string }
    // Until it is analysed its page asks for a report that is not there, and the browser says so.
    const report = () => stage.world.ask('GET', `/api/v1/audio-files/${recording.id}/report`, { as: admin })
    await expect.poll(async () => (await report()).status, { timeout: 120_000 }).toBe(200)
    await stage.post(ben!, '/api/v1/reports', { targetType: 'Project', targetId: project.id, reason: 'Too much of it' })
    /** A path for each route, all sections of those that have some. */
    const outside = ['/login', '/signup', '/forgot', '/reset', '/verify']
    const paths = [
      '/welcome',
      '/discover',
      '/rooms',
      `/rooms/${room.id}`,
      '/messages',
      `/messages/${ben!.id}`,
      '/sound',
      '/sound?tab=all&tempoMin=90',
      '/sound?tab=playlists',
      `/sound/${recording.id}`,
      `/playlists/${playlist.id}`,
      '/boards',
      `/boards/${project.id}`,
      `/boards/${project.id}/full`,
      '/bookings',
      `/bookings/${booking.id}`,
      '/people',
      `/people/${ben!.id}`,
      '/notifications',
      ...['reports', 'users', 'roles', 'tags', 'measures', 'audit'].map((each) => `/admin/${each}`),
      ...['profile', 'appearance', 'notifications', 'sessions', 'account', 'blocks'].map((each) => `/settings/${each}`),
      '/nowhere/at/all',
    ]
    // No route is forgotten here.
    const registry = await readFile(join(import.meta.dirname, '../../src/web/routes/registry.ts'), 'utf8')
    const routes = [...registry.matchAll(/path: '([^']+)',\s+(?:for|load)/g)].map(([, path]) => path!)
    const fits = (route: string, path: string) =>
      new RegExp(`^${route.replace(/\/:\w+\?/g, '(/[^/]+)?').replace(/:\w+/g, '[^/]+')}$`).test(path.split('?')[0]!)
    expect(routes.length).toBeGreaterThan(15)
    expect(routes.filter((route) => ![...outside, ...paths].some((path) => fits(route, path)))).toEqual([])

    const faults: string[] = []
    /** Opened anew on a phone, where least room is and most moves; then wide, for axe. */
    const look = async ({ page, complaints }: Visit, path: string) => {
      await page.setViewportSize({ width: 390, height: 844 })
      await page.goto(stage.url + path)
      await settled(page)
      const { shifted, movers } = await shiftOf(page)
      if (shifted > 0.05) faults.push(`${path} moves by ${shifted.toFixed(3)}: ${movers}`)
      const width = (await page.evaluate('document.documentElement.scrollWidth')) as number
      if (width > 390) faults.push(`${path} is ${width} px wide on a phone`)
      await page.setViewportSize({ width: 1280, height: 800 })
      faults.push(...(await faultsOf(page)))
      faults.push(...complaints.splice(0).map((each) => `${path}: ${each}`))
    }
    const stranger = await stage.visit('/login')
    await stranger.context.addInitScript(countShifts)
    for (const path of outside) await look(stranger, path)
    const visit = await stage.visitAs(admin, '/welcome')
    await visit.context.addInitScript(countShifts)
    for (const path of paths) await look(visit, path)
    expect(faults).toEqual([])
  }, 300_000)
})
