import { z } from 'zod'
import { Booking } from '../../models/Booking.ts'
import { f } from '../kernel/fields.ts'
import { rates } from '../kernel/rate.ts'
import type { OwnerRule } from '../kernel/route.ts'
import { defineRoute } from './define.ts'
import { listOf, listQuery } from './lists.ts'

const tag = 'Bookings'
const params = z.object({ id: f.id() })
const { status } = Booking.spec.fields
const role = f.text(0, 60)
const time = f.time()
const rule = (owner: string, others: OwnerRule['others']): OwnerRule => ({
  owner,
  others,
  permission: { action: 'manage', resource: 'Booking' },
})
const filters = { userId: f.ref('User').optional(), status: status.optional() }
const wish = {
  userId: f.ref('User').optional().describe('Who is to play; without one it is the bearer'),
  role: role.optional(),
  startTime: time.optional(),
  endTime: time.optional(),
}
const example = { role: 'drummer', startTime: '2026-09-01T18:00:00.000Z', endTime: '2026-09-01T21:00:00.000Z' }

const list = defineRoute({
  method: 'get',
  path: '/api/v1/bookings',
  tag,
  summary: 'One’s own bookings and those of one’s projects, newest first',
  auth: 'user',
  access: rule('who is to play, and the owners of the project', 'nothing'),
  rate: rates.read,
  query: listQuery({ projectId: f.ref('Project').optional(), ...filters }),
  status: 200,
  answer: listOf(Booking.wire),
  handle: ({ actor, services }, { query }) => services.bookings.list(actor, query),
})

const ofProject = defineRoute({
  method: 'get',
  path: '/api/v1/projects/{id}/bookings',
  tag,
  summary: 'The bookings of a project: all for its members, for others their own',
  auth: 'user',
  rate: rates.read,
  params,
  query: listQuery(filters),
  status: 200,
  answer: listOf(Booking.wire),
  errors: ['not_found'],
  handle: ({ actor, services }, { params, query }) => services.bookings.ofProject(actor, params.id, query),
})

const request = defineRoute({
  method: 'post',
  path: '/api/v1/bookings',
  tag,
  summary: 'Asks for a booking: an owner of the project for a user, or a user for themself',
  auth: 'user',
  rate: rates.write,
  body: z.object({ projectId: f.ref('Project'), ...wish }),
  example: { projectId: '01HYNPRJ01ABCDE12345678901', ...example },
  status: 201,
  answer: Booking.wire,
  errors: ['not_found', 'conflict'],
  handle: ({ actor, services }, { body }) => services.bookings.request(actor, body),
})

const requestInProject = defineRoute({
  method: 'post',
  path: '/api/v1/projects/{id}/bookings',
  tag,
  summary: 'Asks for a booking on a project',
  auth: 'user',
  rate: rates.write,
  params,
  body: z.object(wish),
  example,
  status: 201,
  answer: Booking.wire,
  errors: ['not_found', 'conflict'],
  handle: ({ actor, services }, { params, body }) =>
    services.bookings.request(actor, { ...body, projectId: params.id }),
})

const get = defineRoute({
  method: 'get',
  path: '/api/v1/bookings/{id}',
  tag,
  summary: 'A booking',
  auth: 'user',
  access: rule('who is to play, and the members of the project', 'not_found'),
  rate: rates.read,
  params,
  status: 200,
  answer: Booking.wire,
  errors: ['not_found'],
  handle: ({ actor, services }, { params }) => services.bookings.get(actor, params.id),
})

const update = defineRoute({
  method: 'patch',
  path: '/api/v1/bookings/{id}',
  tag,
  summary:
    'Confirms (the side that was asked), cancels or completes a booking; or changes it while it is only asked for',
  auth: 'user',
  access: rule('who is to play, and the owners of the project', 'not_found'),
  rate: rates.write,
  params,
  body: z.object({
    status: status.optional(),
    role: role.nullable().optional(),
    startTime: time.optional(),
    endTime: time.optional(),
  }),
  example: { status: 'confirmed' },
  status: 200,
  answer: Booking.wire,
  errors: ['not_found', 'conflict'],
  handle: ({ actor, services }, { params, body }) => services.bookings.update(actor, params.id, body),
})

const remove = defineRoute({
  method: 'delete',
  path: '/api/v1/bookings/{id}',
  tag,
  summary: 'Removes a booking that was cancelled, or, by the side that asked, one that is not answered',
  auth: 'user',
  access: rule('who is to play, and the owners of the project', 'not_found'),
  rate: rates.write,
  params,
  status: 204,
  errors: ['not_found', 'conflict'],
  handle: ({ actor, services }, { params }) => services.bookings.remove(actor, params.id),
})

export const bookingRoutes = [list, ofProject, request, requestInProject, get, update, remove]
