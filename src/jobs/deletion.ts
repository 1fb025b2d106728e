import { type ClosingPayload, closing } from '../services/accounts/closing.ts'
import { type DeletionPayload, deleting } from '../services/deletion.ts'
import { defineJob } from './define.ts'

export const endDeletion = defineJob<DeletionPayload>({
  ...deleting,
  summary: 'Deletes what a deleted thing left behind, where the request could not',
  leaseMs: 60_000,
  maxAttempts: 20,
  retryMs: 5_000,
  run: (services, payload, { signal }) => services.deletion.run(payload, signal),
})

export const closeAccount = defineJob<ClosingPayload>({
  ...closing,
  summary: 'Takes a closed account out of its rooms and deletes what was its own',
  leaseMs: 60_000,
  maxAttempts: 20,
  retryMs: 5_000,
  run: (services, payload, { signal }) => services.closing.run(payload, signal),
})
