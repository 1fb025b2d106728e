import { hearing, refreshing } from '../services/matching/matching.ts'
import { defineJob } from './define.ts'

export const refreshMatches = defineJob<{ userId: string }>({
  ...refreshing,
  summary: 'Makes a user’s matches anew after a change',
  leaseMs: 30_000,
  maxAttempts: 6,
  atOnce: 2,
  async run(services, { userId }) {
    await services.matching.refresh(userId)
  },
})

export const hearRecording = defineJob<{ audioFileId: string }>({
  ...hearing,
  summary: 'Takes what is known of a recording into search and matching',
  leaseMs: 30_000,
  maxAttempts: 6,
  atOnce: 2,
  run: (services, { audioFileId }) => services.matching.hear(audioFileId),
})
