import { afterAll, beforeAll, expect, test } from 'vitest'
import { createWorld, type Person, type World } from '../support/world.ts'

let world: World
beforeAll(async () => {
  world = await createWorld({ instances: 2, redis: 'own' })
})
afterAll(() => world?.close())

test('[PROJ-10] without Redis the other instance hears within a second, too', async () => {
  const [ann, ben] = (await world.users('Ann', 'Ben')) as [Person, Person]
  const { body: project } = await world.ask('POST', '/api/v1/projects', { as: ann, body: { title: 'Dub' } })
  const path = `/api/v1/projects/${project.id}/members`
  await world.ask('POST', path, { as: ann, body: { userId: ben.id, role: 'editor' } })
  const other = world.instances[1]!.app!.services.projects
  const heard: (string | null)[] = []
  other.onChanged((projectId, userId) => void (projectId === project.id && heard.push(userId)))
  await world.until(async () => (await other.members.idsOf(project.id)).length === 2)
  await world.redis!.close()
  const before = heard.length
  expect((await world.ask('DELETE', `${path}/${ben.id}`, { as: ann })).status).toBe(204)
  await world.until(() => heard.length > before, 1_500, 'the other instance hears of it')
  expect(await other.accessOf(ben.id, project.id)).toBe('read')
  expect(await other.members.idsOf(project.id)).toEqual([ann.id])
})
