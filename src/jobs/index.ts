import type { JobDef } from '../kernel/job.ts'
import type { Services } from '../services/index.ts'
import { runAnalysis } from './analysis.ts'
import { removeBoard } from './boards.ts'
import { closeAccount, endDeletion } from './deletion.ts'
import { hearRecording, refreshMatches } from './matching.ts'
import { mailDigest, mailNotification, pushNotification, tellBurst } from './notifications.ts'

/** All stored jobs. */
export const jobs: JobDef<any, Services>[] = [
  tellBurst,
  mailNotification,
  mailDigest,
  pushNotification,
  endDeletion,
  closeAccount,
  removeBoard,
  runAnalysis,
  refreshMatches,
  hearRecording,
]
