import type { BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, vi } from 'vitest'
import { createWorld, type Person, type World, type WorldOptions } from '../support/world.ts'
import { openBrowser, type Visit, type Visits, webHome } from './browser.ts'

export interface Stage {
  readonly world: World
  readonly url: string
  /** A page of somebody whom nobody knows. */
  visit(path: string, base?: string): Promise<Visit>
  /** A page of somebody who is signed in. */
  visitAs(who: Person, path: string, options?: BrowserContextOptions, base?: string): Promise<Visit>
  /** A room of these people, the first its owner. */
  roomOf(name: string, people: Person[], visibility?: string): Promise<{ id: string; name: string }>
  say(who: Person, roomId: string, content: string): Promise<any>
  /** A project of these people, the first its owner, the others in this role. */
  projectOf(
    title: string,
    people: Person[],
    role?: string,
    access?: string | null,
  ): Promise<{ id: string; title: string }>
  addCard(who: Person, projectId: string, fields: Record<string, unknown>): Promise<void>
  /** A request that has to answer with this status. */
  post(who: Person, path: string, body: unknown, status?: number, method?: string): Promise<any>
}

/**
 * A server, a browser with these arguments, and what their tests begin with; all ends with the file. Pages are closed
 * after each test.
 */
export function setStage(
  options: WorldOptions | (() => Promise<WorldOptions>) = {},
  browserArgs: string[] = [],
): Stage {
  // A browser on a busy machine: waits end with what they wait for, and only a fault takes this long.
  vi.setConfig({ testTimeout: 240_000 })
  let world: World
  let visits: Visits
  const open: Visit[] = []

  beforeAll(async () => {
    const start = async () => {
      const home = await webHome()
      return createWorld({ ...(typeof options === 'function' ? await options() : options), webHome: home })
    }
    ;[world, visits] = await Promise.all([start(), openBrowser(browserArgs)])
  }, 180_000)
  afterEach(async ({ task }) => {
    // What a fault is seen by, where nobody can look.
    if (task.result?.state === 'fail') for (const visit of open) console.error(await describe(visit))
    await Promise.all(open.splice(0).map(({ context }) => context.close()))
  })
  afterAll(async () => {
    await visits?.close()
    await world?.close()
  }, 120_000)
  const kept = (made: Visit) => {
    open.push(made)
    return made
  }
  const post: Stage['post'] = async (who, path, body, status = 201, method = 'POST') => {
    const answer = await world.ask(method, path, { as: who, body })
    expect(answer.status, `${method} ${path}: ${JSON.stringify(answer.body)}`).toBe(status)
    return answer.body
  }

  return {
    get world() {
      return world
    },
    get url() {
      return world.instances[0]!.url
    },
    post,
    visit: async (path, base = world.instances[0]!.url) => kept(await visits.open(base + path)),
    visitAs: async (who, path, options = {}, base = world.instances[0]!.url) =>
      kept(await visits.as(who, base + path, options)),
    roomOf: (name, [owner, ...others], visibility = 'private') =>
      post(owner!, '/api/v1/chat-rooms', { name, visibility, memberIds: others.map(({ id }) => id) }),
    say: (who, roomId, content) => post(who, `/api/v1/chat-rooms/${roomId}/messages`, { content }),
    async projectOf(title, [owner, ...others], role = 'editor', access = null) {
      const project = await post(owner!, '/api/v1/projects', { title, isOpen: false })
      for (const { id } of others) {
        await post(owner!, `/api/v1/projects/${project.id}/members`, { userId: id, role, ...(access && { access }) })
      }
      return project
    },
    async addCard(who, projectId, fields) {
      const operations = [{ op: 'card.add', columnId: 'todo', ...fields }]
      await post(who, `/api/v1/projects/${projectId}/board/operations`, { operations }, 200)
    },
  }
}

/** What the page holds, as those hear it who don't see it, and what it complained of. */
async function describe({ page, complaints }: Visit): Promise<string> {
  const said = await page
    .locator('body')
    .ariaSnapshot({ timeout: 10_000 })
    .catch((error) => String(error))
  return [page.url(), said, ...complaints].join('\n')
}

export const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }

export const field = (page: Page, label: string) => page.getByRole('textbox', { name: label, exact: true })
export const message = (page: Page, text: string) => page.locator('article.message', { hasText: text })

/** Goes to a path without loading the page anew, and waits until it shows what it has. */
export async function turnTo(page: Page, path: string): Promise<void> {
  await page.evaluate((to) => {
    history.pushState(null, '', to)
    dispatchEvent(new PopStateEvent('popstate'))
  }, path)
  await page.locator('h1:visible, .empty:visible').first().waitFor()
  await expect.poll(() => page.locator('.spinner').count()).toBe(0)
}
