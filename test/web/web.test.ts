import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createWorld, type World } from '../support/world.ts'
import { openBrowser, signUp, type Visits, webHome } from './browser.ts'

let world: World
let visits: Visits
let url: string

beforeAll(async () => {
  ;[world, visits] = await Promise.all([webHome().then((home) => createWorld({ webHome: home })), openBrowser()])
  url = world.instances[0]!.url
}, 120_000)
afterAll(async () => {
  await visits?.close()
  await world?.close()
})

describe('the web client', () => {
  it('[WEB-01] signs up, opens a room and says something in it', async () => {
    const { page, complaints } = await visits.open(`${url}/signup`)
    await signUp(page, 'Ada Reyes', 'ada@example.com')
    await page.waitForURL('**/welcome')
    await page.goto(`${url}/rooms`)
    await page.getByRole('button', { name: 'New room' }).click()
    await page.getByRole('textbox', { name: 'Name' }).fill('Rehearsal')
    await page.getByRole('button', { name: 'Open the room' }).click()
    await page.getByRole('textbox', { name: 'Message #Rehearsal' }).fill('First take is **up**')
    await page.keyboard.press('Enter')
    await page.locator('article.message strong', { hasText: 'up' }).waitFor()
    await page.locator('article.message:not(.pending)').waitFor()
    expect(complaints).toEqual([])
  })
})
