import { defineEmission } from '../../src/kernel/event.ts'
import { PresenceState } from './fields.ts'

export const presenceEmissions = [
  defineEmission({
    name: 'presence',
    summary: 'A watched user is seen otherwise than before, over all their devices',
    payload: PresenceState,
  }),
] as const
