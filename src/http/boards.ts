import { z } from 'zod'
import { BoardActivity } from '../../models/BoardActivity.ts'
import { BoardVersion } from '../../models/BoardVersion.ts'
import { Comment } from '../../models/Comment.ts'
import { Operated, Operations } from '../boards/content/operations.ts'
import { BoardContent, BoardPicture } from '../boards/content/picture.ts'
import { f } from '../kernel/fields.ts'
import { rates } from '../kernel/rate.ts'
import { defineRoute } from './define.ts'
import { listOf, listQuery } from './lists.ts'

const tag = 'Boards'
const board = '/api/v1/projects/{id}/board'
const params = z.object({ id: f.ref('Project') })
const versionParams = z.object({ id: f.ref('Project'), versionId: f.ref('BoardVersion') })
const cardParams = z.object({ id: f.ref('Project'), cardId: f.text(1, 200) })
const member = { owner: 'who is in the project, viewers excepted', others: 'not_found' } as const
const reader = {
  owner: 'who sees the project',
  others: 'not_found',
  permission: { action: 'read', resource: 'Project' },
} as const

const get = defineRoute({
  method: 'get',
  path: board,
  tag,
  summary: 'The board of a project, with its texts as plain text',
  auth: 'user',
  scope: 'boards:read',
  access: reader,
  rate: rates.read,
  params,
  status: 200,
  answer: BoardPicture.extend({ access: z.enum(['write', 'read']).describe('What the bearer may do with it') }),
  errors: ['not_found'],
  handle: ({ actor, services }, { params }) => services.projectBoards.get(actor, params.id),
})

const operate = defineRoute({
  method: 'post',
  path: `${board}/operations`,
  tag,
  summary: 'Does operations on the board, all or none; those who have it open see them at once',
  auth: 'user',
  scope: 'boards:write',
  access: member,
  rate: rates.write,
  params,
  body: z.object({ operations: Operations }),
  example: {
    operations: [
      { op: 'card.add', cardId: 'record-bass', columnId: 'todo', title: 'Record the bass', labels: ['bass'] },
      { op: 'card.move', cardId: 'record-bass', columnId: 'doing', index: 0 },
    ],
  },
  status: 200,
  answer: Operated,
  errors: ['not_found', 'forbidden', 'conflict', 'too_large'],
  handle: ({ actor, services }, { params, body }) => services.projectBoards.operate(actor, params.id, body.operations),
})

const exported = defineRoute({
  method: 'get',
  path: `${board}/export`,
  tag,
  summary: 'The board as a file',
  auth: 'user',
  scope: 'boards:read',
  access: reader,
  rate: rates.read,
  params,
  query: z.object({ format: z.enum(['json', 'markdown']).default('json') }),
  status: 200,
  raw: {
    answers: {
      200: {
        description: 'The file',
        types: ['application/json', 'text/markdown'],
        headers: { 'Content-Disposition': 'How the file is called' },
      },
    },
  },
  errors: ['not_found'],
  async handle({ actor, services }, { params, query }) {
    const { text, type, fileName } = await services.projectBoards.exported(actor, params.id, query.format)
    return new Response(text, {
      headers: {
        'Content-Type': type,
        'Content-Disposition': `attachment; filename="${fileName}"`,
        'Cache-Control': 'no-store',
      },
    })
  },
})

const activity = defineRoute({
  method: 'get',
  path: `${board}/activity`,
  tag,
  summary: 'Who added, moved, finished, renamed and removed what, newest first',
  auth: 'user',
  scope: 'boards:read',
  access: reader,
  rate: rates.read,
  params,
  query: listQuery({}),
  status: 200,
  answer: listOf(BoardActivity.wire),
  errors: ['not_found'],
  handle: ({ actor, services }, { params, query }) => services.projectBoards.activity(actor, params.id, query),
})

