import { Block } from '../../../models/Block.ts'
import {
  Notification,
  type NotificationDoc,
  type NotificationType,
  type NotificationWire,
} from '../../../models/Notification.ts'
import { PushSubscription } from '../../../models/PushSubscription.ts'
import { User } from '../../../models/User.ts'
import type { Database } from '../../infra/mongo.ts'
import { channels } from '../../kernel/channels.ts'
import { groupBy } from '../../kernel/group.ts'
import { newId } from '../../kernel/ids.ts'
import type { Page, PageRequest } from '../../kernel/page.ts'
import type { Emitter, Logger } from '../../kernel/ports.ts'
import type { Jobs } from '../jobs.ts'
import { duplicatesOf } from '../shared/duplicates.ts'
import { pageById } from '../shared/pages.ts'
import { type Act, createCollapsing } from './collapsing.ts'
import { createPreferences } from './preferences.ts'
import { createRepeats } from './repeats.ts'

/** News for a user. */
export interface News {
  userId: string
  type: NotificationType
  /** `actorId` and the ids needed to open the thing. */
  payload: { actorId: string } & Record<string, unknown>
  /** What it is news of: while one with the same key is unread, there is no second one. */
  dedupeKey: string
  /** Told once for ever, also after it was read: a like that was taken back and given again. */
  once?: boolean
  /** The room or conversation that it leads to; reading on there reads it. */
  about?: string
  /** The room that silences it where the user has muted it. */
  mutedBy?: string
}

export interface NotificationsDeps {
  database: Database
  emitter: Emitter
  jobs: Jobs
  logger: Logger
  /** How long notifications are collected for one mail, in milliseconds. */
  digestMs?: number | undefined
}

/** By which jobs notifications are mailed, one each or collected, and pushed to browsers. */
export const mailing = { kind: 'notification:mail' }
export const digesting = { kind: 'notification:digest' }
export const pushing = { kind: 'notification:push' }

/** One notification for one browser. */
export interface PushJob {
  notificationId: string
  subscriptionId: string
  /** Whether it was looked before whether the user is connected. */
  isSecondLook?: boolean
}

/** How many are handled at a time, and counted at most. */
const chunk = 500
const maxCounted = 10_000

