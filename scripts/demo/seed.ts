import { Tag } from '../../models/Tag.ts'
import type { Actor } from '../../src/kernel/actor.ts'
import { AppError } from '../../src/kernel/errors.ts'
import { newId } from '../../src/kernel/ids.ts'
import type { OpenServices } from '../shared/services.ts'
import { makeWorks } from './make.ts'
import { type DemoPerson, demoPassword, emailOf, people } from './people.ts'
import { conversations, privateRooms } from './rooms-private.ts'
import { publicRooms } from './rooms-public.ts'
import type { DemoConversation, DemoRoom, Line } from './talk.ts'

/** What the demonstration holds after a run, whether it was made now or before. */
export interface SeededWorld {
  people: DemoPerson[]
  /** Accounts that this run made. */
  newPeople: number
  rooms: number
  conversations: number
  messages: number
  recordings: number
  projects: number
}

type Cast = Map<string, Actor>
type Said = { id: string; seq: number }

/** Where the words of a room or conversation go. */
interface Stage {
  key: string
  send(actor: Actor, line: { clientId: string; content: string; replyToId: string | null }): Promise<Said>
  edit(actor: Actor, messageId: string, content: string): Promise<unknown>
  react(actor: Actor, messageId: string, emoji: string): Promise<unknown>
  pin(actor: Actor, messageId: string): Promise<unknown>
  read(actor: Actor, seq: number): Promise<unknown>
}

const origin = { ipAddress: undefined, userAgent: 'npm run demo' }

/**
 * Makes the world of the demonstration, or what is missing of it. People are known again by their e-mail address, rooms
 * by their maker and name, messages by their clientId; all else is idempotent by itself.
 */
export async function seedDemo(open: OpenServices): Promise<SeededWorld> {
  const cast: Cast = new Map()
  let newPeople = 0
  await Promise.all(
    people.map(async (person) => {
      const { actor, isNew } = await castPerson(open, person)
      cast.set(person.key, actor)
      if (isNew) newPeople++
    }),
  )
  const rooms = [...publicRooms, ...privateRooms]
  const counts = await Promise.all([
    ...rooms.map((room) => playRoom(open, cast, room)),
    ...conversations.map((conversation) => playConversation(open, cast, conversation)),
  ])
  const messages = counts.reduce((sum, count) => sum + count, 0)
  const works = await makeWorks(open, cast)
  return { people, newPeople, rooms: rooms.length, conversations: conversations.length, messages, ...works }
}

async function castPerson({ accounts, database, services }: OpenServices, person: DemoPerson) {
  const email = emailOf(person.key)
  const { actor, isNew } = await findOrRegister(accounts, email, person.name)
  const profile = await accounts.profiles.of(actor.userId)
  if (profile.bio === undefined) {
    const tags = await Promise.all(person.tags.map((name) => tagId(database, name)))
    await accounts.profiles.update(actor.userId, { bio: person.bio, location: person.location, tags })
  }
  const { text, chosen } = person.presence
  if (isNew) await services.presence.set(actor, chosen, text)
  return { actor, isNew }
}

async function findOrRegister(accounts: OpenServices['accounts'], email: string, displayName: string) {
  try {
    return { actor: await accounts.operator.actorOf(email), isNew: false }
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'not_found') throw error
  }
  const { session } = await accounts.register({ email, password: demoPassword, displayName }, origin)
  // Registering logs in; nobody holds these tokens.
  await accounts.sessions.revoke({ _id: session.id })
  return { actor: await accounts.operator.actorOf(email), isNew: true }
}

async function tagId(database: OpenServices['database'], name: string): Promise<string> {
  const tags = database.collection(Tag)
  const nameKey = name.toLowerCase()
  for (let attempt = 1; ; attempt++) {
    try {
      const tag = await tags.findOneAndUpdate(
        { nameKey },
        { $setOnInsert: { _id: newId(), name, createdAt: new Date(), updatedAt: null } },
        { upsert: true, returnDocument: 'after' },
      )
      return tag!._id
    } catch (error) {
      // Two upserts of one new tag at once: the second finds what the first made.
      if ((error as { code?: unknown }).code !== 11000 || attempt >= 3) throw error
    }
  }
}

