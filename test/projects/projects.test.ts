import { expect, test } from 'vitest'
import { compileSchema, dataModels } from '../models/modelSchemas.ts'
import type { AskOptions, Person, World } from '../support/world.ts'
import { eachWorld, fresh } from '../support/worlds.ts'

const nowhere = '01HYN8FXZ2W6X8K6YTNPEKXYM7'
const validProject = compileSchema(dataModels['Project']!.schema)
const validMember = compileSchema(dataModels['UserProject']!.schema)

const make = async (world: World, as: Person, input: object = {}) => {
  const { status, body } = await world.ask('POST', '/api/v1/projects', {
    as,
    body: { title: fresh('Project'), ...input },
  })
  expect(status).toBe(201)
  expect(validProject(body)).toBe(true)
  return body
}

const idsOf = async (world: World, query: string, options: AskOptions) => {
  const { status, body } = await world.ask('GET', `/api/v1/projects${query}`, options)
  expect(status).toBe(200)
  return body.items.map(({ id }: any) => id)
}

eachWorld((world) => {
  const ask = (method: string, path: string, as: AskOptions['as'], body?: unknown, instance = 0) =>
    world().ask(method, `/api/v1/projects${path}`, { ...(as && { as }), ...(body !== undefined && { body }), instance })

  test('[PROJ-01] a project is made with its maker as owner, shown, changed and deleted', async () => {
    const [ann, ben] = (await world().users('Ann', 'Ben')) as [Person, Person]
    const project = await make(world(), ann, { description: 'Six tracks', isOpen: false })
    expect(project).toMatchObject({ ownerId: ann.id, description: 'Six tracks', isOpen: false, updatedAt: null })
    const { body } = await ask('GET', `/${project.id}/members`, ann, undefined, 1)
    expect(body).toEqual({
      items: [{ userId: ann.id, projectId: project.id, role: 'owner', createdAt: project.createdAt }],
      nextCursor: null,
    })
    expect((await ask('GET', `/${project.id}`, ben)).body.code).toBe('not_found')
    expect((await ask('PATCH', `/${project.id}`, ben, { title: 'Mine' })).body.code).toBe('not_found')
    const changed = await ask('PATCH', `/${project.id}`, ann, { title: 'Other', description: null, isOpen: true }, 1)
    expect(changed).toMatchObject({ status: 200, body: { title: 'Other', isOpen: true } })
    expect(changed.body).not.toHaveProperty('description')
    expect(validProject(changed.body)).toBe(true)
    expect((await ask('GET', `/${project.id}`, ben)).body).toEqual(changed.body)
    expect((await ask('PATCH', `/${project.id}`, ben, { title: 'Mine' })).body.code).toBe('forbidden')
    expect((await ask('DELETE', `/${project.id}`, ben)).body.code).toBe('forbidden')
    expect((await ask('DELETE', `/${project.id}`, ann)).status).toBe(204)
    expect((await ask('GET', `/${project.id}`, ann, undefined, 1)).body.code).toBe('not_found')
    expect((await ask('DELETE', `/${project.id}`, ann)).body.code).toBe('not_found')
    const left = await world().database.collection('userprojects').countDocuments({ projectId: project.id })
    expect(left).toBe(0)
    for (const wrong of [{}, { title: '' }, { title: 'x'.repeat(201) }, { title: 'x', isOpen: 'yes' }]) {
      expect((await ask('POST', '', ann, wrong)).body.code).toBe('invalid')
    }
  })

  test('[PROJ-02] lists hold what one may see: own ones, open ones, by owner, member and words, in pages', async () => {
    const [ann, ben] = (await world().users('Ann', 'Ben')) as [Person, Person]
    const word = fresh('marimba').replace('-', '')
    const closed = await make(world(), ann, { title: `Closed ${word}`, isOpen: false })
    const open = await make(world(), ann, { title: 'Open', description: `With ${word}` })
    const shared = await make(world(), ann, { isOpen: false })
    await ask('POST', `/${shared.id}/members`, ann, { userId: ben.id, role: 'viewer' })
    const as = ben
    expect(await idsOf(world(), '', { as: ann })).toEqual([shared.id, open.id, closed.id])
    expect(await idsOf(world(), '', { as })).toEqual([shared.id])
    expect(await idsOf(world(), `?ownerId=${ann.id}`, { as, instance: 1 })).toEqual([shared.id, open.id])
    expect(await idsOf(world(), `?memberId=${ann.id}`, { as })).toEqual([shared.id, open.id])
    expect(await idsOf(world(), `?ownerId=${ann.id}&open=false`, { as })).toEqual([shared.id])
    expect(await idsOf(world(), `?open=true&q=${word}`, { as })).toEqual([open.id])
    expect(await idsOf(world(), `?q=${word}`, { as: ann })).toEqual([open.id, closed.id])
    expect(await idsOf(world(), '?open=true&q=%22', { as })).toEqual([])
    expect(await idsOf(world(), '?open=true', { as })).toContain(open.id)
    const pages: string[] = []
    let cursor = ''
    do {
      const { body } = await ask('GET', `?limit=1${cursor && `&cursor=${cursor}`}`, ann)
      expect(body.items).toHaveLength(1)
      pages.push(body.items[0].id)
      cursor = body.nextCursor ?? ''
    } while (cursor)
    expect(pages).toEqual([shared.id, open.id, closed.id])
    expect((await ask('GET', '?cursor=nonsense', ann)).body.code).toBe('invalid')
    expect((await ask('GET', '', undefined)).body.code).toBe('unauthenticated')
  })

  test('[PROJ-03] owners bring people in, rank them and take them out; anybody may leave', async () => {
    const [ann, ben, cleo] = (await world().users('Ann', 'Ben', 'Cleo')) as [Person, Person, Person]
    const project = await make(world(), ann, { isOpen: false })
    const at = `/${project.id}/members`
    const added = await ask('POST', at, ann, { userId: ben.id, role: 'producer', access: 'viewer' })
    expect(added).toMatchObject({ status: 201, body: { userId: ben.id, projectId: project.id, role: 'producer' } })
    expect(validMember(added.body)).toBe(true)
    expect((await ask('POST', at, ann, { userId: ben.id, role: 'editor' })).body.code).toBe('conflict')
    expect((await ask('POST', at, ann, { userId: nowhere, role: 'editor' })).body.code).toBe('not_found')
    expect((await ask('POST', at, ben, { userId: cleo.id, role: 'editor' })).body.code).toBe('forbidden')
    expect((await ask('POST', at, cleo, { userId: cleo.id, role: 'owner' })).body.code).toBe('not_found')
    expect((await ask('POST', at, ann, { userId: cleo.id, role: 'viewer', access: 'editor' })).body.code).toBe(
      'invalid',
    )
    await world().ask('PUT', `/api/v1/blocks/${ann.id}`, { as: cleo })
    expect((await ask('POST', at, ann, { userId: cleo.id, role: 'editor' })).body.code).toBe('forbidden')
    const ranked = await ask('PATCH', `${at}/${ben.id}`, ann, { role: 'Editor' }, 1)
    expect(ranked.body).toEqual({ ...added.body, role: 'editor' })
    expect((await ask('PATCH', `${at}/${ann.id}`, ben, { role: 'viewer' })).body.code).toBe('forbidden')
    expect((await ask('PATCH', `${at}/${cleo.id}`, ann, { role: 'viewer' })).body.code).toBe('not_found')
    expect((await ask('DELETE', `${at}/${ann.id}`, ben)).body.code).toBe('forbidden')
    expect((await ask('DELETE', `${at}/${ben.id}`, ben)).status).toBe(204)
    expect((await ask('GET', `/${project.id}`, ben)).body.code).toBe('not_found')
    expect((await ask('DELETE', `${at}/${ben.id}`, ann)).body.code).toBe('not_found')
  })

  test('[PROJ-04] a project never loses its last owner, also where all go at once', async () => {
    const people = (await world().users('Ann', 'Ben', 'Cleo')) as [Person, Person, Person]
    const [ann, ben, cleo] = people
    const project = await make(world(), ann)
    const at = `/${project.id}/members`
    expect((await ask('DELETE', `${at}/${ann.id}`, ann)).body.code).toBe('conflict')
    expect((await ask('PATCH', `${at}/${ann.id}`, ann, { role: 'editor' })).body.code).toBe('conflict')
    for (const { id } of [ben, cleo]) await ask('POST', at, ann, { userId: id, role: 'owner' })
    const answers = await Promise.all(
      people.map((person, index) => ask('DELETE', `${at}/${person.id}`, person, undefined, index)),
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([204, 204, 409])
    const last = people[answers.findIndex(({ status }) => status === 409)]!
    expect((await ask('GET', `/${project.id}`, last)).body.ownerId).toBe(last.id)
    expect((await ask('GET', at, last)).body.items.map(({ userId }: any) => userId)).toEqual([last.id])
  })

  test('[PROJ-05] what one may do on a board follows role, access and openness', async () => {
    const [ann, ben] = (await world().users('Ann', 'Ben')) as [Person, Person]
    const project = await make(world(), ann, { isOpen: false })
    const at = `/${project.id}/members`
    const access = async (who: Person) => {
      const found = await Promise.all(
        world().instances.map((each) => each.app!.services.projects.accessOf(who.id, project.id)),
      )
      expect(new Set(found).size).toBe(1)
      return found[0]
    }
    expect(await access(ann)).toBe('write')
    expect(await access(ben)).toBe('none')
    await ask('PATCH', `/${project.id}`, ann, { isOpen: true })
    expect(await access(ben)).toBe('read')
    await ask('POST', at, ann, { userId: ben.id, role: 'producer' })
    expect(await access(ben)).toBe('write')
    const cases = [
      [{ access: 'viewer' }, 'read'],
      [{ role: 'commenter' }, 'read'],
      [{ access: null }, 'write'],
      [{ role: 'viewer' }, 'read'],
      [{ role: 'singer' }, 'write'],
      [{ access: 'viewer' }, 'read'],
      [{ role: 'editor' }, 'write'],
      [{ role: 'owner' }, 'write'],
    ] as const
    for (const [patch, expected] of cases) {
      expect((await ask('PATCH', `${at}/${ben.id}`, ann, patch)).status).toBe(200)
      expect(await access(ben), JSON.stringify(patch)).toBe(expected)
    }
    await ask('DELETE', `/${project.id}`, ann)
    expect(await access(ann)).toBe('missing')
  })

  test('[PROJ-06] every instance hears within a second whose rights changed, and that a project is gone', async () => {
    const [ann, ben] = (await world().users('Ann', 'Ben')) as [Person, Person]
    const project = await make(world(), ann)
    const heard = world().instances.map((instance) => {
      const events: (string | null)[] = []
      instance.app!.services.projects.onChanged((projectId, userId) => {
        if (projectId === project.id) events.push(userId)
      })
      return events
    })
    const at = `/${project.id}/members`
    const steps: [() => Promise<unknown>, string | null][] = [
      [() => ask('POST', at, ann, { userId: ben.id, role: 'editor' }), ben.id],
      [() => ask('PATCH', `${at}/${ben.id}`, ann, { role: 'viewer' }, 1), ben.id],
      [() => ask('PATCH', `/${project.id}`, ann, { isOpen: false }), null],
      [() => ask('DELETE', `${at}/${ben.id}`, ann), ben.id],
      [() => ask('DELETE', `/${project.id}`, ann, undefined, 1), null],
    ]
    for (const [act, whose] of steps) {
      const before = heard.map((events) => events.length)
      await act()
      for (const [index, events] of heard.entries()) {
        const isMeant = (userId: string | null) => userId === whose || userId === null
        await world().until(() => events.slice(before[index]).some(isMeant), 1_000, 'an instance hears of it')
      }
    }
  })

  test('[PROJ-07] bots need boards:read and boards:write', async () => {
    const [ann] = (await world().users('Ann')) as [Person]
    const project = await make(world(), ann)
    const reader = await world().bot(ann, ['boards:read'])
    const other = await world().bot(ann, ['rooms:read', 'rooms:write'])
    expect((await ask('GET', `/${project.id}`, reader)).status).toBe(200)
    expect((await ask('POST', '', reader, { title: 'x' })).body.code).toBe('forbidden')
    expect((await ask('GET', `/${project.id}`, other)).body.code).toBe('forbidden')
    expect((await ask('POST', `/${project.id}/members`, ann, { userId: reader.id, role: 'editor' })).status).toBe(201)
  })
})
