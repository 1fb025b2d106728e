import { readProblem } from '../../../client/session.ts'
import { session } from '../session.svelte.ts'

/** How long the address of a file made here is held, in milliseconds: the browser reads it at once. */
const heldMs = 10_000

/** Saves a board as a file. It is fetched as this user: a plain link would come without the token. */
export async function exportBoard(projectId: string, format: 'json' | 'markdown'): Promise<void> {
  const answer = await session.fetch(`/api/v1/projects/${projectId}/board/export?format=${format}`)
  if (!answer.ok) throw await readProblem(answer)
  const name = /filename="([^"]+)"/.exec(answer.headers.get('content-disposition') ?? '')?.[1]
  const url = URL.createObjectURL(await answer.blob())
  const link = document.createElement('a')
  link.href = url
  link.download = name ?? `board.${format === 'json' ? 'json' : 'md'}`
  link.click()
  setTimeout(() => URL.revokeObjectURL(url), heldMs)
}
