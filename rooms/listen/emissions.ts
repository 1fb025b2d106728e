import { defineEmission } from '../../src/kernel/event.ts'
import { ListenState } from './fields.ts'

export const listenEmissions = [
  defineEmission({
    name: 'listen:state',
    summary: 'What a room listens to, after each change, and to each socket that comes in meanwhile',
    payload: ListenState,
  }),
] as const
