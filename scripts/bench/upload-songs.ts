/** Uploads one file as many times as there are tokens, all at once; for beside.ts. */
import { openAsBlob } from 'node:fs'

process.once('message', async ({ url, tokens, path }: { url: string; tokens: string[]; path: string }) => {
  try {
    const file = await openAsBlob(path)
    await Promise.all(
      tokens.map(async (token, n) => {
        const form = new FormData()
        form.set('title', `Song ${n}`)
        form.set('file', file, 'song.wav')
        const headers = { Authorization: `Bearer ${token}` }
        const answer = await fetch(`${url}/api/v1/audio-files`, { method: 'POST', headers, body: form })
        if (!answer.ok) throw new Error(`${answer.status}: ${await answer.text()}`)
      }),
    )
    process.exit(0)
  } catch (error) {
    console.error(error)
    process.exit(1)
  }
})
