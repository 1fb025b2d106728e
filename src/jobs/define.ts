import { jobDefiner } from '../kernel/job.ts'
import type { Services } from '../services/index.ts'

/** Declares a stored job; see `JobDef`. */
export const defineJob = jobDefiner<Services>()
