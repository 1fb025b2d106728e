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

const reads = {
  tag,
  auth: 'user',
  scope: 'boards:read',
  access: reader,
  rate: rates.read,
  params,
  status: 200,
} as const
const writes = { tag, auth: 'user', scope: 'boards:write', access: member, rate: rates.write, params } as const

const get = defineRoute({
  ...reads,
  method: 'get',
  path: board,
  summary: 'The board of a project, with its texts as plain text',
  answer: BoardPicture.extend({ access: z.enum(['write', 'read']).describe('What the bearer may do with it') }),
  errors: ['not_found'],
  handle: ({ actor, services }, { params }) => services.projectBoards.get(actor, params.id),
})

const operate = defineRoute({
  ...writes,
  method: 'post',
  path: `${board}/operations`,
  summary: 'Does operations on the board, all or none; those who have it open see them at once',
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
  ...reads,
  method: 'get',
  path: `${board}/export`,
  summary: 'The board as a file',
  query: z.object({ format: z.enum(['json', 'markdown']).default('json') }),
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
  ...reads,
  method: 'get',
  path: `${board}/activity`,
  summary: 'Who added, moved, finished, renamed and removed what, newest first',
  query: listQuery({}),
  answer: listOf(BoardActivity.wire),
  errors: ['not_found'],
  handle: ({ actor, services }, { params, query }) => services.projectBoards.activity(actor, params.id, query),
})

const versions = defineRoute({
  ...reads,
  method: 'get',
  path: `${board}/versions`,
  summary: 'The versions of the board that were kept, newest first',
  query: listQuery({}),
  answer: listOf(BoardVersion.wire),
  errors: ['not_found'],
  handle: ({ actor, services }, { params, query }) => services.projectBoards.versions.list(actor, params.id, query),
})

const keepVersion = defineRoute({
  ...writes,
  method: 'post',
  path: `${board}/versions`,
  summary: 'Keeps what the board holds now under a name',
  body: z.object({ name: f.name(200) }),
  example: { name: 'Before the mixdown' },
  status: 201,
  answer: BoardVersion.wire,
  errors: ['not_found', 'forbidden', 'conflict'],
  handle: ({ actor, services }, { params, body }) =>
    services.projectBoards.versions.create(actor, params.id, body.name),
})

const version = defineRoute({
  ...reads,
  method: 'get',
  path: `${board}/versions/{versionId}`,
  summary: 'A version with what it holds',
  params: versionParams,
  answer: z.intersection(BoardVersion.wire, z.looseObject({ content: BoardContent })),
  errors: ['not_found'],
  handle: ({ actor, services }, { params }) => services.projectBoards.versions.get(actor, params.id, params.versionId),
})

const restoreVersion = defineRoute({
  ...writes,
  method: 'post',
  path: `${board}/versions/{versionId}/restore`,
  summary: 'Makes the board hold again what a version does, and answers with the version of what it held before',
  params: versionParams,
  status: 200,
  answer: BoardVersion.wire,
  errors: ['not_found', 'forbidden', 'too_large'],
  handle: ({ actor, services }, { params }) =>
    services.projectBoards.versions.restore(actor, params.id, params.versionId),
})

const removeVersion = defineRoute({
  ...writes,
  method: 'delete',
  path: `${board}/versions/{versionId}`,
  summary: 'Deletes a version, by who made it or an owner of the project',
  params: versionParams,
  status: 204,
  errors: ['not_found', 'forbidden'],
  handle: ({ actor, services }, { params }) =>
    services.projectBoards.versions.remove(actor, params.id, params.versionId),
})

const comments = defineRoute({
  ...reads,
  method: 'get',
  path: `${board}/cards/{cardId}/comments`,
  summary: 'What was said of a card, newest first',
  params: cardParams,
  query: listQuery({}),
  answer: listOf(Comment.wire),
  errors: ['not_found'],
  handle: ({ actor, services }, { params, query }) =>
    services.projectBoards.comments.list(actor, params.id, params.cardId, query),
})

const comment = defineRoute({
  ...writes,
  method: 'post',
  path: `${board}/cards/{cardId}/comments`,
  summary: 'Says something of a card; who made it and who are to do it are told',
  access: reader,
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
