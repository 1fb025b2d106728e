import type { Locator, Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { makeAdmin } from '../support/staff.ts'
import type { Visit } from './browser.ts'
import { field, message, setStage } from './stage.ts'
import { tone } from './tone.ts'

const stage = setStage()

/** More elements than any page here has. */
const mostTabs = 150

/** Counts what a hand does on a page with mouse or finger, from its next document on. */
const countPointer = `
  window.pointed = 0
  addEventListener('pointerdown', () => (window.pointed += 1), { capture: true })
`

/** A keyboard, and nothing else: whatever is used is reached by Tab first. */
function hands({ page }: Visit) {
  /** Goes on by Tab, or back, to what is meant; fails where no key leads there. */
  const to = async (target: Locator, key: 'Tab' | 'Shift+Tab' = 'Tab') => {
    await target.waitFor({ state: 'attached' })
    for (let count = 0; count < mostTabs; count++) {
      if (await target.evaluate((each) => each === each.ownerDocument.activeElement)) return
      await page.keyboard.press(key)
    }
    throw new Error(`${mostTabs} times ${key} do not lead to ${target}`)
  }
  const press = async (target: Locator, key = 'Enter') => {
    await to(target)
    await page.keyboard.press(key)
  }
  return {
    to,
    press,
    button: (name: string | RegExp, within: Page | Locator = page) =>
      press(within.getByRole('button', { name, exact: true }).filter({ visible: true }).first()),
    link: (name: string | RegExp) => press(page.getByRole('link', { name }).filter({ visible: true }).first()),
    /** Opens a menu and chooses from it by arrow keys. */
    async choose(menu: Locator, item: string) {
      await press(menu)
      const entry = page.getByRole('menuitem', { name: item, exact: true })
      await entry.waitFor()
      for (let count = 0; count < 20; count++) {
        if (await entry.evaluate((each) => each === each.ownerDocument.activeElement)) break
        await page.keyboard.press('ArrowDown')
      }
      await page.keyboard.press('Enter')
    },
    async write(target: Locator, text: string, end?: string) {
      await to(target)
      await page.keyboard.press('Control+a')
      await page.keyboard.type(text)
      if (end) await page.keyboard.press(end)
    },
    /** Nothing was done in another way. */
    async untouched() {
      expect(await page.evaluate('window.pointed')).toBe(0)
    },
  }
}

async function open(made: Promise<Visit>, path: string) {
  const visit = await made
  await visit.context.addInitScript(countPointer)
  await visit.page.goto(stage.url + path)
  return { ...visit, ...hands(visit) }
}

describe('keyboard', () => {
  it('[PAGE-20] by keyboard alone: signs up, opens a room, speaks, changes the name, and signs out', async () => {
    const { page, write, button, link, press, choose, untouched } = await open(stage.visit('/signup'), '/signup')
    await write(page.getByLabel('Name that others see'), 'Key Board')
    await write(page.getByLabel('E-mail'), 'key@example.com')
    await write(page.getByLabel('Password'), 'a long password', 'Enter')
    await page.waitForURL('**/welcome')
    await link('Take me to the rooms')
    await button('New room')
    await write(field(page, 'Name'), 'Keys only', 'Enter')
    await page.getByRole('heading', { name: 'Keys only' }).first().waitFor()
    await write(field(page, 'Message #Keys only'), 'Hello', 'Enter')
    await page.locator('article.message:not(.pending)', { hasText: 'Hello' }).waitFor()
    await choose(page.getByRole('button', { name: 'Your account and status' }), 'Settings')
    await press(page.getByRole('link', { name: 'Profile', exact: true }).filter({ visible: true }).first())
    await write(page.getByLabel('Name that others see'), 'Key Bored')
    await button('Save')
    await page.getByText('Saved').first().waitFor()
    await choose(page.getByRole('button', { name: 'Your account and status' }), 'Sign out')
    await page.getByLabel('Password').waitFor()
    await untouched()
  })

  it('[PAGE-21] by keyboard alone: joins a room, edits and deletes a message, searches, and leaves', async () => {
    const [nia, oto] = await stage.world.users('Nia Keys', 'Oto Keys')
    const room = await stage.roomOf('Open mike', [oto!], 'public')
    await stage.say(oto!, room.id, 'A needle in the haystack')
    const visit = await open(stage.visitAs(nia!, '/discover'), '/discover')
    const { page, button, write, to, press, choose, untouched } = visit
    await button('Join Open mike')
    const compose = field(page, 'Message #Open mike')
    await write(compose, 'Frist', 'Enter')
    const mine = page.locator('article.message:not(.pending)', { hasText: 'Frist' })
    await mine.waitFor()
    await to(compose)
    await page.keyboard.press('ArrowUp')
    await write(field(page, 'Editing a message'), 'First', 'Enter')
    const first = page.locator('article.message:not(.pending)', { hasText: 'First' })
    await first.getByText('(edited)').waitFor()
    await to(page.locator('article.message', { hasText: 'First' }), 'Shift+Tab')
    await page.keyboard.press('Delete')
    await button('Delete', page.getByRole('dialog'))
    await page.getByText('This message was deleted').waitFor()
    await page.keyboard.press('Control+Shift+f')
    await page.getByRole('searchbox').filter({ visible: true }).first().waitFor()
    await write(page.getByRole('searchbox').filter({ visible: true }).first(), 'needle', 'Enter')
    await press(
      page.getByRole('complementary').locator('article', { hasText: 'needle' }).getByRole('link', { name: 'Oto Keys' }),
    )
    await message(page, 'A needle').waitFor()
    await choose(page.getByRole('complementary').getByRole('button', { name: 'More', exact: true }), 'Leave room')
    await button('Leave room', page.getByRole('dialog'))
    await page.getByText('You are in no room yet').filter({ visible: true }).waitFor()
    await untouched()
  })

  it('[PAGE-22] by keyboard alone: starts a project, brings somebody in, fills a card in, moves it, and keeps a version', async () => {
    const [pam] = await stage.world.users('Pam Keys', 'Qi Keys')
    const { page, button, write, to, press, choose, untouched } = await open(stage.visitAs(pam!, '/boards'), '/boards')
    await button('New project')
    await write(page.getByRole('textbox', { name: 'Title' }), 'By keys', 'Enter')
    await page.getByRole('heading', { name: 'By keys' }).waitFor()
    await button('Members')
    await button('Bring somebody in')
    await write(page.getByRole('combobox'), 'Qi Ke')
    await page.getByRole('option', { name: 'Qi Keys' }).waitFor()
    await page.keyboard.press('Enter')
    await page.getByRole('dialog').getByRole('link', { name: 'Qi Keys' }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await button('New card in To do')
    await page.keyboard.type('Tune')
    await page.keyboard.press('Enter')
    const card = page.locator('[data-card]', { hasText: 'Tune' })
    await card.waitFor()
    await page.keyboard.press('Escape')
    await to(card)
    await page.keyboard.press('Shift+ArrowRight')
    const doing = page.getByRole('region', { name: 'Doing', exact: true })
    await doing.locator('[data-card]:focus', { hasText: 'Tune' }).waitFor()
    await page.keyboard.press('Enter')
    await write(page.getByRole('textbox', { name: 'New item' }), 'A string', 'Enter')
    await press(page.getByRole('checkbox', { name: 'A string' }), 'Space')
    await page.getByText('· 1 of 1 done').waitFor()
    await write(page.getByRole('textbox', { name: 'New label' }), 'strings', 'Enter')
    await press(page.getByRole('checkbox', { name: 'Qi Keys' }), 'Space')
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await doing.locator('[data-card]', { hasText: 'strings' }).waitFor()
    await choose(page.getByRole('button', { name: 'Board menu' }), 'Versions')
    await write(page.getByRole('textbox', { name: 'Name of the version' }), 'Tuned')
    await button('Keep as it is now')
    await page.getByRole('button', { name: 'Restore Tuned' }).waitFor()
    await untouched()
  })

  it('[PAGE-23] by keyboard alone: uploads, plays, comments, likes, and makes a playlist', async () => {
    const ria = await stage.world.user('Ria Keys')
    const { page, button, write, link, to, untouched } = await open(stage.visitAs(ria, '/sound'), '/sound')
    await to(page.getByLabel('Choose files'))
    const chooser = page.waitForEvent('filechooser')
    // The page has heard that it is asked for before it hears the key: a key may overtake it.
    await page.evaluate('0')
    await page.keyboard.press('Enter')
    await (await chooser).setFiles([{ name: 'Typed.wav', mimeType: 'audio/wav', buffer: tone(20) }])
    await link('Typed')
    await page.getByRole('heading', { name: 'Typed', level: 1 }).waitFor()
    await button('Play Typed')
    await button('Pause Typed')
    await write(page.getByLabel('Your comment'), 'Here')
    await button('Comment')
    await page.getByRole('button', { name: 'Delete this comment' }).waitFor()
    await button('Like, 0 likes')
    await page.getByRole('button', { name: 'Take the like back, 1 like' }).waitFor()
    await page.keyboard.press('Control+k')
    await page.getByRole('combobox').waitFor()
    await page.keyboard.press('Escape')
    await link(/^Sound$/)
    await to(page.getByRole('tab', { name: 'Mine' }))
    await page.keyboard.press('ArrowRight')
    await page.keyboard.press('ArrowRight')
    await button('New playlist')
    await write(page.getByLabel('Name of the playlist'), 'Typed ones', 'Enter')
    await page.getByRole('heading', { name: 'Typed ones', level: 1 }).waitFor()
    await untouched()
  })

  it('[PAGE-24] by keyboard alone: finds, follows and reports somebody, and asks for a booking, which they confirm', async () => {
    const [sia, tom] = await stage.world.users('Sia Keys', 'Tomte Keys')
    await stage.projectOf('Keyed', [sia!])
    const { page, button, write, link, choose, untouched } = await open(stage.visitAs(sia!, '/people'), '/people')
    await write(page.getByRole('searchbox'), 'Tomte')
    await page
      .getByRole('region', { name: 'Everybody' })
      .getByRole('link', { name: /Tomte Keys/ })
      .waitFor()
    await link(/Tomte Keys/)
    await button('Follow Tomte Keys')
    await page.getByText('1 follower').waitFor()
    await choose(page.getByRole('button', { name: 'More', exact: true }), 'Report')
    await write(page.getByRole('textbox', { name: 'What is wrong with it?' }), 'Too quiet')
    await button('Send report')
    await page.getByText('The moderators look at it').waitFor()
    await link('Book')
    await write(page.getByRole('dialog').getByLabel('What they play'), 'saw')
    await button('Ask for it')
    await page.getByText('The other side has to confirm it').waitFor()
    await untouched()
    const other = await open(stage.visitAs(tom!, '/bookings'), '/bookings')
    await other.press(other.page.getByRole('button', { name: /saw/ }).first())
    await other.button('Confirm')
    await other.page.getByText('The booking is confirmed').waitFor()
    await other.untouched()
  })

  it('[PAGE-25] by keyboard alone: starts a recording for a room, pauses it, links a moment, and ends it', async () => {
    const una = await stage.world.user('Una Keys')
    const room = await stage.roomOf('Ears', [una])
    const form = new FormData()
    form.set('title', 'Bells')
    form.set('file', new File([new Uint8Array(tone(60))], 'Bells.wav', { type: 'audio/wav' }))
    const headers = { Authorization: `Bearer ${una.accessToken}` }
    expect((await fetch(`${stage.url}/api/v1/audio-files`, { method: 'POST', headers, body: form })).status).toBe(201)
    const path = `/rooms/${room.id}`
    const { page, button, write, to, press, untouched } = await open(stage.visitAs(una, path), path)
    await button('Listen together')
    await write(page.getByLabel('Find a recording'), 'bel')
    await button('Listen to Bells together')
    const bar = page.getByRole('region', { name: 'Listen together' })
    await button('Pause for all', bar)
    await bar.getByRole('button', { name: 'Play for all' }).waitFor()
    const wave = bar.getByRole('slider', { name: 'Waveform' })
    // Until its length is known nothing can be sought in it.
    await expect.poll(() => wave.getAttribute('aria-valuetext')).toMatch(/of 1:00$/)
    await to(wave)
    await page.keyboard.press('Home')
    await page.keyboard.press('ArrowRight')
    await expect.poll(() => wave.getAttribute('aria-valuetext')).toMatch(/^0:05/)
    await button('Link this moment', bar)
    await page.getByRole('button', { name: 'Take the link off' }).waitFor()
    await page.keyboard.type('Ding')
    await page.keyboard.press('Enter')
    await press(message(page, 'Ding').getByRole('button', { name: 'Go to 0:05 of Bells' }))
    await button('End it for all', bar)
    await bar.waitFor({ state: 'detached' })
    await untouched()
  })

  it('[PAGE-26] by keyboard alone: takes a report on and closes it, and suspends an account', async () => {
    const admin = await makeAdmin(stage.world, 'Vic Keys')
    const [wim, xia] = await stage.world.users('Wim Keys', 'Xia Keys')
    const project = await stage.post(wim!, '/api/v1/projects', { title: 'Locked', isOpen: true })
    const body = { targetType: 'Project', targetId: project.id, reason: 'No keys' }
    await stage.post(xia!, '/api/v1/reports', body)
    const visit = await open(stage.visitAs(admin, '/rooms'), '/rooms')
    const { page, button, link, write, to, press, choose, untouched } = visit
    await choose(page.getByRole('button', { name: 'Your account and status' }), 'Moderation')
    const row = page.getByRole('list', { name: 'Reports' }).getByRole('listitem').filter({ hasText: 'No keys' })
    await press(row.getByRole('button', { name: 'Take it on' }))
    await row.waitFor({ state: 'detached' })
    await to(page.getByRole('tab', { name: 'Open' }), 'Shift+Tab')
    await page.keyboard.press('ArrowRight')
    await press(row.getByRole('button', { name: 'Close', exact: true }))
    await row.waitFor({ state: 'detached' })
    await link(/^Accounts$/)
    await write(page.getByRole('searchbox', { name: 'How the name begins' }), 'Wim K')
    const account = page.getByRole('list', { name: 'Accounts' }).getByRole('listitem').filter({ hasText: 'Wim Keys' })
    await account.waitFor()
    await choose(account.getByRole('button', { name: 'Wim Keys: more' }), 'Suspend')
    await button('Suspend', page.getByRole('dialog'))
    await account.getByText('Suspended').waitFor()
    await untouched()
  })
})
