import { describe, expect, it } from 'vitest'
import { faultsOf } from './axe.ts'
import { phone, setStage, turnTo } from './stage.ts'

const stage = setStage()

/** An hour of a day of this month, as the server takes it. */
const at = (day: number, hour: number) => {
  const now = new Date()
  return new Date(now.getFullYear(), now.getMonth(), day, hour).toISOString()
}

describe('bookings', () => {
  it('[PAGE-01] asks for a booking from a profile, which the other confirms, and either cancels', async () => {
    const [ada, ben] = await stage.world.users('Ada Booking', 'Ben Booking')
    const project = await stage.projectOf('Night tapes', [ada!])
    const a = await stage.visitAs(ada!, `/people/${ben!.id}`)
    await a.page.getByRole('link', { name: 'Book', exact: true }).click()
    const form = a.page.getByRole('dialog', { name: 'New booking' })
    await form.getByLabel('What they play').fill('drums')
    await form.getByRole('button', { name: 'Ask for it' }).click()
    await a.page.getByText('The other side has to confirm it').waitFor()
    const b = await stage.visitAs(ben!, '/bookings')
    const waiting = b.page.getByRole('region', { name: '1 booking waits for your answer' })
    await waiting.getByRole('button', { name: /drums/ }).click()
    await b.page.getByRole('dialog').getByText('A project that you do not see').first().waitFor()
    await b.page.getByRole('button', { name: 'Confirm' }).click()
    await b.page.getByText('The booking is confirmed').waitFor()
    const stored = async () => (await stage.world.ask('GET', '/api/v1/bookings', { as: ada! })).body.items
    expect(await stored()).toMatchObject([
      { projectId: project.id, userId: ben!.id, role: 'drums', status: 'confirmed' },
    ])
    // What has happened meanwhile is said, and shown.
    await a.page
      .getByRole('region', { name: /\d{4}/ })
      .getByRole('button', { name: /Ben Booking/ })
      .click()
    await a.page.getByRole('dialog').getByRole('button', { name: 'Withdraw' }).click()
    await a.page.getByRole('dialog', { name: 'Withdraw' }).getByRole('button', { name: 'Withdraw' }).click()
    await b.page.getByRole('button', { name: 'Cancel the booking' }).waitFor({ state: 'visible' })
    await expect.poll(async () => (await stored())[0].status).toBe('cancelled')
    await b.page.getByRole('button', { name: 'Mark as done' }).click()
    await b.page.getByRole('alert').getByText('The booking has changed meanwhile').waitFor()
    await b.page.getByRole('button', { name: 'Remove' }).waitFor()
    expect(a.complaints).toEqual([])
  })

  it('[PAGE-02] says which booking cannot be confirmed as it overlaps another', async () => {
    const [cyd, dan] = await stage.world.users('Cyd Booking', 'Dan Booking')
    const project = await stage.projectOf('Overlaps', [cyd!, dan!])
    const ask = (role: string, from: number, to: number) =>
      stage.post(cyd!, '/api/v1/bookings', {
        projectId: project.id,
        userId: dan!.id,
        role,
        startTime: at(15, from),
        endTime: at(15, to),
      })
    const first = await ask('bass', 10, 12)
    await stage.post(dan!, `/api/v1/bookings/${first.id}`, { status: 'confirmed' }, 200, 'PATCH')
    const second = await ask('organ', 11, 13)
    const { page } = await stage.visitAs(dan!, `/bookings/${second.id}`)
    await page.getByRole('button', { name: 'Confirm' }).click()
    await page.getByRole('alert').getByText('overlaps another confirmed booking').waitFor()
    await page.getByRole('button', { name: 'Decline' }).click()
    await page.getByRole('dialog', { name: 'Decline' }).getByRole('button', { name: 'Decline' }).click()
    await page.getByText('The booking is declined').waitFor()
  })

  it('[PAGE-03] goes through a month by keyboard, asks for a booking and opens it', async () => {
    const eva = await stage.world.user('Eva Booking')
    await stage.projectOf('Solo', [eva])
    const { page, complaints } = await stage.visitAs(eva, '/bookings')
    await page.getByText('No bookings yet').waitFor()
    await page.getByRole('button', { name: 'New booking' }).first().focus()
    await page.keyboard.press('Enter')
    await page.getByRole('dialog', { name: 'New booking' }).getByLabel('What they play').focus()
    await page.keyboard.type('saw')
    await page.keyboard.press('Enter')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    const today = page.locator('td[tabindex="0"]')
    await today.focus()
    await page.keyboard.press('ArrowRight')
    await page.keyboard.press('PageDown')
    await page.keyboard.press('PageUp')
    await page.keyboard.press('ArrowLeft')
    await page.locator('td[aria-current="date"]:focus').waitFor()
    expect(await today.getAttribute('aria-label')).toContain('1 booking')
    await page.keyboard.press('Enter')
    await page.getByRole('dialog', { name: 'Solo' }).getByText('saw').waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    expect(complaints).toEqual([])
  })

  it('[PAGE-04] shows a week on a phone, has no fault that axe finds, and speaks German', async () => {
    const [fay, gil] = await stage.world.users('Fay Booking', 'Gil Booking')
    const project = await stage.projectOf('Look', [fay!, gil!])
    const ask = (fields: object) => stage.post(fay!, `/api/v1/projects/${project.id}/bookings`, fields)
    const day = new Date().getDate()
    const booking = await ask({ userId: gil!.id, role: 'trombone', startTime: at(day, 10), endTime: at(day, 12) })
    await ask({ userId: gil!.id })
    const { page, complaints } = await stage.visitAs(fay!, '/bookings', phone)
    await page.getByRole('tab', { name: 'Week', selected: true }).waitFor()
    const faults: string[] = []
    for (const path of ['/bookings', `/bookings?project=${project.id}`, `/bookings/${booking.id}`]) {
      await turnTo(page, path)
      await page.getByText('trombone').first().waitFor()
      faults.push(...(await faultsOf(page)))
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(390)
    }
    await turnTo(page, '/bookings')
    await page.setViewportSize({ width: 1280, height: 800 })
    await page.getByRole('tab', { name: 'Month' }).click()
    faults.push(...(await faultsOf(page)))
    await page.getByRole('button', { name: 'New booking' }).first().click()
    await page.getByRole('dialog').waitFor()
    faults.push(...(await faultsOf(page)))
    expect([...faults, ...complaints]).toEqual([])
    await page.evaluate(`localStorage.setItem('pp:settings', JSON.stringify({ language: 'de' }))`)
    await page.reload()
    await page.getByRole('heading', { name: 'Buchungen' }).waitFor()
  })
})
