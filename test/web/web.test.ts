import { AxeBuilder } from '@axe-core/playwright'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { createWorld, type Person, type World } from '../support/world.ts'
import { openBrowser, signIn, signUp, type Visit, type Visits, webHome } from './browser.ts'
import { type Mailbox, openMailbox } from './mailbox.ts'

// A browser on a busy machine: waits end with what they wait for, and only a fault takes this long.
vi.setConfig({ testTimeout: 120_000 })

let world: World
let visits: Visits
let mailbox: Mailbox
let url: string
const open: Visit[] = []

beforeAll(async () => {
  mailbox = await openMailbox()
  ;[world, visits] = await Promise.all([
    webHome().then((home) => createWorld({ webHome: home, config: { smtpUrl: mailbox.url } })),
    openBrowser(),
  ])
  url = world.instances[0]!.url
}, 180_000)
afterEach(async () => {
  await Promise.all(open.splice(0).map(({ context }) => context.close()))
})
afterAll(async () => {
  await visits?.close()
  await world?.close()
  await mailbox?.close()
})

const visit = async (path: string, base = url) => {
  const made = await visits.open(base + path)
  open.push(made)
  return made
}
const visitAs = async (who: Person, path: string, base = url, options = {}) => {
  const made = await visits.as(who, base + path, options)
  open.push(made)
  return made
}

/** A room of these people, the first its owner. */
async function roomOf(name: string, [owner, ...others]: Person[], visibility = 'private') {
  const body = { name, visibility, memberIds: others.map(({ id }) => id) }
  const { body: room } = await world.ask('POST', '/api/v1/chat-rooms', { as: owner!, body })
  return room as { id: string; name: string }
}

const say = async (who: Person, roomId: string, content: string) =>
  (await world.ask('POST', `/api/v1/chat-rooms/${roomId}/messages`, { as: who, body: { content } })).body

const field = (page: Page, label: string) => page.getByRole('textbox', { name: label, exact: true })
const message = (page: Page, text: string) => page.locator('article.message', { hasText: text })

