import type { AudioFileDoc } from '../../models/AudioFile.ts'

/** Who is looking; null stands for somebody without an account. */
export type Viewer = { userId: string } | null

/** Whether somebody who has its id or address may see and hear a recording: drafts and private ones are the owner's. */
export const seeAudio = (viewer: Viewer, file: Pick<AudioFileDoc, 'userId' | 'visibility'>): boolean =>
  file.visibility === 'public' || file.visibility === 'unlisted' || viewer?.userId === file.userId

/** Whether lists and searches show it to somebody: unlisted ones are there by their address alone. */
export const findAudio = (viewer: Viewer, file: Pick<AudioFileDoc, 'userId' | 'visibility'>): boolean =>
  file.visibility === 'public' || viewer?.userId === file.userId
