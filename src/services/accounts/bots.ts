import { Bot, type BotDoc } from '../../../models/Bot.ts'
import { Profile } from '../../../models/Profile.ts'
import { User } from '../../../models/User.ts'
import type { Database } from '../../infra/mongo.ts'
import type { Actor, Scope } from '../../kernel/actor.ts'
import { AppError, conflict, notFound } from '../../kernel/errors.ts'
import { isId, newId } from '../../kernel/ids.ts'
import type { Page, PageRequest } from '../../kernel/page.ts'
import { pageById } from '../shared/pages.ts'
import type { Audit } from './audit.ts'
import type { Origin, Sessions } from './sessions.ts'
import { randomSecret, sameHash, sha256 } from './tokens.ts'

/** A bot as its owner sees it. */
interface BotView {
  id: string
  userId: string
  name: string
  scopes: Scope[]
}

interface BotWithToken {
  bot: BotView
  /** Shown this once. */
  token: string
}

export interface Bots {
  /** Makes a bot: a user of its own with a token that never expires. Throws `conflict` beyond 50 bots an owner. */
  create(owner: Actor, input: { name: string; scopes: Scope[] }, origin: Origin): Promise<BotWithToken>
  list(owner: Actor, page: PageRequest): Promise<Page<BotView>>
  /** Removes a bot and revokes its token; its user stays as the author of what it wrote. Throws `not_found`. */
  remove(owner: Actor, botId: string, origin: Origin): Promise<void>
  /** Gives a bot a new token and revokes the one before. Throws `not_found`. */
  renewToken(owner: Actor, botId: string, origin: Origin): Promise<BotWithToken>
  /** Whose bot token it is. Throws `unauthenticated`. */
  authenticate(token: string): Promise<Actor>
}

const mostBots = 50
const mostKnown = 10_000
const tokenForm = /^ppb_([0-9A-Z]{26})_([\w-]{20,100})$/

const view = (bot: BotDoc): BotView => ({ id: bot._id, userId: bot.userId, name: bot.name, scopes: bot.scopes })
const badToken = () => new AppError('unauthenticated', 'The token is not valid')

export function createBots({
  database,
  sessions,
  audit,
}: {
  database: Database
  sessions: Sessions
  audit: Audit
}): Bots {
  const bots = database.collection(Bot)
  /** What a bot's token is known to be; forgotten when its session ends. */
  const known = new Map<string, { tokenHash: string; sessionId: string }>()
  const botOfSession = new Map<string, string>()
  sessions.onRevoked((sessionId) => forget(botOfSession.get(sessionId)))

  function forget(botId: string | undefined) {
    const entry = botId && known.get(botId)
    if (!entry) return
    known.delete(botId)
    botOfSession.delete(entry.sessionId)
  }

  const makeToken = (botId: string) => `ppb_${botId}_${randomSecret()}`

  async function load(botId: string) {
    const bot = await bots.findOne({ _id: botId }, { projection: { tokenHash: 1 } })
    const sessionId = bot && (await sessions.ofBot(botId))
    if (!bot || !sessionId) throw badToken()
    return { tokenHash: bot.tokenHash, sessionId }
  }

  return {
    async create(owner, { name, scopes }, origin) {
      if ((await bots.countDocuments({ ownerId: owner.userId }, { limit: mostBots })) >= mostBots) {
        throw conflict(`You have ${mostBots} bots; remove one first`)
      }
      const now = new Date()
      const userId = newId()
      const botId = newId()
      const token = makeToken(botId)
      const bot: BotDoc = {
        _id: botId,
        userId,
        ownerId: owner.userId,
        name: name.trim(),
        scopes: [...new Set(scopes)],
        createdAt: now,
        tokenHash: sha256(token),
      }
      // The model asks for an address; this one can't be written to, nor logged in with.
      const email = `${userId.toLowerCase()}@bots.invalid`
      await database.transaction(async (transaction) => {
        const options = { session: transaction }
        await database.collection(User).insertOne(
          {
            _id: userId,
            email,
            emailKey: email,
            role: 'user',
            isVerified: false,
            createdAt: now,
            updatedAt: null,
            botOwnerId: owner.userId,
            bannedAt: null,
          },
          options,
        )
        await database.collection(Profile).insertOne(
          {
            _id: newId(),
            userId,
            displayName: bot.name,
            nameKey: bot.name.toLowerCase(),
            createdAt: now,
            updatedAt: null,
          },
          options,
        )
        await bots.insertOne(bot, options)
        await sessions.openBot(userId, botId, transaction)
        await audit.record('BotCreate', owner.userId, { botId, scopes: bot.scopes, ...origin }, transaction)
      })
      return { bot: view(bot), token }
    },
    async list(owner, { limit, cursor }) {
      return pageById(bots, { ownerId: owner.userId }, { limit, cursor }, view)
    },
    async remove(owner, botId, origin) {
      const revoked = await database.transaction(async (transaction) => {
        const { deletedCount } = await bots.deleteOne({ _id: botId, ownerId: owner.userId }, { session: transaction })
        if (deletedCount === 0) throw notFound('Bot')
        await audit.record('BotRemove', owner.userId, { botId, ...origin }, transaction)
        return sessions.revokeIn({ botId }, transaction)
      })
      sessions.tell(revoked)
    },
    async renewToken(owner, botId, origin) {
      const token = makeToken(botId)
      const { bot, revoked } = await database.transaction(async (transaction) => {
        const bot = await bots.findOneAndUpdate(
          { _id: botId, ownerId: owner.userId },
          { $set: { tokenHash: sha256(token) } },
          { session: transaction, returnDocument: 'after' },
        )
        if (!bot) throw notFound('Bot')
        const revoked = await sessions.revokeIn({ botId }, transaction)
        await sessions.openBot(bot.userId, botId, transaction)
        await audit.record('BotTokenRenew', owner.userId, { botId, ...origin }, transaction)
        return { bot, revoked }
      })
      sessions.tell(revoked)
      return { bot: view(bot), token }
    },
    async authenticate(token) {
      const botId = tokenForm.exec(token)?.[1]
      if (!botId || !isId(botId)) throw badToken()
      const hash = sha256(token)
      let entry = known.get(botId)
      if (!entry || !sameHash(entry.tokenHash, hash)) {
        // Renewed on another instance, or wrong: the database tells.
        entry = await load(botId)
        if (!sameHash(entry.tokenHash, hash)) throw badToken()
      }
      // Checked before it is kept: a session that ended meanwhile must not come back.
      const actor = await sessions.actor(entry.sessionId)
      forget(botId)
      known.set(botId, entry)
      botOfSession.set(entry.sessionId, botId)
      if (known.size > mostKnown) forget(known.keys().next().value)
      return actor
    },
  }
}
