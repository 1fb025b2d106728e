import { api } from '../api.ts'
import { confirmation } from '../confirm.svelte.ts'
import { t } from '../i18n/i18n.svelte.ts'
import type { AudioFile } from '../sound/types.ts'
import { listening } from './listening.svelte.ts'
import { tracks } from './tracks.svelte.ts'

/**
 * Starts a recording for a room. One that the others may not hear is made unlisted before, where its owner wants that;
 * resolves with false where not.
 */
export async function startFor(roomId: string, track: AudioFile): Promise<boolean> {
  const isHidden = track.visibility === 'private' || track.visibility === 'draft'
  if (isHidden) {
    const { share, shareHint, shareDo } = t().listen
    if (!(await confirmation.ask({ title: share(track.title), text: shareHint, action: shareDo }))) return false
    tracks.keep(await api<AudioFile>('PATCH', `/audio-files/${track.id}`, { visibility: 'unlisted' }))
  } else tracks.keep(track)
  await listening.start(roomId, track.id)
  return true
}
