import { z } from 'zod'
import { rates } from '../../src/kernel/rate.ts'
import { defineEvent } from '../define.ts'

const ms = z.number().describe('Milliseconds since the epoch')

export const syncTime = defineEvent({
  name: 'time:sync',
  summary: 'The server’s time, to reckon by how much one’s own clock is off: ((t1 - t0) + (t2 - t3)) / 2',
  scope: 'any',
  rate: rates.signal,
  payload: z.object({ t0: z.number().describe('The asker’s time; comes back as it is') }),
  ack: z.object({ t0: z.number(), t1: ms.describe('When it was asked'), t2: ms.describe('When it was answered') }),
  handle: ({ services }, { t0 }) => services.listening.time(t0),
})
