import type { JobDef } from '../kernel/job.ts'
import type { Services } from '../services/index.ts'
import { closeAccount, endDeletion } from './deletion.ts'
import { mailNotification, tellBurst } from './notifications.ts'

/** All stored jobs. */
export const jobs: JobDef<any, Services>[] = [tellBurst, mailNotification, endDeletion, closeAccount]
import { removeBoard } from './boards.ts'
import { mailNotification, tellBurst } from './notifications.ts'

/** All stored jobs. */
export const jobs: JobDef<any, Services>[] = [tellBurst, mailNotification, removeBoard]
