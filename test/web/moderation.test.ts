import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { makeAdmin, makeModerator } from '../support/staff.ts'
import { faultsOf } from './axe.ts'
import { message, phone, setStage, turnTo } from './stage.ts'

const stage = setStage()

const report = async (page: Page, reason: string) => {
  await page.getByRole('textbox', { name: 'What is wrong with it?' }).fill(reason)
  await page.getByRole('button', { name: 'Send report' }).click()
  await page.getByText('The moderators look at it').waitFor()
}

describe('moderation', () => {
  it('[PAGE-05] takes reports of people, messages and projects to moderators, who deal with each once', async () => {
    const admin = await makeAdmin(stage.world, 'Ada Admin')
    const moderator = await makeModerator(stage.world, admin, 'Mo Deration')
    const [kit, lou] = await stage.world.users('Kit Reports', 'Lou Reported')
    const room = await stage.roomOf('Noise', [lou!, kit!])
    await stage.say(lou!, room.id, 'Buy my cables')
    const project = await stage.post(lou!, '/api/v1/projects', { title: 'Cable sale', isOpen: true })
    const { page, complaints } = await stage.visitAs(kit!, `/rooms/${room.id}`)
    await message(page, 'Buy my cables').hover()
    await message(page, 'Buy my cables').getByRole('button', { name: 'More actions' }).click()
    await page.getByRole('menuitem', { name: 'Report' }).click()
    await report(page, 'Nothing but advertising')
    await turnTo(page, `/boards/${project.id}`)
    await page.getByRole('button', { name: 'Board menu' }).click()
    await page.getByRole('menuitem', { name: 'Report' }).click()
    await report(page, 'No project at all')
    // Who has no right sees nothing of it.
    await turnTo(page, '/admin')
    await page.getByText('This part is for those who run the place').waitFor()
    await page.getByRole('button', { name: 'Your account and status' }).click()
    await page.getByRole('menuitem', { name: 'Settings' }).waitFor()
    expect(await page.getByRole('menuitem', { name: 'Moderation' }).count()).toBe(0)
    const staff = await stage.visitAs(moderator, '/rooms')
    await staff.page.getByRole('button', { name: 'Your account and status' }).click()
    await staff.page.getByRole('menuitem', { name: 'Moderation' }).click()
    const rows = staff.page.getByRole('list', { name: 'Reports' }).getByRole('listitem')
    await expect.poll(() => rows.count()).toBe(2)
    expect(await staff.page.getByRole('navigation', { name: 'Moderation' }).getByRole('link').allInnerTexts()).toEqual([
      'Reports',
      'Accounts',
      'Tags',
    ])
    const advertising = rows.filter({ hasText: 'Nothing but advertising' })
    expect(await advertising.getByRole('link', { name: 'Look at it' }).getAttribute('href')).toBe(`/rooms/${room.id}/1`)
    await advertising.getByRole('button', { name: 'Take it on' }).click()
    await expect.poll(() => rows.count()).toBe(1)
    // Another moderator was faster.
    const { body } = await stage.world.ask('GET', '/api/v1/reports?status=open', { as: admin })
    await stage.post(admin, `/api/v1/reports/${body.items[0].id}`, { status: 'closed' }, 200, 'PATCH')
    await rows.first().getByRole('button', { name: 'Take it on' }).click()
    await staff.page.getByText('Somebody changed this meanwhile').first().waitFor()
    await staff.page.getByText('Nothing waits here').waitFor()
    await staff.page.getByRole('tab', { name: 'Looked at' }).click()
    await rows.first().getByRole('button', { name: 'Close', exact: true }).click()
    await staff.page.getByRole('tab', { name: 'Closed' }).click()
    await expect.poll(() => rows.count()).toBe(2)
    expect(complaints).toEqual([])
  })

  it('[PAGE-06] suspends and reinstates accounts, gives roles and changes what they permit', async () => {
    const admin = await makeAdmin(stage.world, 'Bea Admin')
    const nell = await stage.world.user('Nell Account')
    const theirs = await stage.visitAs(nell, '/rooms')
    await theirs.page.getByRole('heading', { name: 'Rooms', level: 1 }).waitFor()
    const { page, complaints } = await stage.visitAs(admin, '/admin/users')
    await page.getByRole('searchbox', { name: 'How the name begins' }).fill('nell a')
    const row = page.getByRole('list', { name: 'Accounts' }).getByRole('listitem').filter({ hasText: 'Nell Account' })
    await expect.poll(() => page.getByRole('list', { name: 'Accounts' }).getByRole('listitem').count()).toBe(1)
    const choose = async (name: string) => {
      await row.getByRole('button', { name: 'Nell Account: more' }).click()
      await page.getByRole('menuitem', { name }).click()
    }
    await choose('Roles')
    await page.getByRole('checkbox', { name: /^moderator/ }).check()
    await page.keyboard.press('Escape')
    await stage.world.until(async () => {
      const { body } = await stage.world.ask('GET', '/api/v1/me', { as: nell })
      return body.roles?.some(({ name }: { name: string }) => name === 'moderator')
    })
    await choose('Suspend')
    await page.getByRole('dialog').getByRole('button', { name: 'Suspend' }).click()
    await row.getByText('Suspended').waitFor()
    await theirs.page.waitForURL('**/login')
    await choose('Reinstate')
    await row.getByText('Suspended').waitFor({ state: 'detached' })
    await page.getByRole('link', { name: 'Roles' }).click()
    await page.getByRole('button', { name: 'New role' }).click()
    await page.getByRole('dialog').getByRole('textbox', { name: 'Name' }).fill('curator')
    await page.getByRole('button', { name: 'Save' }).click()
    await page
      .getByRole('group', { name: 'Playlists' })
      .getByRole('checkbox', { name: /^Change/ })
      .check()
    await page.getByRole('button', { name: 'Delete' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
    await expect.poll(() => page.getByRole('option', { name: 'curator' }).count()).toBe(0)
    await page.getByRole('link', { name: 'Audit log' }).click()
    await page.getByLabel('Act', { exact: true }).selectOption('UserBan')
    const acts = page.getByRole('list', { name: 'Audit log' }).getByRole('listitem')
    await expect.poll(() => acts.allInnerTexts()).toEqual([expect.stringContaining(`userId: ${nell.id}`)])
    expect(complaints).toEqual([])
  })

  it('[PAGE-07] makes measures and tells their history, renames and deletes tags', async () => {
    const admin = await makeAdmin(stage.world, 'Cy Admin')
    await stage.post(admin, '/api/v1/tags', { name: 'shoegase' })
    const { page, complaints } = await stage.visitAs(admin, '/admin/measures')
    await page.getByRole('button', { name: 'New measure' }).click()
    await page.getByRole('textbox', { name: 'Name' }).fill('Grain')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('button', { name: 'Edit Grain' }).click()
    await page.getByLabel('State').selectOption('active')
    await page.getByLabel('Why').fill('It is good enough')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Edit Grain' }).click()
    await page.getByRole('dialog').getByText('It is good enough').waitFor()
    await page.getByRole('button', { name: 'Delete' }).click()
    await page.getByRole('dialog', { name: 'Delete the measure' }).getByRole('button', { name: 'Delete' }).click()
    await page.getByRole('button', { name: 'Edit Grain' }).waitFor({ state: 'detached' })
    await page.getByRole('link', { name: 'Tags' }).click()
    await page.getByRole('button', { name: 'Rename shoegase' }).click()
    await page.getByRole('textbox', { name: 'Name' }).fill('shoegaze')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('button', { name: 'Delete shoegaze' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
    await page.getByRole('button', { name: 'Delete shoegaze' }).waitFor({ state: 'detached' })
    expect(complaints).toEqual([])
  })

  it('[PAGE-08] has no fault that axe finds on the pages of those who run the place, and fits a phone', async () => {
    const admin = await makeAdmin(stage.world, 'Di Admin')
    const { page, complaints } = await stage.visitAs(admin, '/admin/reports', phone)
    const faults: string[] = []
    for (const section of ['/reports', '/users', '/roles', '/tags', '/measures', '/audit']) {
      await turnTo(page, `/admin${section}`)
      faults.push(...(await faultsOf(page)))
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(390)
    }
    expect([...faults, ...complaints]).toEqual([])
  })
})
