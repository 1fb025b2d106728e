import { describe, expect, it } from 'vitest'
import { phone, setStage } from './stage.ts'

const stage = setStage()

describe('boards by touch', () => {
  it('[PAGE-11] drags a card by touch, over columns on a phone', async () => {
    const [dan, eva] = await stage.world.users('Dan Figures', 'Eva Figures')
    const project = await stage.projectOf('Touch', [dan!, eva!])
    for (const title of ['One', 'Two', 'Three']) await stage.addCard(dan!, project.id, { title })
    const { page, context } = await stage.visitAs(dan!, `/boards/${project.id}`, {
      ...phone,
      viewport: { width: 844, height: 390 },
    })
    const card = page.locator('[data-card]', { hasText: 'One' })
    await card.waitFor()
    const cdp = await context.newCDPSession(page)
    const touch = (type: 'touchStart' | 'touchMove' | 'touchEnd', x?: number, y?: number) =>
      cdp.send('Input.dispatchTouchEvent', { type, touchPoints: x === undefined ? [] : [{ x, y: y! }] })
    const dragTo = async (title: string, x: number, y: number) => {
      const from = (await page.locator('[data-card]', { hasText: title }).boundingBox())!
      await touch('touchStart', from.x + 60, from.y + 15)
      // A finger that rests takes the card; one that moves at once scrolls.
      await page.locator('#dnd-action-dragged-el').waitFor({ state: 'attached' })
      for (let step = 1; step <= 12; step++) {
        await touch(
          'touchMove',
          from.x + 60 + ((x - from.x - 60) * step) / 12,
          from.y + 15 + ((y - from.y - 15) * step) / 12,
        )
      }
      return () => touch('touchEnd')
    }
    const goal = (await page.getByRole('region', { name: 'Doing', exact: true }).locator('ul').boundingBox())!
    const drop = await dragTo('One', goal.x + 80, goal.y + 20)
    await page
      .getByRole('region', { name: 'Doing', exact: true })
      .locator('[data-is-dnd-shadow-item-internal], [data-card]')
      .first()
      .waitFor({ state: 'attached' })
    await drop()
    const stored = async () => {
      const { body } = await stage.world.ask('GET', `/api/v1/projects/${project.id}/board`, { as: eva! })
      return body.columns.map((column: any) => column.cards.map(({ title }: any) => title))
    }
    await expect.poll(stored).toEqual([['Two', 'Three'], ['One'], []])
    // A finger that moves at once drags nothing.
    const two = (await page.locator('[data-card]', { hasText: 'Two' }).boundingBox())!
    await touch('touchStart', two.x + 60, two.y + 15)
    for (let step = 1; step <= 6; step++) await touch('touchMove', two.x + 60 - step * 20, two.y + 15)
    expect(await page.locator('#dnd-action-dragged-el').count()).toBe(0)
    await touch('touchEnd')
    expect(await stored()).toEqual([['Two', 'Three'], ['One'], []])
  })
})