describe('accounts', () => {
  it('[WEB-01] signs up, opens a room and says something in it', async () => {
    const { page, complaints } = await visit('/signup')
    await signUp(page, 'Ada Reyes', 'ada@example.com')
    await page.waitForURL('**/welcome')
    await page.getByRole('link', { name: 'Take me to the rooms' }).click()
    await page.getByRole('button', { name: 'New room' }).click()
    await field(page, 'Name').fill('Rehearsal')
    await page.getByRole('button', { name: 'Open the room' }).click()
    await field(page, 'Message #Rehearsal').fill('First take is **up**')
    await page.keyboard.press('Enter')
    await page.locator('article.message:not(.pending) strong', { hasText: 'up' }).waitFor()
    expect(complaints).toEqual([])
  })

  it('[WEB-02] stays signed in over a reload by a cookie that no script can read, until signing out', async () => {
    const ben = await world.user('Ben Okafor')
    const { page, context } = await visit('/rooms')
    await page.waitForURL('**/login')
    await signIn(page, ben.email, 'not the password')
    await page.getByRole('alert').getByText('E-mail and password do not go together').waitFor()
    await signIn(page, ben.email, ben.password)
    await page.waitForURL('**/rooms')
    await page.reload()
    await page.getByRole('heading', { name: 'Rooms', level: 1 }).waitFor()
    const [cookie] = await context.cookies(`${url}/api/v1/auth`)
    expect(cookie).toMatchObject({ name: 'pp_refresh', httpOnly: true, sameSite: 'Strict' })
    const seen = await page.evaluate('document.cookie + JSON.stringify(localStorage) + JSON.stringify(sessionStorage)')
    expect(seen).not.toContain('ppr_')
    expect(seen).not.toContain('eyJ')
    await page.getByRole('button', { name: 'Your account and status' }).click()
    await page.getByRole('menuitem', { name: 'Sign out' }).click()
    await page.waitForURL('**/login')
    expect(await context.cookies(`${url}/api/v1/auth`)).toEqual([])
  })

  it('[WEB-03] confirms an address and sets a new password by the links of mails', async () => {
    const cleo = await world.user('Cleo Marsh')
    const link = (mail: string) => new URL(/https?:\S+#\S+/.exec(mail)![0])
    const verify = link(await mailbox.mailTo(cleo.email, '#verify-email='))
    const { page } = await visit(`/${verify.hash}`)
    await page.getByRole('heading', { name: 'Your address is confirmed' }).waitFor()
    await page.goto(`${url}/forgot`)
    await page.getByLabel('E-mail').fill(cleo.email)
    await page.getByRole('button', { name: 'Send link' }).click()
    await page.getByRole('heading', { name: 'Look into your mailbox' }).waitFor()
    const reset = link(await mailbox.mailTo(cleo.email, '#reset-password='))
    await page.goto(`${url}/${reset.hash}`)
    await page.getByLabel('New password').fill('another long password')
    await page.getByRole('button', { name: 'Set password' }).click()
    await page.waitForURL('**/login')
    await signIn(page, cleo.email, 'another long password')
    await page.waitForURL('**/rooms')
    // The link works once.
    const { page: again } = await visit(`/${reset.hash}`)
    await again.getByLabel('New password').fill('yet another password')
    await again.getByRole('button', { name: 'Set password' }).click()
    await again.getByRole('alert').getByText('used already').waitFor()
  })

  it('[WEB-04] lists sessions and ends another, which is signed out at once', async () => {
    const dora = await world.user('Dora Lind')
    const [here, there] = await Promise.all([visitAs(dora, '/settings/sessions'), visitAs(dora, '/rooms')])
    await there.page.getByRole('heading', { name: 'Rooms', level: 1 }).waitFor()
    await here.page.getByText('This device').waitFor()
    const rows = here.page.getByRole('listitem').filter({ has: here.page.getByRole('button', { name: 'End' }) })
    await rows.filter({ hasText: 'Chrome' }).first().getByRole('button', { name: 'End' }).click()
    await here.page.getByRole('dialog').getByRole('button', { name: 'End' }).click()
    await there.page.waitForURL('**/login')
    await there.page.getByText('Your session has ended').waitFor()
  })
})

describe('talk', () => {
  it('[WEB-05] shows a message to the other at once, who types, and who has read', async () => {
    const [eva, finn] = await world.users('Eva Noor', 'Finn Hale')
    const room = await roomOf('Duo', [eva!, finn!])
    const [a, b] = await Promise.all([visitAs(eva!, `/rooms/${room.id}`), visitAs(finn!, `/rooms/${room.id}`)])
    await field(b.page, 'Message #Duo').waitFor()
    await field(a.page, 'Message #Duo').pressSequentially('Hear this @F', { delay: 20 })
    await b.page.getByText('Eva Noor is typing').waitFor()
    await a.page.getByRole('option', { name: 'Finn Hale' }).waitFor()
    await a.page.keyboard.press('Tab')
    await a.page.keyboard.type('[take](https://example.com/)')
    await a.page.keyboard.press('Enter')
    const heard = message(b.page, 'Hear this')
    await heard.locator('.mention.me', { hasText: '@Finn Hale' }).waitFor()
    expect(await heard.getByRole('link').getAttribute('rel')).toContain('noopener')
    await b.page.bringToFront()
    await a.page.getByText('Seen by Finn Hale').waitFor()
    expect([...a.complaints, ...b.complaints]).toEqual([])
  })

  it('[WEB-06] replies, edits, reacts, pins and deletes, seen by the other', async () => {
    const [gus, hana] = await world.users('Gus Weir', 'Hana Ito')
    const room = await roomOf('Changes', [gus!, hana!])
    await say(hana!, room.id, 'Which key?')
    const [a, b] = await Promise.all([visitAs(gus!, `/rooms/${room.id}`), visitAs(hana!, `/rooms/${room.id}`)])
    await message(a.page, 'Which key?').hover()
    await a.page.getByRole('button', { name: 'Reply', exact: true }).click()
    await field(a.page, 'Message #Changes').fill('C minor')
    await a.page.keyboard.press('Enter')
    await message(b.page, 'C minor').locator('.quoted', { hasText: 'Which key?' }).waitFor()
    // The arrow up in an empty field edits the last one.
    await field(a.page, 'Message #Changes').press('ArrowUp')
    await field(a.page, 'Editing a message').fill('C sharp minor')
    await a.page.keyboard.press('Enter')
    await message(b.page, 'C sharp minor').getByText('(edited)').waitFor()
    await message(b.page, 'C sharp minor').hover()
    await b.page.getByRole('button', { name: 'React with 👍' }).click()
    await message(a.page, 'C sharp minor').getByRole('button', { name: '👍, 1 person' }).waitFor()
    await message(b.page, 'C sharp minor').getByRole('button', { name: 'More actions' }).click()
    await b.page.getByRole('menuitem', { name: 'Pin' }).click()
    await a.page.getByRole('button', { name: 'Pinned' }).click()
    await a.page.getByRole('complementary').getByText('C sharp minor').waitFor()
    await message(a.page, 'C sharp minor').first().focus()
    await a.page.keyboard.press('Delete')
    await a.page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
    await b.page.getByText('This message was deleted').waitFor()
    expect(await message(b.page, 'C sharp minor').count()).toBe(0)
  })

  it('[WEB-07] counts what is unread and mentions, draws a line before them, and forgets them when read', async () => {
    const [ines, jon] = await world.users('Ines Roy', 'Jon Abel')
    const [quiet, loud] = [await roomOf('Quiet', [ines!, jon!]), await roomOf('Loud', [ines!, jon!])]
    await say(jon!, loud.id, 'old news')
    const { page } = await visitAs(ines!, `/rooms/${loud.id}`)
    await message(page, 'old news').waitFor()
    await page.getByRole('link', { name: 'Quiet' }).click()
    await page.waitForURL(`**/rooms/${quiet.id}`)
    await world.until(
      async () => (await world.ask('GET', '/api/v1/notifications?unread=true', { as: ines! })).body.items.length === 0,
    )
    await say(jon!, loud.id, 'one')
    await say(jon!, loud.id, 'two for @Ines Roy')
    await page.getByRole('link', { name: 'Loud @1 Mention 2 2 unread' }).click()
    const line = page.locator('.new')
    await line.waitFor()
    expect(await page.locator('.new ~ article').first().textContent()).toContain('one')
    await page.getByRole('link', { name: 'Loud', exact: true }).waitFor()
  })

  it('[WEB-08] keeps what is written without a network, and over a killed server, and sends it once', async () => {
    const [kim, leo] = await world.users('Kim Soto', 'Leo Brandt')
    const room = await roomOf('Storm', [kim!, leo!])
    const instance = await world.spawnInstance()
    const { port } = new URL(instance.url)
    const { page, context } = await visitAs(kim!, `/rooms/${room.id}`, instance.url)
    const compose = field(page, 'Message #Storm')
    await compose.fill('before')
    await page.keyboard.press('Enter')
    await page.locator('article.message:not(.pending)', { hasText: 'before' }).waitFor()
    await context.setOffline(true)
    instance.process!.kill('SIGKILL')
    await compose.fill('while nothing works')
    await page.keyboard.press('Enter')
    await compose.fill('and one more')
    await page.keyboard.press('Enter')
    await message(page, 'and one more').getByText('Waits for the connection').waitFor()
    await page.getByRole('status').getByText('Not connected').waitFor()
    const again = world.spawnInstance({ PORT: port })
    await say(leo!, room.id, 'from elsewhere')
    await again
    await context.setOffline(false)
    await page.locator('article.message:not(.pending)', { hasText: 'and one more' }).waitFor({ timeout: 60_000 })
    await message(page, 'from elsewhere').waitFor()
    const { body } = await world.ask('GET', `/api/v1/chat-rooms/${room.id}/messages`, { as: leo! })
    const contents = body.items.map(({ content }: { content: string }) => content)
    expect(contents).toEqual(['before', 'from elsewhere', 'while nothing works', 'and one more'])
    expect(await page.locator('article.message').count()).toBe(4)
  })

  it('[WEB-09] sends what a closed page left unsent, once', async () => {
    const mia = await world.user('Mia Stone')
    const room = await roomOf('Left', [mia])
    const { page, context } = await visitAs(mia, `/rooms/${room.id}`)
    await field(page, 'Message #Left').waitFor()
    await context.setOffline(true)
    await field(page, 'Message #Left').fill('not lost')
    await page.keyboard.press('Enter')
    await message(page, 'not lost').waitFor()
    await page.close()
    await context.setOffline(false)
    const next = await context.newPage()
    await next.goto(`${url}/rooms/${room.id}`)
    await next.locator('article.message:not(.pending)', { hasText: 'not lost' }).waitFor()
    expect(await next.locator('article.message').count()).toBe(1)
  })

  it('[WEB-10] holds a long history in few elements, loads back without a jump, and goes to a linked message', async () => {
    const nora = await world.user('Nora Vale')
    const room = await roomOf('Archive', [nora])
    for (let at = 1; at <= 250; at += 50)
      await Promise.all(Array.from({ length: 50 }, (_, index) => say(nora, room.id, `line ${at + index}`)))
    const { page } = await visitAs(nora, `/rooms/${room.id}`)
    const scroller = page.getByRole('region', { name: 'Messages in Archive' })
    await page.locator('[data-seq="250"]').waitFor()
    // Up by the wheel: what is in sight moves as far as the wheel says, also while older ones come in.
    await scroller.hover()
    for (let turn = 0; turn < 200 && !(await page.locator('[data-seq="120"]').count()); turn++)
      await page.mouse.wheel(0, -600)
    await page.locator('[data-seq="120"]').waitFor()
    expect(await page.locator('article.message').count()).toBeLessThan(80)
    await page.goto(`${url}/rooms/${room.id}/60`)
    const linked = page.locator('[data-seq="60"]')
    await linked.waitFor()
    await world.until(async () => {
      const box = await linked.boundingBox()
      return box !== null && box.y > 60 && box.y < 700
    })
    await page.getByRole('button', { name: 'To the newest' }).click()
    await page.locator('[data-seq="250"]').waitFor()
  })

  it('[WEB-11] shows Markdown, and nothing of what could harm', async () => {
    const omar = await world.user('Omar Faye')
    const room = await roomOf('Marks', [omar])
    const bad =
      '<img src=x onerror="window.harmed=1"><script>window.harmed=1</script> [x](javascript:alert(1)) ![p](https://example.com/p.png)'
    await say(omar, room.id, `${bad}\n\n- *one*\n- \`a < b\``)
    const { page, complaints } = await visitAs(omar, `/rooms/${room.id}`)
    const row = page.locator('article.message')
    await row.locator('li em', { hasText: 'one' }).waitFor()
    expect(await row.locator('code').textContent()).toBe('a < b')
    expect(await row.locator('img, script, [onerror], a[href^="javascript"]').count()).toBe(0)
    expect(await page.evaluate('window.harmed')).toBeUndefined()
    expect(complaints).toEqual([])
  })

  it('[WEB-12] writes to a person, sees them come and go, and says why a blocked message was not sent', async () => {
    const [pia, quinn] = await world.users('Pia Sand', 'Quinn Moss')
    const a = await visitAs(pia!, '/messages')
    await a.page.getByRole('button', { name: 'New message' }).first().click()
    await a.page.getByRole('combobox').fill('quinn')
    await a.page.getByRole('option', { name: /Quinn Moss/ }).click()
    await field(a.page, 'Message to Quinn Moss').fill('Sing on my track?')
    await a.page.keyboard.press('Enter')
    await a.page.locator('article.message:not(.pending)').waitFor()
    const b = await visitAs(quinn!, '/messages')
    await a.page.locator('.bar').getByText('Online').waitFor()
    await b.page.getByRole('link', { name: /Pia Sand.*Sing on my track/ }).click()
    await message(b.page, 'Sing on my track?').waitFor()
    await world.ask('PUT', `/api/v1/blocks/${pia!.id}`, { as: quinn! })
    await field(a.page, 'Message to Quinn Moss').fill('Hello?')
    await a.page.keyboard.press('Enter')
    await message(a.page, 'Hello?').getByText('one of you has blocked the other').waitFor()
    await message(a.page, 'Hello?').getByRole('button', { name: 'Discard' }).click()
    await message(a.page, 'Hello?').waitFor({ state: 'detached' })
  })

  it('[WEB-13] finds and joins a public room, invites, gives roles, changes its topic, and leaves', async () => {
    const [rosa, sam, tess] = await world.users('Rosa Kern', 'Sam Ode', 'Tess Wray')
    await roomOf('Open stage', [rosa!], 'public')
    const a = await visitAs(sam!, '/discover')
    await a.page.getByRole('searchbox', { name: 'Name or topic' }).fill('stage')
    await a.page.getByRole('button', { name: 'Join Open stage' }).click()
    await field(a.page, 'Message #Open stage').waitFor()
    const b = await visitAs(rosa!, new URL(a.page.url()).pathname)
    await b.page.getByRole('complementary').waitFor()
    await b.page.getByRole('button', { name: 'Invite people' }).click()
    await b.page.getByRole('combobox').fill('Tess')
    await b.page.getByRole('option', { name: /Tess Wray/ }).click()
    await b.page.getByText('Tess Wray is in the room now').waitFor()
    await b.page.getByRole('dialog').getByRole('button', { name: 'Close' }).click()
    await b.page.getByRole('button', { name: 'More: Sam Ode' }).click()
    await b.page.getByRole('menuitem', { name: 'Make moderator' }).click()
    await b.page.getByRole('complementary').getByText('Moderator').waitFor()
    await b.page.getByRole('complementary').getByRole('button', { name: 'More', exact: true }).click()
    await b.page.getByRole('menuitem', { name: 'Room settings' }).click()
    await b.page.getByLabel('Topic').fill('Bring a cable')
    await b.page.getByRole('button', { name: 'Save' }).click()
    await a.page.getByText('Bring a cable').first().waitFor()
    const c = await visitAs(tess!, new URL(a.page.url()).pathname)
    await c.page.getByRole('complementary').waitFor()
    await c.page.getByRole('complementary').getByRole('button', { name: 'More', exact: true }).click()
    await c.page.getByRole('menuitem', { name: 'Leave room' }).click()
    await c.page.getByRole('dialog').getByRole('button', { name: 'Leave room' }).click()
    await c.page.getByText('You are in no room yet').filter({ visible: true }).waitFor()
  })

  it('[WEB-21] attaches a picture, shown to the other', async () => {
    const [ida, kai] = await world.users('Ida Wolf', 'Kai Reed')
    const room = await roomOf('Covers', [ida!, kai!])
    const [a, b] = await Promise.all([visitAs(ida!, `/rooms/${room.id}`), visitAs(kai!, `/rooms/${room.id}`)])
    const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=='
    const file = { name: 'cover.png', mimeType: 'image/png', buffer: Buffer.from(pixel, 'base64') }
    await a.page.getByLabel('Attach images or audio').setInputFiles(file)
    await a.page.getByRole('button', { name: 'Send', disabled: false }).click()
    const picture = message(b.page, 'cover.png').getByRole('img', { name: 'cover.png' })
    await picture.waitFor()
    await expect.poll(() => picture.evaluate((image) => (image as HTMLImageElement).naturalWidth)).toBe(1)
    expect([...a.complaints, ...b.complaints]).toEqual([])
  })
})

describe('ways through', () => {
  it('[WEB-14] goes anywhere by its name, and shows its shortcuts', async () => {
    const [uma, vic] = await world.users('Uma Frost', 'Vic Larue')
    const room = await roomOf('Basement', [uma!, vic!])
    const { page } = await visitAs(uma!, '/rooms')
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
    const [wes, xena] = await world.users('Wes Ball', 'Xena Pry')
    const room = await roomOf('Keys', [wes!, xena!])
    await say(xena!, room.id, 'Anyone?')
    const { page } = await visit('/login')
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
    await page.keyboard.press('ArrowUp')
    await page.locator('article.message:focus', { hasText: 'Anyone?' }).waitFor()
    await page.keyboard.press('+')
    await page.getByRole('textbox', { name: 'Find an emoji' }).waitFor()
    await page.keyboard.type('guitar')
    await page.keyboard.press('Enter')
    await message(page, 'Anyone?').getByRole('button', { name: '🎸, 1 person' }).waitFor()
    await page.keyboard.press('Escape')
    await page.locator('textarea:focus').waitFor()
  })

  it('[WEB-16] shows one pane at a time on a phone, with a way back', async () => {
    const yan = await world.user('Yan Dell')
    const room = await roomOf('Pocket', [yan])
    const { page } = await visitAs(yan, '/rooms', url, {
      viewport: { width: 390, height: 844 },
      hasTouch: true,
      isMobile: true,
    })
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
    const zoe = await world.user('Zoe Hart')
    const { page } = await visitAs(zoe, '/settings/appearance')
    await page.getByLabel('Language').selectOption('de')
    await page.getByRole('heading', { name: 'Aussehen und Sprache' }).waitFor()
    await page.getByRole('radio', { name: 'Dunkel' }).check()
    await page.reload()
    await page.getByRole('heading', { name: 'Aussehen und Sprache' }).waitFor()
    expect(await page.evaluate('document.documentElement.lang + document.documentElement.dataset.theme')).toBe('dedark')
  })

  it('[WEB-18] tells of a mention in the centre of notifications, which leads to it', async () => {
    const [abe, bea] = await world.users('Abe North', 'Bea South')
    const room = await roomOf('Bells', [abe!, bea!])
    const { page } = await visitAs(abe!, '/settings/profile')
    await page.getByLabel('Name that others see').waitFor()
    await say(bea!, room.id, 'Listen @Abe North')
    await page.getByRole('link', { name: /unread Activity/ }).click()
    await page.getByRole('link', { name: /Bea South mentioned you in #Bells/ }).click()
    await page.waitForURL(`**/rooms/${room.id}/1`)
    await message(page, 'Listen').waitFor()
  })

  it('[WEB-19] has no fault that axe finds, on any page, in light and dark', async () => {
    const [cal, dee] = await world.users('Cal Winter', 'Dee Summer')
    const room = await roomOf('Look', [cal!, dee!], 'public')
    await say(dee!, room.id, 'Hello **you**, `code` and > quote @Cal Winter')
    await world.ask('POST', '/api/v1/messages', { as: dee!, body: { userId: cal!.id, content: 'Psst' } })
    await world.ask('PUT', `/api/v1/blocks/${dee!.id}`, { as: cal! })
    const ins = [
      '/welcome',
      '/rooms',
      `/rooms/${room.id}`,
      '/discover',
      '/messages',
      `/messages/${dee!.id}`,
      '/notifications',
    ]
    const sections = ['profile', 'appearance', 'notifications', 'sessions', 'account', 'blocks'].map(
      (each) => `/settings/${each}`,
    )
    const faults: string[] = []
    /** Both themes on one visit; what depends on colours alone is looked at again in the second. */
    const look = async ({ page, complaints }: Visit, paths: string[]) => {
      for (const path of paths) {
        await page.evaluate((to) => {
          history.pushState(null, '', to)
          dispatchEvent(new PopStateEvent('popstate'))
        }, path)
        await page.locator('h1:visible, .empty:visible').first().waitFor()
        await expect.poll(() => page.locator('.spinner').count(), { timeout: 30_000 }).toBe(0)
        for (const colorScheme of ['light', 'dark'] as const) {
          await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
          const axe = new AxeBuilder({ page }).setLegacyMode(true).options({ resultTypes: ['violations'] })
          if (colorScheme === 'dark') axe.withRules(['color-contrast'])
          const { violations } = await axe.analyze()
          const nodes = violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 160)}`))
          faults.push(...nodes.map((each) => `${path} ${colorScheme} ${each}`))
        }
      }
      faults.push(...complaints)
    }
    const outside = await visit('/login')
    await look(outside, ['/login', '/signup', '/forgot', '/reset'])
    await look(await visitAs(cal!, '/welcome'), [...ins, ...sections])
    expect(faults).toEqual([])
  })

  it('[WEB-20] serves its page for any path of it, compressed, cached by name, under a strict policy', async () => {
    const get = (path: string, headers: Record<string, string> = {}) => fetch(url + path, { headers })
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
      expect(answer.headers.get('Content-Encoding')).toBe('gzip')
      bytes += Number(answer.headers.get('Content-Length') ?? 0)
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
