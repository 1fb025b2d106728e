import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { emissions, events } from '../../rooms/index.ts'
import { routes } from '../../src/http/index.ts'
import { createWorld, type World } from '../support/world.ts'
import { openBrowser, type Visits } from '../web/browser.ts'

describe('the API’s pages in a browser', () => {
  let world: World
  let visits: Visits
  beforeAll(async () => {
    ;[world, visits] = await Promise.all([createWorld(), openBrowser()])
  })
  afterAll(async () => {
    await visits?.close()
    await world?.close()
  })

  // The pages come to over 4 MB of script, which a busy machine takes its time to run.
  const patience = 120_000

  const open = (path: string) => visits.open(`${world.instances[0]!.url}${path}`)

  test(
    '[DOC-20] shows every route, and asks for one when its button is pressed',
    async () => {
      const { page, complaints } = await open('/api/docs')
      await page.waitForSelector('.opblock-tag-section')
      expect(await page.locator('.opblock-tag-section').count()).toBe(new Set(routes.map((route) => route.tag)).size)
      const [person] = await world.users('Reader')
      await page.locator('.authorize').first().click()
      await page.locator('.modal-ux input').first().fill(person!.accessToken)
      await page.locator('.modal-ux button.authorize').first().click()
      await page.locator('.modal-ux button.btn-done').first().click()
      await page.locator('.opblock-tag[data-tag="Accounts"]').click()
      const block = page.locator('.opblock', { has: page.locator('[data-path="/api/v1/me"]') }).first()
      await block.locator('.opblock-summary-control').click()
      await block.locator('button.execute').click()
      await block.locator('.live-responses-table .response-col_status', { hasText: '200' }).waitFor()
      expect(await block.locator('.live-responses-table').innerText()).toContain(person!.email)
      expect(complaints).toEqual([])
      await page.close()
    },
    patience,
  )

  test(
    '[DOC-21] shows every event on a page of its own',
    async () => {
      const { page, complaints } = await open('/api/docs/events')
      await page.getByRole('heading', { name: 'Operations' }).first().waitFor()
      const text = await page.locator('body').innerText()
      for (const { name } of [...events, ...emissions]) expect(text).toContain(name)
      expect(complaints).toEqual([])
      await page.close()
    },
    patience,
  )
})
