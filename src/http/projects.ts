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

const list = defineRoute({
  method: 'get',
  path: '/api/v1/projects',
  tag,
  summary: 'Projects that one may see, newest first: without `open`, `ownerId` or `memberId` those that one is in',
  auth: 'user',
  scope: 'boards:read',
  rate: rates.read,
  query: listQuery({
    open: z
      .stringbool({ truthy: ['true'], falsy: ['false'] })
      .optional()
      .describe('Only open projects, of whomever, or only closed ones'),
    q: f.text(1, 200).optional().describe('Words of the title or description'),
    ownerId: f.ref('User').optional(),
    memberId: f.ref('User').optional(),
  }),
  status: 200,
  answer: listOf(Project.wire),
  handle: ({ actor, services }, { query }) => services.projects.list(actor, query, query),
})

const create = defineRoute({
  method: 'post',
  path: '/api/v1/projects',
  tag,
  summary: 'Makes a project, with its maker as owner',
  auth: 'user',
  scope: 'boards:write',
  rate: rates.write,
  body: ProjectInput,
  example: { title: 'Dub sessions, volume two', description: 'Six tracks by spring', isOpen: false },
  status: 201,
  answer: Project.wire,
  errors: ['conflict'],
  handle: ({ actor, services }, { body }) => services.projects.create(actor, body),
})

const get = defineRoute({
  method: 'get',
  path: '/api/v1/projects/{id}',
  tag,
  summary: 'A project',
  auth: 'user',
  scope: 'boards:read',
  access: {
    owner: 'who is in the project, or anybody where it is open',
    others: 'not_found',
    permission: { action: 'read', resource: 'Project' },
  },
  rate: rates.read,
  params,
  status: 200,
  answer: Project.wire,
  errors: ['not_found'],
  handle: ({ actor, services }, { params }) => services.projects.get(actor, params.id),
})

const update = defineRoute({
  method: 'patch',
  path: '/api/v1/projects/{id}',
  tag,
  summary: 'Changes the fields given of a project, by an owner',
  auth: 'user',
  scope: 'boards:write',
  access: { ...ownerRule, permission: { action: 'moderate', resource: 'Project' } },
  rate: rates.write,
  params,
  body: ProjectPatch,
  example: { isOpen: true },
  status: 200,
  answer: Project.wire,
  errors: ['not_found', 'forbidden'],
  handle: ({ actor, services }, { params, body }) => services.projects.update(actor, params.id, body),
})

const remove = defineRoute({
  method: 'delete',
  path: '/api/v1/projects/{id}',
  tag,
  summary: 'Deletes a project with its board, members and bookings; by an owner, or with the permission to',
  auth: 'user',
  scope: 'boards:write',
  access: { ...ownerRule, permission: { action: 'delete', resource: 'Project' } },
  rate: rates.write,
  params,
  status: 204,
  errors: ['not_found', 'forbidden'],
  handle: ({ actor, services }, { params }) => services.projects.remove(actor, params.id),
})

const members = defineRoute({
  method: 'get',
  path: '/api/v1/projects/{id}/members',
  tag,
  summary: 'The members of a project, longest in it first',
  auth: 'user',
  scope: 'boards:read',
  access: {
    owner: 'who is in the project, or anybody where it is open',
    others: 'not_found',
    permission: { action: 'read', resource: 'Project' },
  },
  rate: rates.read,
  params,
  query: listQuery({}),
  status: 200,
  answer: listOf(UserProject.wire),
  errors: ['not_found'],
  handle: ({ actor, services }, { params, query }) => services.projects.members.list(actor, params.id, query),
})

const addMember = defineRoute({
  method: 'post',
  path: '/api/v1/projects/{id}/members',
  tag,
  summary: 'Brings somebody into a project, by an owner',
  auth: 'user',
  scope: 'boards:write',
  access: { ...ownerRule, permission: { action: 'moderate', resource: 'Project' } },
  rate: rates.write,
  params,
  body: MemberInput,
  example: { userId: '01HYN8FXZ2W6X8K6YTNPEKXYM7', role: 'producer' },
  status: 201,
  answer: UserProject.wire,
  errors: ['not_found', 'forbidden', 'conflict'],
  handle: ({ actor, services }, { params, body }) => services.projects.members.add(actor, params.id, body),
})

const updateMember = defineRoute({
  method: 'patch',
  path: '/api/v1/projects/{id}/members/{userId}',
  tag,
  summary: 'Gives a member another role or access, by an owner',
  auth: 'user',
  scope: 'boards:write',
  access: { ...ownerRule, permission: { action: 'moderate', resource: 'Project' } },
  rate: rates.write,
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
  method: 'delete',
  path: '/api/v1/projects/{id}/members/{userId}',
  tag,
  summary: 'Takes a member out of a project, by an owner; or leaves it, oneself',
  auth: 'user',
  scope: 'boards:write',
  access: {
    owner: 'an owner of the project, or the member',
    others: 'not_found',
    permission: { action: 'moderate', resource: 'Project' },
  },
  rate: rates.write,
  params: memberParams,
  status: 204,
  errors: ['not_found', 'forbidden', 'conflict'],
  handle: ({ actor, services }, { params }) => services.projects.members.remove(actor, params.id, params.userId),
})

export const projectRoutes = [list, create, get, update, remove, members, addMember, updateMember, removeMember]
