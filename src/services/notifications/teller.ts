import { Membership } from '../../../models/Membership.ts'
import type { Database } from '../../infra/mongo.ts'
import { groupBy } from '../../kernel/group.ts'
import { logRecords } from '../shared/records.ts'
import type { News, Notifications } from './notifications.ts'
import type { NewsPlace } from './place.ts'
import { type Mention, note, nothingSaid, type Said } from './said.ts'

/** Entries of a log that are read at once. */
const page = 1_000

/** Finds who has not read what was said in a log, and notifies them. */
export function createTeller(deps: {
  database: Database
  notifications: Notifications
  placeOf(logId: string, userId: string): NewsPlace
}) {
  const { notifications, placeOf } = deps
  const memberships = deps.database.collection(Membership)
  const entries = logRecords(deps.database)

  /** Reads again what was said after a seq, and tells of it. */
  async function tellSince(logId: string, fromSeq: number) {
    const all = nothingSaid()
    for (let after = fromSeq; ; ) {
      const records = await entries
        .find({ logId, seq: { $gt: after } }, { projection: { seq: 1, senderId: 1, mentions: 1 } })
        .sort({ seq: 1 })
        .limit(page)
        .toArray()
      for (const record of records) {
        if (note(all, record)) continue
        await tellMentions(logId, all.mentions)
        all.mentions = []
        note(all, record)
      }
      if (records.length < page) break
      after = records.at(-1)!.seq!
    }
    if (all.toSeq > 0) await tell(logId, all)
  }

  async function tell(logId: string, said: Said) {
    await tellMentions(logId, said.mentions)
    const mentioned = new Set(said.mentions.map(({ userId }) => userId))
    const senders = [...said.senders.values()].sort((a, b) => b.seq - a.seq)
    const over = reached(logId, () => said.toSeq)
    const tellSome = async (behind: { userId: string; readSeq: number }[]) => {
      const userIds = behind.map(({ userId }) => userId)
      const [told, hides] = await Promise.all([
        notifications.haveUnread(behind.map(({ userId }) => ({ userId, dedupeKey: placeOf(logId, userId).about }))),
        notifications.blocking(
          userIds,
          senders.map(({ senderId }) => senderId),
        ),
      ])
      const news: News[] = []
      for (const { userId, readSeq } of behind) {
        if (told.has(userId)) continue
        const message = senders.find(
          ({ senderId, seq }) => seq > readSeq && senderId !== userId && !hides(userId, senderId),
        )
        if (!message) continue
        const { about, ids, mutedBy } = placeOf(logId, userId)
        news.push({
          userId,
          type: 'NewMessage',
          payload: { actorId: message.senderId, ...ids, messageId: message.id, seq: message.seq },
          dedupeKey: about,
          about,
          mutedBy,
        })
      }
      await notifications.notify(news, over)
    }
    let some: { userId: string; readSeq: number }[] = []
    const behind = memberships
      .find(
        { logId, active: true, readSeq: { $lt: said.toSeq } },
        { projection: { _id: 0, userId: 1, readSeq: 1 }, batchSize: page },
      )
      .stream()
    for await (const { userId, readSeq } of behind) {
      // Whoever sent all that is new, or was told of a mention in it, needs no more news.
      if (mentioned.has(userId) || (senders.length === 1 && senders[0]!.senderId === userId)) continue
      some.push({ userId, readSeq })
      if (some.length < 500) continue
      await tellSome(some)
      some = []
    }
    if (some.length > 0) await tellSome(some)
  }

  async function tellMentions(logId: string, mentions: Mention[]) {
    // By message, so that who has read it can be told in one look.
    for (const [message, users] of groupBy(mentions, (mention) => mention.message)) {
      const over = reached(logId, () => message.seq)
      const userIds = users.map(({ userId }) => userId)
      const haveRead = await over(userIds)
      await notifications.notify(
        userIds
          .filter((userId) => !haveRead.has(userId))
          .map((userId) => {
            const { about, ids } = placeOf(logId, userId)
            return {
              userId,
              type: 'NewMessage',
              payload: { actorId: message.senderId, ...ids, messageId: message.id, seq: message.seq, mention: true },
              dedupeKey: `mention:${message.id}`,
              once: true,
              about,
            }
          }),
        over,
      )
    }
  }

  /** Who of some users has read a log up to a seq, or is not in it any more. */
  const reached = (logId: string, seq: () => number) => async (userIds: string[]) => {
    const behind = await memberships
      .find(
        { logId, active: true, userId: { $in: userIds }, readSeq: { $lt: seq() } },
        { projection: { _id: 0, userId: 1 } },
      )
      .toArray()
    const left = new Set(userIds)
    for (const { userId } of behind) left.delete(userId)
    return left
  }

  return {
    tellSince,
    tell,
    /** Tells whom a message mentions since its edit; who was told of it before is not told again. */
    async tellEdited(messageId: string): Promise<void> {
      const record = await entries.findOne({ _id: messageId })
      if (!record?.seq) return
      const said = nothingSaid()
      note(said, record)
      await tellMentions(record.logId, said.mentions)
    },
  }
}
