import { z } from 'zod'
import { Project } from '../../models/Project.ts'
import { UserProject } from '../../models/UserProject.ts'
import { f } from '../kernel/fields.ts'
import { rates } from '../kernel/rate.ts'
import { MemberInput, MemberPatch, ProjectInput, ProjectPatch } from '../services/projects/inputs.ts'
import { defineRoute } from './define.ts'
import { listOf, listQuery } from './lists.ts'

const tag = 'Projects'
const params = z.object({ id: f.ref('Project') })
const memberParams = z.object({ id: f.ref('Project'), userId: f.ref('User') })

const ownerRule = { owner: 'an owner of the project', others: 'not_found' } as const
const reader = {
  owner: 'who is in the project, or anybody where it is open',
  others: 'not_found',
  permission: { action: 'read', resource: 'Project' },
} as const
const moderated = { ...ownerRule, permission: { action: 'moderate', resource: 'Project' } } as const

const reads = { tag, auth: 'user', scope: 'boards:read', rate: rates.read, status: 200 } as const
const writes = { tag, auth: 'user', scope: 'boards:write', rate: rates.write } as const

const list = defineRoute({
  ...reads,
  method: 'get',
  path: '/api/v1/projects',
  summary: 'Projects that one may see, newest first: without `open`, `ownerId` or `memberId` those that one is in',
  query: listQuery({
    open: z
      .stringbool({ truthy: ['true'], falsy: ['false'] })
      .optional()
      .describe('Only open projects, of whomever, or only closed ones'),
    q: f.text(1, 200).optional().describe('Words of the title or description'),
    ownerId: f.ref('User').optional(),
    memberId: f.ref('User').optional(),
  }),
  answer: listOf(Project.wire),
  handle: ({ actor, services }, { query }) => services.projects.list(actor, query, query),
})

const create = defineRoute({
  ...writes,
  method: 'post',
  path: '/api/v1/projects',
  summary: 'Makes a project, with its maker as owner',
  body: ProjectInput,
  example: { title: 'Dub sessions, volume two', description: 'Six tracks by spring', isOpen: false },
  status: 201,
  answer: Project.wire,
  errors: ['conflict'],
  handle: ({ actor, services }, { body }) => services.projects.create(actor, body),
})

const get = defineRoute({
  ...reads,
  method: 'get',
  path: '/api/v1/projects/{id}',
  summary: 'A project',
  access: reader,
  params,
  answer: Project.wire,
  errors: ['not_found'],
  handle: ({ actor, services }, { params }) => services.projects.get(actor, params.id),
})

const update = defineRoute({
  ...writes,
  method: 'patch',
  path: '/api/v1/projects/{id}',
  summary: 'Changes the fields given of a project, by an owner',
  access: moderated,
  params,
  body: ProjectPatch,
  example: { isOpen: true },
  status: 200,
  answer: Project.wire,
  errors: ['not_found', 'forbidden'],
  handle: ({ actor, services }, { params, body }) => services.projects.update(actor, params.id, body),
})

const remove = defineRoute({
  ...writes,
  method: 'delete',
  path: '/api/v1/projects/{id}',
  summary: 'Deletes a project with its board, members and bookings; by an owner, or with the permission to',
  access: { ...ownerRule, permission: { action: 'delete', resource: 'Project' } },
  params,
  status: 204,
  errors: ['not_found', 'forbidden'],
  handle: ({ actor, services }, { params }) => services.projects.remove(actor, params.id),
})

const members = defineRoute({
  ...reads,
  method: 'get',
  path: '/api/v1/projects/{id}/members',
  summary: 'The members of a project, longest in it first',
  access: reader,
  params,
  query: listQuery({}),
  answer: listOf(UserProject.wire),
  errors: ['not_found'],
  handle: ({ actor, services }, { params, query }) => services.projects.members.list(actor, params.id, query),
})

const addMember = defineRoute({
  ...writes,
  method: 'post',
  path: '/api/v1/projects/{id}/members',
  summary: 'Brings somebody into a project, by an owner',
  access: moderated,
  params,
  body: MemberInput,
  example: { userId: '01HYN8FXZ2W6X8K6YTNPEKXYM7', role: 'producer' },
  status: 201,
  answer: UserProject.wire,
  errors: ['not_found', 'forbidden', 'conflict'],
  handle: ({ actor, services }, { params, body }) => services.projects.members.add(actor, params.id, body),
})

const updateMember = defineRoute({
  ...writes,
  method: 'patch',
  path: '/api/v1/projects/{id}/members/{userId}',
  summary: 'Gives a member another role or access, by an owner',
  access: moderated,
  params: memberParams,
  body: MemberPatch,
  example: { role: 'producer', access: 'viewer' },
  status: 200,
  answer: UserProject.wire,
  errors: ['not_found', 'forbidden', 'conflict'],
  handle: ({ actor, services }, { params, body }) =>
    services.projects.members.update(actor, params.id, params.userId, body),
})

const removeMember = defineRoute({
  ...writes,
  method: 'delete',
  path: '/api/v1/projects/{id}/members/{userId}',
  summary: 'Takes a member out of a project, by an owner; or leaves it, oneself',
  access: {
    owner: 'an owner of the project, or the member',
    others: 'not_found',
    permission: { action: 'moderate', resource: 'Project' },
  },
  params: memberParams,
  status: 204,
  errors: ['not_found', 'forbidden', 'conflict'],
  handle: ({ actor, services }, { params }) => services.projects.members.remove(actor, params.id, params.userId),
})

export const projectRoutes = [list, create, get, update, remove, members, addMember, updateMember, removeMember]
