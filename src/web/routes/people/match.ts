import type { Profile } from '../../../client/session.ts'

export interface Match {
  id: string
  userA: string
  userB: string
  score: number
  createdAt: string
  /** Why they match, where the server says so. */
  reasons?: unknown
}

export interface Tag {
  id: string
  name: string
}

/** Reasons that are shown of a match. */
const mostReasons = 4

/** Why two match, as sentences of the server. */
export const reasonsOf = ({ reasons }: Match): string[] =>
  (Array.isArray(reasons) ? reasons : [])
    .filter((each) => typeof each === 'string' && each !== '')
    .slice(0, mostReasons)

const names = { soundcloud: 'SoundCloud', instagram: 'Instagram', twitter: 'X' }

/** The links of a profile that lead to the web; any other kind of address is left out. */
export function linksOf(profile: Profile): { label: string; href: string }[] {
  const links = (profile['socialLinks'] ?? {}) as Record<string, unknown>
  return Object.entries(names).flatMap(([key, label]) => {
    const href = links[key]
    return typeof href === 'string' && /^https?:\/\//i.test(href) ? [{ label, href }] : []
  })
}