const versions = defineRoute({
  method: 'get',
  path: `${board}/versions`,
  tag,
  summary: 'The versions of the board that were kept, newest first',
  auth: 'user',
  scope: 'boards:read',
  access: reader,
  rate: rates.read,
  params,
  query: listQuery({}),
  status: 200,
  answer: listOf(BoardVersion.wire),
  errors: ['not_found'],
  handle: ({ actor, services }, { params, query }) => services.projectBoards.versions.list(actor, params.id, query),
})

const keepVersion = defineRoute({
  method: 'post',
  path: `${board}/versions`,
  tag,
  summary: 'Keeps what the board holds now under a name',
  auth: 'user',
  scope: 'boards:write',
  access: member,
  rate: rates.write,
  params,
  body: z.object({ name: f.name(200) }),
  example: { name: 'Before the mixdown' },
  status: 201,
  answer: BoardVersion.wire,
  errors: ['not_found', 'forbidden', 'conflict'],
  handle: ({ actor, services }, { params, body }) =>
    services.projectBoards.versions.create(actor, params.id, body.name),
})

const version = defineRoute({
  method: 'get',
  path: `${board}/versions/{versionId}`,
  tag,
  summary: 'A version with what it holds',
  auth: 'user',
  scope: 'boards:read',
  access: reader,
  rate: rates.read,
  params: versionParams,
  status: 200,
  answer: z.intersection(BoardVersion.wire, z.looseObject({ content: BoardContent })),
  errors: ['not_found'],
  handle: ({ actor, services }, { params }) => services.projectBoards.versions.get(actor, params.id, params.versionId),
})

const restoreVersion = defineRoute({
  method: 'post',
  path: `${board}/versions/{versionId}/restore`,
  tag,
  summary: 'Makes the board hold again what a version does, and answers with the version of what it held before',
  auth: 'user',
  scope: 'boards:write',
  access: member,
  rate: rates.write,
  params: versionParams,
  status: 200,
  answer: BoardVersion.wire,
  errors: ['not_found', 'forbidden', 'too_large'],
  handle: ({ actor, services }, { params }) =>
    services.projectBoards.versions.restore(actor, params.id, params.versionId),
})

const removeVersion = defineRoute({
  method: 'delete',
  path: `${board}/versions/{versionId}`,
  tag,
  summary: 'Deletes a version, by who made it or an owner of the project',
  auth: 'user',
  scope: 'boards:write',
  access: member,
  rate: rates.write,
  params: versionParams,
  status: 204,
  errors: ['not_found', 'forbidden'],
  handle: ({ actor, services }, { params }) =>
    services.projectBoards.versions.remove(actor, params.id, params.versionId),
})

const comments = defineRoute({
  method: 'get',
  path: `${board}/cards/{cardId}/comments`,
  tag,
  summary: 'What was said of a card, newest first',
  auth: 'user',
  scope: 'boards:read',
  access: reader,
  rate: rates.read,
  params: cardParams,
  query: listQuery({}),
  status: 200,
  answer: listOf(Comment.wire),
  errors: ['not_found'],
  handle: ({ actor, services }, { params, query }) =>
    services.projectBoards.comments.list(actor, params.id, params.cardId, query),
})

const comment = defineRoute({
  method: 'post',
  path: `${board}/cards/{cardId}/comments`,
  tag,
  summary: 'Says something of a card; who made it and who are to do it are told',
  auth: 'user',
  scope: 'boards:write',
  access: reader,
  rate: rates.write,
  params: cardParams,
  body: z.object({ content: f.text(1, 5_000) }),
  example: { content: 'The second take is the one' },
  status: 201,
  answer: Comment.wire,
  errors: ['not_found', 'forbidden'],
  handle: ({ actor, services }, { params, body }) =>
    services.projectBoards.comments.create(actor, params.id, params.cardId, body.content),
})

export const boardRoutes = [
  get,
  operate,
  exported,
  activity,
  versions,
  keepVersion,
  version,
  restoreVersion,
  removeVersion,
  comments,
  comment,
]