/** Makes the room where its maker has none of the name, brings its people in, and plays its talk. */
async function playRoom({ services }: OpenServices, cast: Cast, room: DemoRoom): Promise<number> {
  const { rooms, messages, signals } = services
  const owner = cast.get(room.owner)!
  const others = [...(room.moderators ?? []), ...room.members]
  const own = await rooms.present(owner, await rooms.listOwn(owner.userId, undefined, 1_000))
  const known = own.find((each) => each.name === room.name && each.createdBy === owner.userId)
  const { name, topic, visibility } = room
  const { id, members = [] } = known ?? (await rooms.create(owner, { name, topic, visibility }))
  const present = new Set(members.map(({ userId }) => userId))
  const missing = others.map((key) => cast.get(key)!.userId).filter((userId) => !present.has(userId))
  if (missing.length > 0) await rooms.invite(owner, id, missing)
  for (const key of room.moderators ?? []) await rooms.assignRole(owner, id, cast.get(key)!.userId, 'moderator')
  const stage: Stage = {
    key: room.key,
    send: (actor, line) => messages.send(actor, id, line),
    edit: messages.edit,
    react: (actor, messageId, emoji) => messages.react(actor, messageId, emoji, true),
    pin: (actor, messageId) => messages.pin(actor, messageId, true),
    read: (actor, seq) => signals.read(actor, id, seq),
  }
  return play(stage, cast, room, [room.owner, ...others])
}

async function playConversation({ services }: OpenServices, cast: Cast, conversation: DemoConversation) {
  const { direct } = services
  const [one, other] = conversation.between
  const peerOf = (actor: Actor) => cast.get(actor === cast.get(one) ? other : one)!.userId
  const stage: Stage = {
    key: conversation.key,
    send: (actor, { clientId, content }) => direct.send(actor, peerOf(actor), { clientId, content }),
    edit: direct.edit,
    react: (actor, messageId, emoji) => direct.react(actor, messageId, emoji, true),
    pin: async () => {},
    read: (actor, seq) => direct.read(actor, peerOf(actor), seq),
  }
  return play(stage, cast, conversation, conversation.between)
}

/** Says all lines in their order, with what became of them, and moves the reading marks. Returns how many there are. */
async function play(
  stage: Stage,
  cast: Cast,
  { talk, unread }: { talk: Line[]; unread: Record<string, number> },
  readers: string[],
): Promise<number> {
  const named = new Map<string, string>()
  const seqs: number[] = []
  for (const [index, line] of talk.entries()) {
    const replyToId = line.to === undefined ? null : named.get(line.to)!
    const clientId = `demo:${stage.key}:${index + 1}`
    const actor = cast.get(line.by)!
    const said = await stage.send(actor, { clientId, content: line.was ?? line.text, replyToId })
    if (line.as) named.set(line.as, said.id)
    seqs.push(said.seq)
    await unlessGone(async () => {
      if (line.was !== undefined) await stage.edit(actor, said.id, line.text)
      for (const [emoji, keys] of Object.entries(line.reactions ?? {})) {
        for (const key of keys) await stage.react(cast.get(key)!, said.id, emoji)
      }
      if (line.pinned) await stage.pin(actor, said.id)
    })
  }
  for (const key of readers) {
    const seq = seqs[talk.length - 1 - (unread[key] ?? 0)]
    if (seq !== undefined) await stage.read(cast.get(key)!, seq)
  }
  return talk.length
}

/** A visitor may have deleted a message since the last run: it stays so. */
async function unlessGone(work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'gone') throw error
  }
}
