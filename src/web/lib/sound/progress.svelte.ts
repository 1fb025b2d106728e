import { SvelteMap } from 'svelte/reactivity'
import { session } from '../session.svelte.ts'

export interface Progress {
  state: 'running' | 'done' | 'failed'
  /** 0 to 100. */
  percent: number
  stage: string
  reason?: string
}

const most = 200

/** How far the analyses of one's recordings are, as the server tells. */
export const progress = new SvelteMap<string, Progress>()

function keep(id: string, value: Progress): void {
  if (!progress.has(id) && progress.size >= most) progress.delete(progress.keys().next().value!)
  progress.set(id, value)
}

session.with((client) => {
  const ends = [
    client.on('analysis:progress', ({ audioFileId, stage, percent }) =>
      keep(audioFileId, { state: 'running', stage, percent }),
    ),
    client.on('analysis:done', ({ audioFileId }) => keep(audioFileId, { state: 'done', stage: 'done', percent: 100 })),
    client.on('analysis:failed', ({ audioFileId, reason }) =>
      keep(audioFileId, { state: 'failed', stage: 'failed', percent: 0, reason }),
    ),
  ]
  return () => {
    for (const end of ends) end()
    progress.clear()
  }
})
