import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { createBrowser, type PushService, startPushService } from '../social/push-service.ts'
import type { Visit } from './browser.ts'
import { setStage } from './stage.ts'

let service: PushService
const stage = setStage(async () => {
  service = await startPushService()
  return { presence: { grace: 200 }, push: { agent: service.agent, accepts: ({ origin }) => origin === service.url } }
})

const section = (page: Page) => page.getByRole('region', { name: 'While no page is open' })
const turn = (page: Page, way: 'on' | 'off') => section(page).getByRole('button', { name: `Turn ${way} here` })

const isHere = async (userId: string) =>
  ((await stage.world.database.collection<any>('presences').findOne({ _id: userId }))?.instances.length ?? 0) > 0

/** The browser's push service answers with this subscription: all else, from the leave to the worker, is the browser's. */
const subscribeAs = (subscription: object) => `
  let isOn = localStorage.getItem('test:subscribed') === '1'
  const keep = (on) => { isOn = on; localStorage.setItem('test:subscribed', on ? '1' : '0') }
  const given = ${JSON.stringify(subscription)}
  const subscription = { ...given, toJSON: () => given, unsubscribe: async () => (keep(false), true) }
  PushManager.prototype.getSubscription = async () => (isOn ? subscription : null)
  PushManager.prototype.subscribe = async ({ userVisibleOnly, applicationServerKey }) => {
    if (!userVisibleOnly || !applicationServerKey) throw new DOMException('a page shows what it is pushed', 'NotAllowedError')
    keep(true)
    return subscription
  }
`

/** Delivers to the page's worker what its push service would; returns what is then shown. */
async function deliver(
  { page, context }: Visit,
  data: string,
): Promise<{ title: string; body: string; data: unknown }[]> {
  const cdp = await context.newCDPSession(page)
  const registered = new Promise<string>((resolve) => {
    cdp.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => {
      if (registrations[0]) resolve(registrations[0].registrationId)
    })
  })
  await cdp.send('ServiceWorker.enable')
  const origin = new URL(page.url()).origin
  await cdp.send('ServiceWorker.deliverPushMessage', { origin: `${origin}/`, registrationId: await registered, data })
  const shown = () =>
    page.evaluate(async () => {
      const registration = await (globalThis as any).navigator.serviceWorker.ready
      const all = await registration.getNotifications()
      return all.map(({ title, body, data }: any) => ({ title, body, data }))
    })
  await expect.poll(async () => (await shown()).length).toBeGreaterThan(0)
  return shown()
}

describe('pushes to a browser', () => {
  it('[PAGE-14] says why pushes cannot be turned on: without leave, and where the browser’s service refuses', async () => {
    const ivo = await stage.world.user('Ivo Knock')
    const visit = await stage.visitAs(ivo, '/settings/profile')
    const cdp = await visit.context.newCDPSession(visit.page)
    const { browserContextId } = (await cdp.send('Target.getTargetInfo')).targetInfo
    const allow = (setting: 'denied' | 'granted') =>
      cdp.send('Browser.setPermission', {
        permission: { name: 'notifications' },
        setting,
        origin: stage.url,
        ...(browserContextId && { browserContextId }),
      })
    await allow('denied')
    await visit.page.goto(`${stage.url}/settings/notifications`)
    await section(visit.page).getByText('Your browser blocks notifications').waitFor()
    expect(await turn(visit.page, 'on').count()).toBe(0)
    await allow('granted')
    await visit.page.reload()
    // This Chromium has no push service: it says so itself.
    await turn(visit.page, 'on').click()
    await section(visit.page).getByRole('alert').getByText('Your browser’s push service refused').waitFor()
    expect(await turn(visit.page, 'on').getAttribute('aria-pressed')).toBe('false')
    expect(await stage.world.database.collection('pushsubscriptions').countDocuments({ userId: ivo.id })).toBe(0)
  })

  it('[PAGE-15] turns pushes on and off by keyboard, keeps them over a reload, and the worker shows what comes', async () => {
    const [joy, kit] = await stage.world.users('Joy Knock', 'Kit Knock')
    const browser = createBrowser(`${service.url}/joy`)
    const visit = await stage.visitAs(joy!, '/settings/profile')
    const { page, context, complaints } = visit
    await context.grantPermissions(['notifications'], { origin: stage.url })
    await context.addInitScript(subscribeAs(browser.subscription))
    await page.goto(`${stage.url}/settings/notifications`)
    await turn(page, 'on').focus()
    await page.keyboard.press('Enter')
    await section(page).getByText('This browser is told of your news').waitFor()
    await page.reload()
    await turn(page, 'off').waitFor()
    // Who has a page open sees it there, and is pushed nothing.
    await page.goto(`${stage.url}/favicon.svg`)
    await expect.poll(() => isHere(joy!.id)).toBe(false)
    await stage.post(kit!, `/api/v1/follows/${joy!.id}`, undefined, 200, 'PUT')
    await expect.poll(() => service.to('/joy').length).toBe(1)
    await page.goto(`${stage.url}/settings/notifications`)
    await turn(page, 'off').waitFor()
    const pushed = browser.read(service.to('/joy')[0]!.body)
    expect(await deliver(visit, JSON.stringify(pushed))).toEqual([
      { title: 'Phantom Power', body: pushed.text, data: { path: `/people/${kit!.id}` } },
    ])
    expect(pushed.text).toContain('Kit Knock')
    await turn(page, 'off').focus()
    await page.keyboard.press('Enter')
    await turn(page, 'on').waitFor()
    const stored = () => stage.world.database.collection('pushsubscriptions').countDocuments({ userId: joy!.id })
    await expect.poll(stored).toBe(0)
    await page.reload()
    await turn(page, 'on').waitFor()
    expect(complaints).toEqual([])
  })
})