/** News for users: who gets which, stored once, told to all devices. */
export function createNotifications({ database, emitter, jobs, logger, digestMs = 600_000 }: NotificationsDeps) {
  const notifications = database.collection(Notification)
  const subscriptions = database.collection(PushSubscription)
  const users = database.collection(User)
  const blocks = database.collection(Block)
  const preferences = createPreferences(database)
  const shown = { mailOnly: { $ne: true } }
  const collapsing = createCollapsing({
    database,
    draft: async ({ userId, type, actorId, group }, payload) =>
      (await wanted([{ userId, type, dedupeKey: group, payload: { ...payload, actorId } }]))[0] ?? null,
  })
  const tellAgain = createRepeats({ tell: again, logger })

  /** Tells of users and those who act whether one blocks the other. */
  async function blocking(userIds: string[], actorIds: string[]) {
    const found = await blocks
      .find({ blockedId: { $in: actorIds }, userId: { $in: userIds } }, { projection: { userId: 1, blockedId: 1 } })
      .toArray()
    const pairs = new Set(found.map(({ userId, blockedId }) => `${userId} ${blockedId}`))
    return (userId: string, actorId: string) => pairs.has(`${userId} ${actorId}`)
  }

  /** Those of the news that their users are to get: not their own acts, not of people they block, as they chose. */
  async function wanted(news: News[]): Promise<NotificationDoc[]> {
    const others = news.filter(({ userId, payload }) => payload.actorId !== userId)
    if (others.length === 0) return []
    const userIds = [...new Set(others.map(({ userId }) => userId))]
    const actorIds = [...new Set(others.map(({ payload }) => payload.actorId))]
    const [people, hides, preferencesOf] = await Promise.all([
      users
        .find({ _id: { $in: userIds }, botOwnerId: { $exists: false }, bannedAt: null }, { projection: { _id: 1 } })
        .toArray(),
      blocking(userIds, actorIds),
      preferences.ofAll(userIds),
    ])
    const persons = new Set(people.map((person) => person._id))
    const createdAt = new Date()
    const docs: NotificationDoc[] = []
    for (const { userId, type, payload, dedupeKey, once, about, mutedBy } of others) {
      if (!persons.has(userId) || hides(userId, payload.actorId)) continue
      const { types, mutedRoomIds } = preferencesOf(userId)
      const { inApp, email } = types[type]
      if ((!inApp && !email) || (mutedBy !== undefined && mutedRoomIds.includes(mutedBy))) continue
      docs.push({
        _id: newId(),
        userId,
        type,
        payload,
        isRead: false,
        createdAt,
        readAt: null,
        dedupeKey,
        ...(once && { onceKey: dedupeKey }),
        ...(about !== undefined && { about }),
        ...(!inApp && { mailOnly: true }),
        ...(email && { mailed: true }),
      } as NotificationDoc)
    }
    return docs
  }

  /** Stores those that are not there already; returns these. */
  async function insert(docs: NotificationDoc[]): Promise<NotificationDoc[]> {
    if (docs.length === 0) return []
    try {
      await notifications.insertMany(docs as never, { ordered: false })
      return docs
    } catch (error) {
      const there = new Set(duplicatesOf(error))
      return docs.filter((_, index) => !there.has(index))
    }
  }

  /** Tells of one that took in more acts, as it is by now. */
  async function again(id: string) {
    const doc = (await notifications.findOne({ _id: id } as never)) as NotificationDoc | null
    if (doc && !doc.isRead && !doc.mailOnly) {
      emitter.emit(channels.news(doc.userId), 'notification', Notification.toWire(doc))
    }
  }

  /** Passes stored news on: to connected devices, and by jobs to the browsers that asked for pushes. */
  async function pass(stored: NotificationDoc[]) {
    const shownOnes = stored.filter((doc) => !doc.mailOnly)
    if (shownOnes.length === 0) return
    for (const doc of shownOnes) emitter.emit(channels.news(doc.userId), 'notification', Notification.toWire(doc))
    const userIds = [...new Set(shownOnes.map(({ userId }) => userId))]
    const found = await subscriptions.find({ userId: { $in: userIds } }, { projection: { userId: 1 } }).toArray()
    if (found.length === 0) return
    const browsers = groupBy(found, ({ userId }) => userId)
    const pushes = shownOnes.flatMap(({ _id, userId }) =>
      (browsers.get(userId) ?? []).map((browser): PushJob => ({ notificationId: _id, subscriptionId: browser._id })),
    )
    await jobs.enqueueAll(pushing, pushes)
  }

  /** One job for a user and span of time; it runs when the span is over, so that it finds all that fell into it. */
  async function enqueueDigest(userId: string) {
    const now = Date.now()
    const span = Math.floor(now / digestMs)
    await jobs.enqueue(
      digesting,
      { userId },
      { key: `${userId}:${span}`, delayMs: (span + 1) * digestMs - now + 1_000 },
    )
  }

  async function unread(userId: string): Promise<number> {
    return notifications.countDocuments({ userId, isRead: false, ...shown } as never, { limit: maxCounted })
  }

  /** Marks as read, and tells the user's devices. */
  async function markRead(userId: string, which: { ids: string[] } | { all: true }): Promise<{ unread: number }> {
    const filter = { userId, isRead: false, ...('ids' in which && { _id: { $in: which.ids } }) }
    const result = await notifications.updateMany(filter as never, [{ $set: { isRead: true, readAt: '$$NOW' } }])
    const left = await unread(userId)
    if (result.modifiedCount > 0) emitter.emit(channels.news(userId), 'notification:read', { ...which, unread: left })
    return { unread: left }
  }

  return {
    preferences,
    blocking,
    unread,
    markRead,

    /**
     * Notifies users, each once for a key. `isOver` may look, after storing and before telling, at who needs no news
     * any more; theirs are taken back. Returns how many were told.
     */
    async notify(news: News[], isOver?: (userIds: string[]) => Promise<Set<string>>): Promise<number> {
      let told = 0
      for (let start = 0; start < news.length; start += chunk) {
        let stored = await insert(await wanted(news.slice(start, start + chunk)))
        if (stored.length === 0) continue
        const over = await isOver?.(stored.map(({ userId }) => userId))
        if (over && over.size > 0) {
          await notifications.deleteMany({
            _id: { $in: stored.filter((each) => over.has(each.userId)).map((each) => each._id) },
          })
          stored = stored.filter(({ userId }) => !over.has(userId))
        }
        told += stored.length
        await pass(stored)
        const mails = stored.filter((doc) => doc.mailed).map((doc) => ({ notificationId: doc._id }))
        if (mails.length > 0) await jobs.enqueueAll(mailing, mails)
        // Other work gets its turn between the chunks of a large room.
        await new Promise((done) => setImmediate(done))
      }
      return told
    },

    /**
     * Notifies of an act that comes in bursts, together with others of its group that are unread: the first at once,
     * what follows at most once a second, as the same notification with a longer payload. Mails of them are collected.
     * Returns whether it was news.
     */
    async collapse(act: Act): Promise<boolean> {
      const stored = await collapsing.store(act)
      if (!stored) return false
      const { notification, isNew } = stored
      if (!isNew) {
        tellAgain.add(notification._id)
        return true
      }
      await pass([notification])
      if (notification.mailed) await enqueueDigest(notification.userId)
      return true
    },

    /** A page of a user's notifications, newest first; all, or the unread ones alone. */
    async list(
      userId: string,
      { limit, cursor, unread }: PageRequest & { unread?: boolean | undefined },
    ): Promise<Page<NotificationWire>> {
      const filter = { userId, ...(unread !== undefined && { isRead: !unread }), ...shown }
      return pageById(notifications, filter, { limit, cursor }, (doc) => Notification.toWire(doc))
    },

    /** Unread ones of these users about these rooms or conversations. */
    async unreadAbout(pairs: { userId: string; about: string }[]): Promise<NotificationDoc[]> {
      const found = await notifications
        .find({ isRead: false, $or: pairs.map(({ userId, about }) => ({ userId, about, isRead: false })) } as never)
        .limit(10_000)
        .toArray()
      return found as never
    },

    /** Who of some users has an unread one, each under a key; at most some hundred. */
    async haveUnread(keys: { userId: string; dedupeKey: string }[]): Promise<Set<string>> {
      const byKey = groupBy(keys, ({ dedupeKey }) => dedupeKey)
      const found = await Promise.all(
        [...byKey].map(([dedupeKey, users]) =>
          notifications
            .find(
              { dedupeKey, isRead: false, userId: { $in: users.map(({ userId }) => userId) } },
              { projection: { _id: 0, userId: 1 } },
            )
            .toArray(),
        ),
      )
      return new Set(found.flat().map(({ userId }) => userId))
    },

    close: () => tellAgain.close(),

    async get(id: string): Promise<NotificationDoc | null> {
      return (await notifications.findOne({ _id: id })) as never
    },
  }
}

export type Notifications = ReturnType<typeof createNotifications>
