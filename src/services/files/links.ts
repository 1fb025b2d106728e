import { createHmac, timingSafeEqual } from 'node:crypto'

/** Life of a signed link, in seconds: enough for a long recording to be heard in one go. */
const linkSeconds = 3600

export interface SignedQuery {
  expires: number
  session: string
  signature: string
}

/** Links to one file for the holder of one session: what an `<audio>` element, which sends no token, can open. */
export function createLinks(secrets: string[]) {
  const sign = (secret: string, fileId: string, sessionId: string, expires: number) =>
    createHmac('sha256', secret).update(`audio link\n${fileId}\n${sessionId}\n${expires}`).digest()

  return {
    sign(fileId: string, sessionId: string): SignedQuery {
      const expires = Math.floor(Date.now() / 1000) + linkSeconds
      const signature = sign(secrets[0]!, fileId, sessionId, expires).toString('base64url')
      return { expires, session: sessionId, signature }
    },
    /** Whether we signed it for this file and it has not expired; whether the session lives is for others to say. */
    verify(fileId: string, { expires, session, signature }: SignedQuery): boolean {
      if (expires * 1000 < Date.now()) return false
      const given = Buffer.from(signature, 'base64url')
      return secrets.some((secret) => {
        const right = sign(secret, fileId, session, expires)
        return right.length === given.length && timingSafeEqual(right, given)
      })
    },
  }
}

export type Links = ReturnType<typeof createLinks>
