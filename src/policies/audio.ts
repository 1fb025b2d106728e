import type { AudioFileDoc } from '../../models/AudioFile.ts'
import { type Actor, permits } from '../kernel/actor.ts'

/** Who is looking; null stands for somebody without an account. */
export type Viewer = (Pick<Actor, 'userId'> & Partial<Actor>) | null

/** Whether a viewer's roles permit to see all things of a kind, private ones too. */
export const seesAll = (viewer: Viewer, resource: string): boolean =>
  viewer !== null && permits(viewer as Actor, { action: 'read', resource })

/**
 * Whether somebody who has its id or address may see and hear a recording: drafts and private ones are for the owner,
 * and for those who may see all.
 */
export const seeAudio = (viewer: Viewer, file: Pick<AudioFileDoc, 'userId' | 'visibility'>): boolean =>
  file.visibility === 'public' ||
  file.visibility === 'unlisted' ||
  viewer?.userId === file.userId ||
  seesAll(viewer, 'AudioFile')
