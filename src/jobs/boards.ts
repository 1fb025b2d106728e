import { removing } from '../services/boards/boards.ts'
import { defineJob } from './define.ts'

export const removeBoard = defineJob<{ projectId: string }>({
  ...removing,
  summary: 'Deletes the board of a project that is gone',
  leaseMs: 60_000,
  maxAttempts: 10,
  retryMs: 10_000,
  run: (services, { projectId }) => services.projectBoards.removeRemains(projectId),
})
