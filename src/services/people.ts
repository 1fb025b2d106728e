import { Block } from '../../models/Block.ts'
import { Profile } from '../../models/Profile.ts'
import { User } from '../../models/User.ts'
import { UserFollow } from '../../models/UserFollow.ts'
import type { Database } from '../infra/mongo.ts'
import { invalid, notFound } from '../kernel/errors.ts'
import { newId } from '../kernel/ids.ts'
import { decodeCursor, type Page, type PageRequest, pageOf } from '../kernel/page.ts'
import type { Bus } from '../kernel/ports.ts'

/** How many words a display name in a mention is looked for in. */
const maxWords = 6
const maxMentions = 50

/** Who there is, by which name, and who does not want to hear from whom. */
export function createPeople({ database, bus }: { database: Database; bus: Bus }) {
  const users = database.collection(User)
  const profiles = database.collection(Profile)
  const blocks = database.collection(Block)

  return {
    /** Which of the ids are users who can be written to. */
    async existing(ids: string[]): Promise<Set<string>> {
      const found = await users.find({ _id: { $in: ids }, bannedAt: null }, { projection: { _id: 1 } }).toArray()
      return new Set(found.map((user) => user._id))
    },
    /**
     * The users among `candidates` whom a text mentions as `@displayName`, in any case. Where several names fit, the
     * longest counts; several people of one name are all meant.
     */
    async mentioned(text: string, isCandidate: (userId: string) => boolean): Promise<string[]> {
      const spans = mentionSpans(text)
      if (spans.length === 0) return []
      const keys = [...new Set(spans.flat())]
      const found = await profiles
        .find({ nameKey: { $in: keys } }, { projection: { userId: 1, nameKey: 1 } })
        .limit(1_000)
        .toArray()
      const byKey = new Map<string, string[]>()
      for (const profile of found) {
        if (!isCandidate(profile.userId)) continue
        byKey.set(profile.nameKey, [...(byKey.get(profile.nameKey) ?? []), profile.userId])
      }
      const mentioned = new Set<string>()
      for (const span of spans) {
        const longest = span.find((key) => byKey.has(key))
        for (const userId of longest ? byKey.get(longest)! : []) mentioned.add(userId)
      }
      return [...mentioned].slice(0, maxMentions)
    },
    /** Whether `userId` has blocked `otherId`. */
    async hasBlocked(userId: string, otherId: string): Promise<boolean> {
      return (await blocks.findOne({ userId, blockedId: otherId }, { projection: { _id: 1 } })) !== null
    },
    /** Who of `userIds` has blocked `otherId`. */
    async blockersOf(otherId: string, userIds: string[]): Promise<Set<string>> {
      const found = await blocks.find({ blockedId: otherId, userId: { $in: userIds } }).toArray()
      return new Set(found.map((block) => block.userId))
    },
    /** Blocks a user for another, once. Throws `not_found` where there is no such user, `invalid` for oneself. */
    async block(userId: string, blockedId: string): Promise<void> {
      if (userId === blockedId) throw invalid('Nobody can block themself', 'userId')
      if (!(await users.findOne({ _id: blockedId }, { projection: { _id: 1 } }))) throw notFound('user')
      await blocks.updateOne(
        { userId, blockedId },
        { $setOnInsert: { _id: newId(), createdAt: new Date() } },
        { upsert: true },
      )
      // Whoever is blocked gets no more news of the user.
      await database.collection(UserFollow).deleteOne({ followerId: blockedId, followeeId: userId })
      bus.announce('block', `${userId} ${blockedId}`)
    },
    async unblock(userId: string, blockedId: string): Promise<void> {
      await blocks.deleteOne({ userId, blockedId })
      bus.announce('block', `${userId} ${blockedId}`)
    },
    /** A page of whom a user blocks, by user id. */
    async blocked(
      userId: string,
      { limit, cursor }: PageRequest,
    ): Promise<Page<{ userId: string; createdAt: string }>> {
      const [after] = decodeCursor(cursor, ['string']) ?? []
      const found = await blocks
        .find({ userId, ...(after !== undefined && { blockedId: { $gt: after } }) })
        .sort({ blockedId: 1 })
        .limit(limit + 1)
        .toArray()
      return pageOf(
        found,
        limit,
        ({ blockedId }) => [blockedId],
        ({ blockedId, createdAt }) => ({ userId: blockedId, createdAt: createdAt.toISOString() }),
      )
    },
  }
}

export type People = ReturnType<typeof createPeople>

/** For each `@` in a text, the names that could begin there, longest first, as profiles' keys. */
function mentionSpans(text: string): string[][] {
  const spans: string[][] = []
  for (const match of text.matchAll(/(?<![\p{L}\p{N}_@])@(?=\S)/gu)) {
    const rest = text.slice(match.index + 1, match.index + 200).toLowerCase()
    const names = new Set<string>()
    let end = 0
    for (let words = 0; words < maxWords; words++) {
      const word = /^[^\S\r\n]?\S+/.exec(rest.slice(end))
      if (!word) break
      end += word[0].length
      const name = rest.slice(0, end)
      names.add(name)
      // "@Jane, look" and "(@Jane)" mean Jane; "@Jane D." may be a name with a dot.
      names.add(name.replace(/[\p{P}\p{S}]+$/u, ''))
      names.add(name.replace(/['’]s$/u, ''))
    }
    names.delete('')
    if (names.size > 0) spans.push([...names].sort((a, b) => b.length - a.length))
    if (spans.length >= maxMentions) break
  }
  return spans
}
