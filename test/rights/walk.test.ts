import { readdir, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { routes } from '../../src/http/index.ts'
import { type PermissionNeed, scopes } from '../../src/kernel/actor.ts'
import { errorStatus } from '../../src/kernel/errors.ts'
import type { AnyRoute } from '../../src/kernel/route.ts'
import { standardPermissions } from '../../src/policies/permissions.ts'
import type { Services } from '../../src/services/index.ts'
import { createWorld, type Person, type Robot, type World } from '../support/world.ts'
import { type Fixture, fixtures, type Made } from './fixtures.ts'
import { type Caller, callers, createStage, type Stage } from './stage.ts'

type Route = AnyRoute<Services>

const nowhere = '01HYN8FXZ2W6X8K6YTNPEKXYM7'
const keyOf = ({ action, resource }: PermissionNeed) => `${action}:${resource}`
const nameOf = (route: Route) => `${route.method.toUpperCase()} ${route.path}`
const fixturesOf = (route: Route): Fixture[] => [fixtures[nameOf(route)] ?? []].flat()

let world: World
let stage: Stage
/** Of the owner's: one that may nothing, and one with every scope. */
let mute: Robot
let able: Robot
beforeAll(async () => {
  world = await createWorld()
  stage = await createStage(world)
  mute = await world.bot(stage.owner, [])
  able = await world.bot(stage.owner, [...scopes])
})
afterAll(async () => {
  await world?.close()
})

const personOf = (caller: Caller): Person | null => (caller === 'anonymous' ? null : stage[caller])

/** Whether a caller's role permits it, by the table of standard rights. */
function holds(caller: Caller, { action, resource }: PermissionNeed): boolean {
  if (caller === 'admin') return true
  return (
    caller === 'moderator' &&
    standardPermissions.some((each) => each.moderator && each.action === action && each.resource === resource)
  )
}

/** What a caller gets by the declaration alone. */
function declared({ auth, permission, access }: Route, caller: Caller): string {
  if (caller === 'anonymous') {
    if (auth !== 'none' && auth !== 'optional') return 'unauthenticated'
    return access && access.others !== 'nothing' ? access.others : 'ok'
  }
  if (auth === 'admin' && caller !== 'admin') return 'forbidden'
  if (permission && !holds(caller, permission)) return 'forbidden'
  if (!access || caller === 'owner' || access.others === 'nothing') return 'ok'
  return access.permission && holds(caller, access.permission) ? 'ok' : access.others
}

/** What a caller is to get: by the fixture where it says so, but nobody is let in whom the declaration keeps out. */
function expected(route: Route, caller: Caller, { outcomes = {} }: Fixture): string {
  const byDeclaration = declared(route, caller)
  const own = outcomes[caller]
  if (own !== undefined) return own
  const isKeptOut = byDeclaration === 'unauthenticated' || (route.permission && byDeclaration === 'forbidden')
  return isKeptOut ? byDeclaration : (outcomes.everybody ?? byDeclaration)
}

async function send(route: Route, who: { accessToken: string } | null, made: Made = {}) {
  const path = route.path.replace(/\{(\w+)\}/g, (_, name: string) => made.params?.[name] ?? nowhere)
  const as = made.as ?? who
  const answer = await world.ask(route.method.toUpperCase(), made.query ? `${path}?${made.query}` : path, {
    ...(as && { as }),
    // A body is sent where one is declared, or the request would fail for that.
    ...(route.body && { body: made.body ?? {} }),
    ...(made.raw && { raw: made.raw }),
    ...(made.headers && { headers: made.headers }),
  })
  const { code } = answer.body ?? {}
  if (answer.status < 400) return { outcome: 'ok', answer }
  // The body of an answer to HEAD is not there; the status says the same.
  const named = Object.keys(errorStatus).find((each) => errorStatus[each as keyof typeof errorStatus] === answer.status)
  return { outcome: String(code ?? named), answer }
}

test.each(routes.map((route) => [nameOf(route), route] as const))(
  '[RIGHT-01] %s keeps out who has no token, no scope, or no permission',
  async (name, route) => {
    if (route.permission) {
      const { action, resource } = route.permission
      expect(route.auth, `${name} names a permission, which only people with an account can have`).toBe('user')
      const known = standardPermissions.some((each) => each.action === action && each.resource === resource)
      expect(known, `${name} asks for ${action}:${resource}, which src/policies/permissions.ts lacks`).toBe(true)
    }
    if (route.access?.permission) {
      const { action, resource } = route.access.permission
      const known = standardPermissions.some((each) => each.action === action && each.resource === resource)
      expect(known, `${name} names ${action}:${resource}, which src/policies/permissions.ts lacks`).toBe(true)
    }
    if (route.auth === 'none') return
    if (route.auth !== 'optional') {
      expect((await send(route, null)).outcome, `${name} without a token`).toBe('unauthenticated')
    }
    const scope: string | undefined = route.scope
    if (scope !== 'any') {
      const bot = scope === undefined ? able : mute
      expect((await send(route, bot)).outcome, `${name} by a bot without what it needs`).toBe('forbidden')
    }
    if (route.permission || route.auth === 'admin') {
      expect((await send(route, stage.stranger)).outcome, `${name} by a stranger`).toBe('forbidden')
      expect((await send(route, able)).outcome, `${name} by a bot`).toBe('forbidden')
    }
  },
)

test.each(routes.filter((route) => fixturesOf(route).length > 0).map((route) => [nameOf(route), route] as const))(
  '[RIGHT-02] %s answers each caller as it is declared',
  async (name, route) => {
    const walks = fixturesOf(route).flatMap((fixture) => callers.map((caller) => ({ fixture, caller })))
    await Promise.all(
      walks.map(async ({ fixture, caller }) => {
        const who = personOf(caller)
        const made = (await fixture.make?.(stage, who)) ?? {}
        const { outcome, answer } = await send(route, who, made)
        const what = `${name}${fixture.of ? ` (${fixture.of})` : ''} as ${caller}: ${JSON.stringify(answer.body)}`
        expect(outcome, what).toBe(expected(route, caller, fixture))
        if (outcome === 'ok' && !route.raw) expect(answer.status, what).toBe(route.status)
      }),
    )
  },
)

test('[RIGHT-03] every route has a fixture, and every permission decides something', async () => {
  const names = new Set(routes.map(nameOf))
  expect(Object.keys(fixtures).filter((name) => !names.has(name))).toEqual([])
  expect(
    [...names].filter((name) => !(name in fixtures)),
    'Routes without a fixture in test/rights/fixtures.ts',
  ).toEqual([])
  const known = standardPermissions.map(keyOf)
  const asked = await askedFor()
  expect([...asked].filter((key) => !known.includes(key))).toEqual([])
  expect(
    known.filter((key) => !asked.has(key)),
    'Permissions in src/policies/permissions.ts that nothing asks for',
  ).toEqual([])
})

/** What declarations of routes name, and what the server's source asks `permits` for. */
async function askedFor(): Promise<Set<string>> {
  const keys = new Set(
    routes.flatMap(({ permission, access }) => [permission ?? [], access?.permission ?? []].flat().map(keyOf)),
  )
  const root = resolve(import.meta.dirname, '../../src')
  const files = (await readdir(root, { recursive: true })).filter(
    (file) => /\.ts$/.test(file) && !file.startsWith('web'),
  )
  for (const file of files) {
    const source = await readFile(join(root, file), 'utf8')
    for (const [, action, resource] of source.matchAll(/permits\([^)]*\{ action: '(\w+)', resource: '(\w+)' \}/g)) {
      keys.add(`${action}:${resource}`)
    }
    for (const [, resource] of source.matchAll(/\bseesAll\(\w+, '(\w+)'\)/g)) keys.add(`read:${resource}`)
  }
  expect(keys.size).toBeGreaterThan(10)
  return keys
}
