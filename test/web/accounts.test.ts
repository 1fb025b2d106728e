import { afterAll, describe, expect, it } from 'vitest'
import { signIn, signUp } from './browser.ts'
import { type Mailbox, openMailbox } from './mailbox.ts'
import { field, setStage } from './stage.ts'

let mailbox: Mailbox
const stage = setStage(async () => {
  mailbox = await openMailbox()
  return { config: { smtpUrl: mailbox.url } }
})
afterAll(() => mailbox?.close())

describe('accounts', () => {
  it('[WEB-01] signs up, opens a room and says something in it', async () => {
    const { page, complaints } = await stage.visit('/signup')
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
    const ben = await stage.world.user('Ben Okafor')
    const { page, context } = await stage.visit('/rooms')
    await page.waitForURL('**/login')
    await signIn(page, ben.email, 'not the password')
    await page.getByRole('alert').getByText('E-mail and password do not go together').waitFor()
    await signIn(page, ben.email, ben.password)
    await page.waitForURL('**/rooms')
    await page.reload()
    await page.getByRole('heading', { name: 'Rooms', level: 1 }).waitFor()
    const [cookie] = await context.cookies(`${stage.url}/api/v1/auth`)
    expect(cookie).toMatchObject({ name: 'pp_refresh', httpOnly: true, sameSite: 'Strict' })
    const seen = await page.evaluate('document.cookie + JSON.stringify(localStorage) + JSON.stringify(sessionStorage)')
    expect(seen).not.toContain('ppr_')
    expect(seen).not.toContain('eyJ')
    await page.getByRole('button', { name: 'Your account and status' }).click()
    await page.getByRole('menuitem', { name: 'Sign out' }).click()
    await page.waitForURL('**/login')
    expect(await context.cookies(`${stage.url}/api/v1/auth`)).toEqual([])
  })

  it('[WEB-03] confirms an address and sets a new password by the links of mails', async () => {
    const cleo = await stage.world.user('Cleo Marsh')
    const link = (mail: string) => new URL(/https?:\S+#\S+/.exec(mail)![0])
    const verify = link(await mailbox.mailTo(cleo.email, '#verify-email='))
    const { page } = await stage.visit(`/${verify.hash}`)
    await page.getByRole('heading', { name: 'Your address is confirmed' }).waitFor()
    await page.goto(`${stage.url}/forgot`)
    await page.getByLabel('E-mail').fill(cleo.email)
    await page.getByRole('button', { name: 'Send link' }).click()
    await page.getByRole('heading', { name: 'Look into your mailbox' }).waitFor()
    const reset = link(await mailbox.mailTo(cleo.email, '#reset-password='))
    await page.goto(`${stage.url}/${reset.hash}`)
    await page.getByLabel('New password').fill('another long password')
    await page.getByRole('button', { name: 'Set password' }).click()
    await page.waitForURL('**/login')
    await signIn(page, cleo.email, 'another long password')
    await page.waitForURL('**/rooms')
    // The link works once.
    const { page: again } = await stage.visit(`/${reset.hash}`)
    await again.getByLabel('New password').fill('yet another password')
    await again.getByRole('button', { name: 'Set password' }).click()
    await again.getByRole('alert').getByText('used already').waitFor()
  })

  it('[WEB-04] lists sessions and ends another, which is signed out at once', async () => {
    const dora = await stage.world.user('Dora Lind')
    const [here, there] = await Promise.all([stage.visitAs(dora, '/settings/sessions'), stage.visitAs(dora, '/rooms')])
    await there.page.getByRole('heading', { name: 'Rooms', level: 1 }).waitFor()
    await here.page.getByText('This device').waitFor()
    const rows = here.page.getByRole('listitem').filter({ has: here.page.getByRole('button', { name: 'End' }) })
    await rows.filter({ hasText: 'Chrome' }).first().getByRole('button', { name: 'End' }).click()
    await here.page.getByRole('dialog').getByRole('button', { name: 'End' }).click()
    await there.page.waitForURL('**/login')
    await there.page.getByText('Your session has ended').waitFor()
  })
})
