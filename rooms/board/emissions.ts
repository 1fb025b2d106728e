import { z } from 'zod'
import { defineEmission } from '../../src/kernel/event.ts'
import { f } from '../../src/kernel/fields.ts'

const ids = z.array(z.string())

export const boardEmissions = [
  defineEmission({
    name: 'board:changed',
    summary: 'Cards, notes or columns of a project that one is in were added, changed or removed; a few times a second',
    payload: z.object({
      projectId: f.ref('Project'),
      cardIds: ids,
      noteIds: ids,
      columnIds: ids,
      by: f.ref('User').nullable().describe('null: the server did'),
    }),
  }),
] as const
