import { describe, expect, it } from 'vitest'
import { field, message, phone, setStage } from './stage.ts'

const stage = setStage()

describe('ways through', () => {
  it('[WEB-14] goes anywhere by its name, and shows its shortcuts', async () => {
    const [uma, vic] = await stage.world.users('Uma Frost', 'Vic Larue')
    const room = await stage.roomOf('Basement', [uma!, vic!])
    const { page } = await stage.visitAs(uma!, '/rooms')
    await page.getByRole('link', { name: 'Basement' }).waitFor()
    await page.keyboard.press('Control+k')
    await page.getByRole('combobox').waitFor()
    await page.keyboard.type('base')
    await page.getByRole('option', { name: /Basement/ }).waitFor()
    await page.keyboard.press('Enter')
    await page.waitForURL(`**/rooms/${room.id}`)
    await page.keyboard.press('Control+k')
    await page.getByRole('combobox').waitFor()
    await page.keyboard.type('vic la')
    await page.getByRole('option', { name: /Vic Larue/ }).waitFor()
    await page.keyboard.press('Enter')
    await page.waitForURL(`**/messages/${vic!.id}`)
    await page.keyboard.press('Control+/')
    await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
  })

  it('[WEB-15] goes from log-in to a reply and a reaction by keyboard alone', async () => {
    const [wes, xena] = await stage.world.users('Wes Ball', 'Xena Pry')
    const room = await stage.roomOf('Keys', [wes!, xena!])
    await stage.say(xena!, room.id, 'Anyone?')
    const { page } = await stage.visit('/login')
    await page.getByLabel('E-mail').focus()
    await page.keyboard.type(wes!.email)
    await page.keyboard.press('Tab')
    await page.keyboard.type(wes!.password)
    await page.keyboard.press('Enter')
    await page.getByRole('link', { name: /Keys/ }).waitFor()
    await page.keyboard.press('Control+k')
    await page.getByRole('combobox').waitFor()
    await page.keyboard.type('keys')
    await page.getByRole('option', { name: /Keys/ }).waitFor()
    await page.keyboard.press('Enter')
    await message(page, 'Anyone?').waitFor()
    await page.locator('textarea:focus').waitFor()
    await page.keyboard.press('Shift+Tab')
    await page.locator('article.message:focus').waitFor()
    await page.keyboard.press('r')
    await page.keyboard.type('Me')
    await page.keyboard.press('Enter')
    await page.locator('article.message:not(.pending) .quoted', { hasText: 'Anyone?' }).waitFor()
    await page.keyboard.press('Shift+Tab')
    await page.locator('article.message:focus', { hasText: 'Me' }).waitFor()
    // A quick hand before a slow screen: the second key comes before the row above is drawn as the one.
    await page.evaluate('globalThis.requestAnimationFrame = (draw) => setTimeout(draw, 400)')
    await page.keyboard.press('ArrowUp')
    await page.keyboard.press('+')
    await page.getByRole('textbox', { name: 'Find an emoji' }).waitFor()
    await page.keyboard.type('guitar')
    await page.keyboard.press('Enter')
    await message(page, 'Anyone?').getByRole('button', { name: '🎸, 1 person' }).waitFor()
    await page.keyboard.press('Escape')
    await page.locator('textarea:focus').waitFor()
  })

  it('[WEB-16] shows one pane at a time on a phone, with a way back', async () => {
    const yan = await stage.world.user('Yan Dell')
    const room = await stage.roomOf('Pocket', [yan])
    const { page } = await stage.visitAs(yan, '/rooms', phone)
    await page.getByRole('link', { name: 'Pocket' }).click()
    await page.waitForURL(`**/rooms/${room.id}`)
    await field(page, 'Message #Pocket').waitFor()
    expect(await page.getByRole('navigation', { name: 'Main' }).isVisible()).toBe(false)
    const width = await page.evaluate('document.documentElement.scrollWidth')
    expect(width).toBeLessThanOrEqual(390)
    await page.getByRole('link', { name: 'Back' }).click()
    await page.getByRole('navigation', { name: 'Main' }).waitFor()
    expect(await page.getByRole('link', { name: 'Pocket' }).isVisible()).toBe(true)
  })

  it('[WEB-17] speaks another language, wears another theme, and keeps both', async () => {
    const zoe = await stage.world.user('Zoe Hart')
    const { page } = await stage.visitAs(zoe, '/settings/appearance')
    await page.getByLabel('Language').selectOption('de')
    await page.getByRole('heading', { name: 'Aussehen und Sprache' }).waitFor()
    await page.getByRole('radio', { name: 'Dunkel' }).check()
    await page.reload()
    await page.getByRole('heading', { name: 'Aussehen und Sprache' }).waitFor()
    expect(await page.evaluate('document.documentElement.lang + document.documentElement.dataset.theme')).toBe('dedark')
  })

  it('[WEB-18] tells of a mention in the centre of notifications, which leads to it', async () => {
    const [abe, bea] = await stage.world.users('Abe North', 'Bea South')
    const room = await stage.roomOf('Bells', [abe!, bea!])
    const { page } = await stage.visitAs(abe!, '/settings/profile')
    await page.getByLabel('Name that others see').waitFor()
    await stage.say(bea!, room.id, 'Listen @Abe North')
    await page.getByRole('link', { name: /unread Activity/ }).click()
    await page.getByRole('link', { name: /Bea South mentioned you in #Bells/ }).click()
    await page.waitForURL(`**/rooms/${room.id}/1`)
    await message(page, 'Listen').waitFor()
  })

  it('[WEB-20] serves its page for any path of it, compressed, cached by name, under a strict policy', async () => {
    const get = (path: string, headers: Record<string, string> = {}) => fetch(stage.url + path, { headers })
    const page = await get('/rooms/anything', { Accept: 'text/html', 'Accept-Encoding': 'br' })
    expect(page.status).toBe(200)
    expect(page.headers.get('Cache-Control')).toBe('no-cache')
    const policy = page.headers.get('Content-Security-Policy')!
    expect(policy).toContain("script-src 'self'")
    expect(policy).not.toContain('unsafe-inline')
    expect((await get('/rooms', { Accept: 'text/html', 'If-None-Match': page.headers.get('ETag')! })).status).toBe(200)
    const html = await page.text()
    const again = { Accept: 'text/html', 'Accept-Encoding': 'br', 'If-None-Match': page.headers.get('ETag')! }
    expect((await get('/', again)).status).toBe(304)
    // What the page loads before anything is asked for.
    const scripts = [...html.matchAll(/(?:src|href)="(\/assets\/[^"]+\.js)"/g)].map(([, path]) => path!)
    let bytes = 0
    for (const path of scripts) {
      const answer = await get(path, { 'Accept-Encoding': 'gzip' })
      expect(answer.headers.get('Cache-Control')).toContain('immutable')
      const length = Number(answer.headers.get('Content-Length') ?? 0)
      // What is small already is sent as it is.
      if (length > 1_000) expect(answer.headers.get('Content-Encoding')).toBe('gzip')
      bytes += length
    }
    expect(scripts.length).toBeGreaterThan(0)
    expect(bytes).toBeGreaterThan(10_000)
    expect(bytes).toBeLessThanOrEqual(130_000)
    const missing = await get('/assets/gone.js', { Accept: 'text/html' })
    expect(missing.status).toBe(404)
    expect((await get('/api/v1/nowhere', { Accept: 'text/html' })).headers.get('Content-Type')).toContain(
      'problem+json',
    )
    expect((await get('/rooms')).status).toBe(404)
  })
})
