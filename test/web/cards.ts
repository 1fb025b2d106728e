import type { Locator, Page } from 'playwright-core'
import { expect } from 'vitest'

export const column = (page: Page, name: string) => page.getByRole('region', { name, exact: true })
export const cardIn = (within: Page | Locator, title: string) => within.locator('[data-card]', { hasText: title })

/**
 * Takes a card that lies still by mouse, and holds it over a column, in steps as a hand does, until that makes room for
 * it: `below` pixels below the top of something in the column.
 */
export async function holdCard(page: Page, card: Locator, over: Locator, top: Locator, below: number): Promise<void> {
  const there = over.locator('[data-card]')
  const count = await there.count()
  // A card that still slides to its place would be missed.
  await (await card.elementHandle())!.waitForElementState('stable')
  const from = (await card.boundingBox())!
  const to = (await top.boundingBox())!
  const goTo = (part: number) =>
    page.mouse.move(from.x + 40 + (to.x - from.x) * part, from.y + 15 + (to.y + below - from.y) * part)
  await goTo(0)
  await page.mouse.down()
  for (let step = 1; step <= 12; step++) await goTo(step / 12)
  await expect.poll(() => there.count()).toBe(count + 1)
}
