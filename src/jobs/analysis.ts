import { analysesAtOnce, analysing } from '../services/analysis/analyser.ts'
import { defineJob } from './define.ts'

export const runAnalysis = defineJob<{ userId: string }>({
  ...analysing,
  summary: 'Analyses the next recording of a user; then it is the next user’s turn',
  // How long the recordings of a user wait whose process was killed.
  leaseMs: 9_000,
  // Attempts are counted for each recording.
  maxAttempts: Number.MAX_SAFE_INTEGER,
  atOnce: analysesAtOnce,
  async run(services, { userId }, { signal, again }) {
    if (await services.analyser.run(userId, signal)) again()
  },
})
