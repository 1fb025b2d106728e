import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newId } from '../../src/kernel/ids.ts'
import { expectModel, expectPage } from '../support/wire.ts'
import { createWorld, type Person, type World } from '../support/world.ts'
import { createStage } from './stage.ts'

const at = (hour: number) => new Date(Date.UTC(2031, 0, 1, hour)).toISOString()

describe('bookings', () => {
  let world: World
  const { ask, all, project, member } = createStage(() => world)
  beforeAll(async () => {
    world = await createWorld({ instances: 2 })
  })
  afterAll(() => world.close())

  const request = (as: Person, projectId: string, body: object = {}) =>
    ask(201, 'POST', `/projects/${projectId}/bookings`, { as, body })
  const step = (as: Person, id: string, status: string, expected = 200) =>
    ask(expected, 'PATCH', `/bookings/${id}`, { as, body: { status } })

  it('[SOC-17] asked for by the owner or by the user, confirmed by the other side alone', async () => {
    const [ann, bob, cy] = await world.users('Ann', 'Bob', 'Cy')
    const projectId = await project(ann!)
    const asked = await request(ann!, projectId, { userId: bob!.id, role: 'drummer', startTime: at(1), endTime: at(2) })
    expect(expectModel('Booking', asked)).toMatchObject({
      projectId,
      userId: bob!.id,
      role: 'drummer',
      status: 'requested',
      requestedBy: 'owner',
      startTime: at(1),
      endTime: at(2),
    })
    await step(ann!, asked.id, 'confirmed', 403)
    await step(cy!, asked.id, 'confirmed', 404)
    expect(expectModel('Booking', await step(bob!, asked.id, 'confirmed')).status).toBe('confirmed')
    const offered = await ask(201, 'POST', '/bookings', { as: bob!, body: { projectId } })
    expect(offered).toMatchObject({ userId: bob!.id, requestedBy: 'user' })
    await step(bob!, offered.id, 'confirmed', 403)
    expect((await step(ann!, offered.id, 'confirmed')).status).toBe('confirmed')
    await ask(403, 'POST', '/bookings', { as: cy!, body: { projectId, userId: bob!.id } })
    await ask(404, 'POST', '/bookings', { as: ann!, body: { projectId, userId: newId() } })
    await ask(404, 'POST', '/bookings', { as: ann!, body: { projectId: newId() } })
    for (const times of [
      { startTime: at(2), endTime: at(1) },
      { startTime: at(1), endTime: at(1) },
      { startTime: at(1) },
      { endTime: at(1) },
      { startTime: 'soon', endTime: at(2) },
    ]) {
      await ask(422, 'POST', '/bookings', { as: bob!, body: { projectId, ...times } })
    }
    await ask(204, 'PUT', `/blocks/${ann!.id}`, { as: cy! })
    await ask(403, 'POST', '/bookings', { as: ann!, body: { projectId, userId: cy!.id } })
  })

  it('[SOC-18] takes just the steps that there are; any other is a conflict', async () => {
    const [ann, bob] = await world.users('Ann', 'Bob')
    const projectId = await project(ann!)
    const steps: Record<string, string[]> = {
      requested: ['confirmed', 'cancelled'],
      confirmed: ['completed', 'cancelled'],
      cancelled: [],
      completed: [],
    }
    const ways: Record<string, string[]> = {
      requested: [],
      confirmed: ['confirmed'],
      cancelled: ['cancelled'],
      completed: ['confirmed', 'completed'],
    }
    for (const from of Object.keys(steps)) {
      for (const to of Object.keys(steps)) {
        const { id } = await request(ann!, projectId, { userId: bob!.id })
        for (const status of ways[from]!) await step(bob!, id, status)
        const answer = await step(bob!, id, to, steps[from]!.includes(to) ? 200 : 409)
        if (steps[from]!.includes(to)) expect(expectModel('Booking', answer).status).toBe(to)
        else expect(answer.code).toBe('conflict')
        const now = (await ask(200, 'GET', `/bookings/${id}`, { as: ann! })).status
        expect(now).toBe(steps[from]!.includes(to) ? to : from)
      }
    }
  })

  it('[SOC-19] of a hundred overlapping ones confirmed at once on two instances exactly one holds', async () => {
    const [ann, bob] = await world.users('Ann', 'Bob')
    const projects = await Promise.all([project(ann!), project(ann!)])
    const ids: string[] = []
    for (let n = 0; n < 100; n++) {
      // All of them share the hour from 10 to 11.
      const times = { startTime: at(n % 11), endTime: at(11 + (n % 7)) }
      ids.push((await request(ann!, projects[n % 2]!, { userId: bob!.id, ...times })).id)
    }
    const answers = await Promise.all(
      ids.map((id, n) =>
        world.ask('PATCH', `/api/v1/bookings/${id}`, { as: bob!, instance: n % 2, body: { status: 'confirmed' } }),
      ),
    )
    const statuses = answers.map(({ status }) => status)
    expect(statuses.filter((status) => status === 200)).toHaveLength(1)
    expect(statuses.filter((status) => status === 409)).toHaveLength(99)
    const held = await world.database.collection('bookings').find({ userId: bob!.id, status: 'confirmed' }).toArray()
    expect(held.map(({ _id }) => String(_id))).toEqual([ids[statuses.indexOf(200)]])
    // Once it is cancelled, another can be confirmed.
    await step(ann!, String(held[0]!._id), 'cancelled')
    const [other] = ids.filter((_, n) => statuses[n] === 409)
    await step(bob!, other!, 'confirmed')
  })

  it('[SOC-20] those that only touch, are of others or have no time do not overlap', async () => {
    const [ann, bob, cy] = await world.users('Ann', 'Bob', 'Cy')
    const projectId = await project(ann!)
    const confirmed = async (user: Person, start?: number, end?: number, expected = 200) => {
      const times = start === undefined ? {} : { startTime: at(start), endTime: at(end!) }
      const { id } = await request(ann!, projectId, { userId: user.id, ...times })
      return step(user, id, 'confirmed', expected)
    }
    const first = await confirmed(bob!, 5, 7)
    await confirmed(bob!, 7, 9)
    await confirmed(bob!, 3, 5)
    await confirmed(bob!)
    await confirmed(bob!)
    await confirmed(cy!, 5, 7)
    for (const [start, end] of [
      [5, 7],
      [4, 6],
      [6, 8],
      [5, 6],
      [2, 10],
    ] as const) {
      await confirmed(bob!, start, end, 409)
    }
    await step(ann!, first.id, 'completed')
    await confirmed(bob!, 5, 7)
  })

  it('[SOC-21] of many confirmations and cancellations of one at once, each status is taken once', async () => {
    const [ann, bob] = await world.users('Ann', 'Bob')
    const { id } = await request(ann!, await project(ann!), { userId: bob!.id, startTime: at(1), endTime: at(2) })
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, n) =>
        world.ask('PATCH', `/api/v1/bookings/${id}`, {
          as: bob!,
          instance: n % 2,
          body: { status: n % 5 === 4 ? 'cancelled' : 'confirmed' },
        }),
      ),
    )
    const taken = answers.filter(({ status }) => status === 200).map(({ body }) => body.status)
    expect(new Set(taken).size).toBe(taken.length)
    expect(answers.every(({ status }) => status === 200 || status === 409)).toBe(true)
    expect((await ask(200, 'GET', `/bookings/${id}`, { as: bob! })).status).toBe('cancelled')
    expect(taken).toContain('cancelled')
  })

  it('[SOC-22] seen by its sides and the project’s members; changed by who asked while it is not answered', async () => {
    const [ann, bob, cy, dee] = await world.users('Ann', 'Bob', 'Cy', 'Dee')
    const projectId = await project(ann!, false)
    await member(cy!.id, projectId)
    const asked = await request(ann!, projectId, { userId: bob!.id, startTime: at(1), endTime: at(2), role: 'bass' })
    const offered = await request(cy!, projectId)
    for (const path of [`/bookings/${asked.id}`, `/projects/${projectId}/bookings`]) {
      await ask(404, 'GET', path, { as: dee! })
      await ask(401, 'GET', path)
      for (const as of [ann!, bob!, cy!]) await ask(200, 'GET', path, { as })
    }
    await ask(404, 'POST', `/projects/${projectId}/bookings`, { as: dee!, body: {} })
    const ids = async (path: string, as: Person) => (await all(path, { as }, 1)).map(({ id }) => id)
    expect(await ids(`/projects/${projectId}/bookings`, ann!)).toEqual([offered.id, asked.id])
    expect(await ids(`/projects/${projectId}/bookings`, bob!)).toEqual([asked.id])
    expect(await ids('/bookings', bob!)).toEqual([asked.id])
    expect(await ids('/bookings', ann!)).toEqual([offered.id, asked.id])
    expect(await ids(`/bookings?status=confirmed`, ann!)).toEqual([])
    expect(await ids('/bookings', dee!)).toEqual([])
    expectPage('Booking', await ask(200, 'GET', `/bookings?userId=${bob!.id}`, { as: ann! }))
    const change = { startTime: at(3), endTime: at(4), role: null }
    await ask(403, 'PATCH', `/bookings/${asked.id}`, { as: bob!, body: change })
    await ask(422, 'PATCH', `/bookings/${asked.id}`, { as: ann!, body: { ...change, status: 'cancelled' } })
    await ask(422, 'PATCH', `/bookings/${asked.id}`, { as: ann!, body: { endTime: at(0) } })
    const changed = await ask(200, 'PATCH', `/bookings/${asked.id}`, { as: ann!, body: change })
    expect(expectModel('Booking', changed)).toMatchObject({ startTime: at(3), endTime: at(4) })
    expect(changed.role).toBeUndefined()
    await ask(403, 'DELETE', `/bookings/${asked.id}`, { as: bob! })
    await step(bob!, asked.id, 'confirmed')
    await ask(409, 'PATCH', `/bookings/${asked.id}`, { as: ann!, body: { role: 'drums' } })
    await ask(409, 'DELETE', `/bookings/${asked.id}`, { as: ann! })
    await step(bob!, asked.id, 'cancelled')
    await ask(204, 'DELETE', `/bookings/${asked.id}`, { as: bob! })
    await ask(404, 'GET', `/bookings/${asked.id}`, { as: bob! })
    await ask(204, 'DELETE', `/bookings/${offered.id}`, { as: cy! })
  })
})
