import { Match, type MatchDoc, type MatchWire } from '../../../models/Match.ts'
import type { ProfileWire } from '../../../models/Profile.ts'
import type { Database } from '../../infra/mongo.ts'
import type { Actor } from '../../kernel/actor.ts'
import { decodeCursor, type Page, type PageRequest, pageOf } from '../../kernel/page.ts'
import { blockedEitherWay, personsAmong } from '../shared/persons.ts'
import { profilesOf } from '../shared/profiles.ts'
import { tellReasons } from '../shared/reasons.ts'

/** Who may suit whom. */
export function createMatches({ database }: { database: Database }) {
  const matches = database.collection(Match)
  const other = (match: MatchDoc, userId: string) => (match.userA === userId ? match.userB : match.userA)

  const present = (match: MatchDoc, userId: string) =>
    Match.toWire({
      ...match,
      ...(match.grounds && { reasons: tellReasons(match.grounds, match.userA === userId ? 'first' : 'second') }),
    })

  return {
    /**
     * One's matches, best first, each with why, without those who block one, are blocked or
     * are gone, for whom a page may be shorter; with
     * `expand` the others' profiles.
     */
    async list(
      actor: Actor,
      { limit, cursor, expand }: PageRequest & { expand?: boolean | undefined },
    ): Promise<Page<MatchWire> & { profiles?: ProfileWire[] }> {
      const { userId } = actor
      const last = decodeCursor(cursor, ['number', 'string'])
      const after = last ? { $or: [{ score: { $lt: last[0] } }, { score: last[0], _id: { $lt: last[1] } }] } : {}
      const side = (key: 'userA' | 'userB') =>
        matches
          .find({ [key]: userId, ...after } as never)
          .sort({ score: -1, _id: -1 })
          .limit(limit + 1)
          .toArray()
      // Each side is in its index's order already.
      const [a, b] = (await Promise.all([side('userA'), side('userB')])) as unknown as [MatchDoc[], MatchDoc[]]
      const found = [...a, ...b].sort((x, y) => y.score - x.score || (x._id < y._id ? 1 : -1)).slice(0, limit + 1)
      const others = found.map((match) => other(match, userId))
      const [apart, persons] = await Promise.all([
        blockedEitherWay(database, userId, others),
        personsAmong(database, others),
      ])
      const { items, nextCursor } = pageOf(
        found,
        limit,
        ({ score, _id }) => [score, _id],
        (match) => match,
      )
      const shown = items.filter((match) => !apart.has(other(match, userId)) && persons.has(other(match, userId)))
      const page = { items: shown.map((match) => present(match, userId)), nextCursor }
      if (!expand) return page
      return {
        ...page,
        profiles: await profilesOf(
          database,
          shown.map((match) => other(match, userId)),
        ),
      }
    },
  }
}

export type Matches = ReturnType<typeof createMatches>
