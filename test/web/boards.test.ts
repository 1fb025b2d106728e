import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { cardIn, column, holdCard } from './cards.ts'
import { setStage } from './stage.ts'

const stage = setStage()
const { visitAs, projectOf, addCard } = stage

/** By mouse: lets go where the other column makes room, at its first card. */
async function dragCard(page: Page, title: string, [start, end]: [start: string, end: string]) {
  const over = column(page, end)
  await holdCard(page, cardIn(column(page, start), title), over, over.locator('[data-card]').first(), 30)
  await page.mouse.up()
}

describe('boards', () => {
  it('[WEB-40] starts a project, and its board shows two people each other’s cards and who is here', async () => {
    const [ada, ben] = await stage.world.users('Ada Board', 'Ben Board')
    const a = await visitAs(ada!, '/boards')
    await a.page.getByText('You are in no project yet').waitFor()
    await a.page.getByRole('button', { name: 'New project' }).first().click()
    await a.page.getByRole('textbox', { name: 'Title' }).fill('Night tapes')
    await a.page.getByRole('button', { name: 'Start the project' }).click()
    await a.page.getByRole('heading', { name: 'Night tapes' }).waitFor()
    const projectId = new URL(a.page.url()).pathname.split('/')[2]!
    await a.page.getByRole('button', { name: 'Members' }).click()
    await a.page.getByRole('button', { name: 'Bring somebody in' }).click()
    await a.page.getByRole('combobox').fill('Ben Bo')
    await a.page.getByRole('option', { name: 'Ben Board' }).click()
    await a.page.getByRole('dialog').getByRole('link', { name: 'Ben Board' }).waitFor()
    await a.page.keyboard.press('Escape')
    const b = await visitAs(ben!, `/boards/${projectId}`)
    await a.page.getByRole('list', { name: 'Here now' }).getByText('Ben Board').waitFor()
    await b.page.getByRole('list', { name: 'Here now' }).getByText('Ada Board').waitFor()
    await a.page.getByRole('button', { name: 'New card in To do' }).click()
    await a.page.keyboard.type('Record the bass')
    await a.page.keyboard.press('Enter')
    await cardIn(column(b.page, 'To do'), 'Record the bass').waitFor()
    await b.page.getByRole('button', { name: 'New card in Doing' }).click()
    await b.page.keyboard.type('Mix the drums')
    await b.page.keyboard.press('Enter')
    await cardIn(column(a.page, 'Doing'), 'Mix the drums').waitFor()
    await b.context.close()
    await a.page.getByRole('list', { name: 'Here now' }).getByText('Ben Board').waitFor({ state: 'detached' })
    expect([...a.complaints, ...b.complaints]).toEqual([])
  })

  it('[WEB-41] moves a card by keyboard and by mouse, over columns and within one, seen by the other', async () => {
    const [cyd, dan] = await stage.world.users('Cyd Board', 'Dan Board')
    const project = await projectOf('Moves', [cyd!, dan!])
    for (const title of ['One', 'Two', 'Three']) await addCard(cyd!, project.id, { title })
    const [a, b] = await Promise.all([cyd!, dan!].map((who) => visitAs(who, `/boards/${project.id}`)))
    await cardIn(column(a!.page, 'To do'), 'Two').focus()
    await a!.page.keyboard.press('Shift+ArrowUp')
    await expect
      .poll(() => column(b!.page, 'To do').locator('[data-card]').allInnerTexts())
      .toEqual(['Two', 'One', 'Three'])
    await a!.page.keyboard.press('Shift+ArrowRight')
    await cardIn(column(b!.page, 'Doing'), 'Two').waitFor()
    await a!.page.getByText('Two is in Doing now, 1 of 1').waitFor({ state: 'attached' })
    // The focus goes with the card: a menu at another moves that one.
    expect(await a!.page.evaluate('document.activeElement.textContent')).toContain('Two')
    await a!.page.keyboard.press('ArrowLeft')
    expect(await a!.page.evaluate('document.activeElement.textContent')).toContain('One')
    await a!.page.getByRole('button', { name: 'Three: more' }).click()
    await a!.page.getByRole('menuitem', { name: 'Move to Done' }).click()
    await cardIn(column(b!.page, 'Done'), 'Three').waitFor()
    await a!.page.getByRole('menu').waitFor({ state: 'detached' })
    await dragCard(a!.page, 'One', ['To do', 'Done'])
    await cardIn(column(b!.page, 'Done'), 'One').waitFor()
    expect(await a!.page.locator('[data-card]').count()).toBe(3)
    expect([...a!.complaints, ...b!.complaints]).toEqual([])
  })

  it('[WEB-42] fills a card in: text with two at once, checklist, label, assignee and date', async () => {
    const [eva, fay] = await stage.world.users('Eva Board', 'Fay Board')
    const project = await projectOf('Details', [eva!, fay!])
    await addCard(eva!, project.id, { cardId: 'solo', title: 'Solo' })
    const [a, b] = await Promise.all([eva!, fay!].map((who) => visitAs(who, `/boards/${project.id}/solo`)))
    const textOf = (page: Page) => page.getByRole('textbox', { name: 'Description' })
    await textOf(a!.page).click()
    await a!.page.keyboard.type('In E minor')
    await textOf(b!.page).getByText('In E minor').waitFor()
    await b!.page.locator('.caret-name', { hasText: 'Eva Board' }).waitFor({ state: 'attached' })
    await textOf(b!.page).click()
    await b!.page.keyboard.press('Control+End')
    await b!.page.keyboard.type(', twice')
    await textOf(a!.page).getByText('In E minor, twice').waitFor()
    await a!.page.getByRole('textbox', { name: 'New item' }).fill('Tune')
    await a!.page.keyboard.press('Enter')
    await b!.page.getByRole('checkbox', { name: 'Tune' }).check()
    await a!.page.getByText('1 of 1 done').first().waitFor()
    await a!.page.getByRole('textbox', { name: 'New label' }).fill('guitar')
    await a!.page.keyboard.press('Enter')
    await b!.page.getByRole('button', { name: 'Take the label guitar off' }).waitFor()
    await a!.page.getByRole('group', { name: 'Who does it' }).getByRole('checkbox', { name: 'Fay Board' }).check()
    await a!.page.getByLabel('Due', { exact: true }).fill('2031-05-04')
    await a!.page.getByRole('textbox', { name: 'Title' }).fill('Solo, second take')
    await a!.page.keyboard.press('Enter')
    await b!.page.getByRole('dialog', { name: 'Solo, second take' }).waitFor()
    const stored = async () =>
      (await stage.world.ask('GET', `/api/v1/projects/${project.id}/board`, { as: fay! })).body.columns[0].cards[0]
    await expect.poll(async () => (await stored()).dueAt).toMatch(/^2031-05-0[345]T/)
    expect(await stored()).toMatchObject({
      title: 'Solo, second take',
      description: 'In E minor, twice',
      labels: ['guitar'],
      assignees: [fay!.id],
      checklist: [{ text: 'Tune', done: true }],
    })
    expect([...a!.complaints, ...b!.complaints]).toEqual([])
  })

  it('[WEB-43] lets a viewer read alone, by role or by access, and strangers not at all', async () => {
    const [gil, hal, ivo] = await stage.world.users('Gil Board', 'Hal Board', 'Ivo Board')
    for (const [role, access] of [
      ['viewer', null],
      ['singer', 'viewer'],
    ] as const) {
      const project = await projectOf(`Read ${role}`, [gil!, hal!], role, access)
      await addCard(gil!, project.id, { title: 'Look', checklist: [{ text: 'Only' }] })
      const { page } = await visitAs(hal!, `/boards/${project.id}`)
      await page.getByText('You may read this board, not change it.').waitFor()
      await cardIn(column(page, 'To do'), 'Look').click()
      await page.getByRole('dialog', { name: 'Look' }).getByText('Only').waitFor()
      expect(await page.getByRole('checkbox', { name: 'Only' }).isDisabled()).toBe(true)
      await page.keyboard.press('Escape')
      await cardIn(column(page, 'To do'), 'Look').focus()
      await page.keyboard.press('Shift+ArrowRight')
      expect(await cardIn(column(page, 'To do'), 'Look').count()).toBe(1)
      expect(await page.getByRole('button', { name: /New card|New column|: more/ }).count()).toBe(0)
      if (access) {
        const stranger = await visitAs(ivo!, `/boards/${project.id}`)
        await stranger.page.getByText('This board is not for you to see').waitFor()
      }
    }
  })

  it('[WEB-44] adds, renames, moves and removes columns, keeps a version, and restores it', async () => {
    const jan = await stage.world.user('Jan Board')
    const project = await projectOf('Columns', [jan])
    await addCard(jan, project.id, { title: 'Stays' })
    const { page, complaints } = await visitAs(jan, `/boards/${project.id}`)
    const names = () => page.locator('.columns h2').allInnerTexts()
    await page.getByRole('button', { name: 'New column' }).click()
    await page.keyboard.type('Idea')
    await page.keyboard.press('Enter')
    await column(page, 'Idea').waitFor()
    await page.getByRole('button', { name: 'Column Idea: more' }).click()
    await page.getByRole('menuitem', { name: 'Move left' }).click()
    await expect.poll(names).toEqual(['To do', 'Doing', 'Idea', 'Done'])
    await page.getByRole('button', { name: 'Column Idea: more' }).click()
    await page.getByRole('menuitem', { name: 'Rename' }).click()
    await page.keyboard.type('Ideas')
    await page.keyboard.press('Enter')
    await expect.poll(names).toEqual(['To do', 'Doing', 'Ideas', 'Done'])
    await page.getByRole('button', { name: 'Board menu' }).click()
    await page.getByRole('menuitem', { name: 'Versions' }).click()
    await page.getByRole('textbox', { name: 'Name of the version' }).fill('First')
    await page.getByRole('button', { name: 'Keep as it is now' }).click()
    await page.getByRole('button', { name: 'Restore First' }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Column To do: more' }).click()
    await page.getByRole('menuitem', { name: 'Delete' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
    await expect.poll(names).toEqual(['Doing', 'Ideas', 'Done'])
    await page.getByRole('button', { name: 'Board menu' }).click()
    await page.getByRole('menuitem', { name: 'Versions' }).click()
    await page.getByRole('button', { name: 'Restore First' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Restore', exact: true }).click()
    await cardIn(column(page, 'To do'), 'Stays').waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Board menu' }).click()
    const download = page.waitForEvent('download')
    await page.getByRole('menuitem', { name: 'Export as Markdown' }).click()
    expect((await download).suggestedFilename()).toMatch(/\.md$/)
    expect(complaints).toEqual([])
  })
})

describe('people', () => {
  it('[WEB-45] finds somebody, follows and unfollows, reports, and shows who matches', async () => {
    const [kit, lou] = await stage.world.users('Kit Finder', 'Lou Theremin')
    const about = { displayName: lou!.name, bio: 'Plays the saw', location: 'Graz' }
    const { status } = await stage.world.ask('PATCH', '/api/v1/me/profile', { as: lou!, body: about })
    expect(status).toBe(200)
    const [userA, userB] = [kit!.id, lou!.id].sort()
    const at = new Date()
    const match = { _id: '01HYN8FXZ2W6X8K6YTNPEKXYM7', userA, userB, score: 0.87, createdAt: at, updatedAt: null }
    await stage.world.database.collection<{ _id: string }>('matches').insertOne(match)
    const { page, complaints } = await visitAs(kit!, '/people')
    await page
      .getByRole('region', { name: 'Your matches' })
      .getByRole('link', { name: /Lou Theremin.*87 % match/ })
      .waitFor()
    await page.getByRole('searchbox').fill('theremin')
    const everybody = page.getByRole('region', { name: 'Everybody' })
    await expect.poll(() => everybody.getByRole('listitem').count()).toBe(1)
    await everybody.getByRole('link', { name: /Lou Theremin/ }).click()
    await page.getByRole('heading', { name: 'Lou Theremin', level: 1 }).waitFor()
    await page.getByText('Plays the saw').waitFor()
    await page.getByRole('button', { name: 'Follow Lou Theremin', exact: true }).click()
    await page.getByText('1 follower').waitFor()
    await page.getByRole('button', { name: 'Unfollow Lou Theremin' }).click()
    await page.getByText('0 followers').waitFor()
    await page.getByRole('button', { name: 'More' }).click()
    await page.getByRole('menuitem', { name: 'Report' }).click()
    await page.getByRole('textbox', { name: 'What is wrong with it?' }).fill('Not a theremin')
    await page.getByRole('button', { name: 'Send report' }).click()
    await page.getByText('The moderators look at it').waitFor()
    const { body: reports } = await stage.world.ask('GET', '/api/v1/reports', { as: kit! })
    expect(reports.items).toMatchObject([{ targetType: 'Profile', reason: expect.stringMatching(/^Not a theremin/) }])
    await page.getByRole('link', { name: 'Message', exact: true }).click()
    await page.waitForURL(`**/messages/${lou!.id}`)
    expect(complaints).toEqual([])
  })
})
