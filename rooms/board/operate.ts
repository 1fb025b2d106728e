import { z } from 'zod'
import { Operated, Operations } from '../../src/boards/content/operations.ts'
import { f } from '../../src/kernel/fields.ts'
import { rates } from '../../src/kernel/rate.ts'
import { defineEvent } from '../define.ts'

export const operate = defineEvent({
  name: 'board:operate',
  summary: 'Does operations on a project’s board, all or none',
  scope: 'boards:write',
  rate: rates.write,
  payload: z.object({ projectId: f.ref('Project'), operations: Operations }),
  ack: Operated,
  handle: ({ actor, services }, { projectId, operations }) =>
    services.projectBoards.operate(actor, projectId, operations),
})
