import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '../shared/random.ts'
import { type Account, register } from './account.ts'
import { createDevice, type Device } from './device.ts'
import { type Attempt, dmLog, type History, type LogId, type Op, type RoomRecord, roomLog } from './history.ts'
import { createRest, type Rest } from './rest.ts'

interface Person {
  index: number
  account: Account
  devices: Device[]
  random: Random
  outstanding: number
  /** Own acked messages, the newest last: to edit, delete and repeat. */
  own: { log: LogId; id: string; op: Op }[]
}

interface Room extends RoomRecord {
  roomId: string
  owner: Person
  /** Who comes and goes, with what is believed of each. */
  churn: { person: Person; inside: boolean; busy: boolean }[]
  people: Person[]
}

export interface Load {
  devices: Device[]
  start(): void
  /** No new operations; resolves when those under way are answered, at most after `maxMs`. */
  drain(maxMs: number): Promise<void>
  /** One message each to every log, by someone who is certainly in it; resolves with what was acked. */
  probe(): Promise<{ log: LogId; rev: number }[]>
  acked(): number
  pending(): number
  /** Logs, each with a user who may read all of it. */
  logs(): { log: LogId; account: Account }[]
  stop(): void
}

const USERS = 12
const DEVICES_PER_USER = [3, 2]
const MAX_OUTSTANDING = 12
const MAX_ATTEMPTS = 80
const MAX_OP_MS = 90_000
const KEPT = 60
const WORDS = 'bass drum verse chorus bridge tempo reverb sample loop mix master groove riff hook take'.split(' ')
const RETRY = new Set(['unavailable', 'rate_limited', 'internal'])
const EMOJI = ['👍', '🎸', '🥁', '🔥']
/** How often each thing is done, in parts of a thousand. */
const MIX = {
  ...{ send: 560, dm: 130, edit: 60, delete: 15, react: 70, pin: 15, churn: 30 },
  ...{ sync: 10, read: 40, repeat: 20, conflict: 5, history: 15, rest: 25, list: 5 },
}
const VERBS = Object.entries(MIX).flatMap(([verb, parts]) =>
  new Array<keyof typeof MIX>(parts).fill(verb as keyof typeof MIX),
)

/** Registers the users and makes rooms and clients; all must be well meanwhile. */
export async function createLoad(urls: string[], random: Random, history: History): Promise<Load> {
  const rest: Rest = createRest(urls)
  const people: Person[] = []
  for (let index = 0; index < USERS; index++) {
    const own = random.fork(`user ${index}`)
    const account = await register(urls[index % urls.length]!, `chaos${index}`)
    people.push({ index, account, devices: [], random: own, outstanding: 0, own: [] })
  }
  for (const person of people)
    for (let i = 0; i < DEVICES_PER_USER[person.index % DEVICES_PER_USER.length]!; i++) {
      const name = `user${person.index}.${i}`
      person.devices.push(createDevice({ name, account: person.account, urls, random: random.fork(name), history }))
    }
  const devices = people.flatMap((person) => person.devices)
  await until(() => devices.every((device) => device.connected()), 20_000, 'every client is connected')

  const rooms: Room[] = []
  const seen = new Map<LogId, string[]>()
  let acked = 0
  let counter = 0
  let ended = false
  let hasRest = true

  const record = (op: Omit<Op, 'attempts'>): Op => {
    const full: Op = { ...op, attempts: [] }
    history.ops.push(full)
    return full
  }

  /** Tries until there is an answer that a repeat would not change; bounded. */
  async function perform(person: Person, op: Op, event: string, payload: object): Promise<Attempt | null> {
    const startedAt = performance.now()
    person.outstanding++
    try {
      for (let tried = 0; tried < MAX_ATTEMPTS && performance.now() - startedAt < MAX_OP_MS; tried++) {
        const live = person.devices.filter((device) => device.connected())
        if (live.length === 0) {
          await sleep(100)
          continue
        }
        const attempt = await person.random.pick(live).emit(op, event, payload)
        if (attempt.outcome === 'ok') return attempt
        if (attempt.outcome === 'error' && !RETRY.has(attempt.code ?? '')) return attempt
        await sleep(person.random.int(50, 300))
      }
      return null
    } finally {
      person.outstanding--
    }
  }

  const note = (log: LogId, id: string): void => {
    const ids = seen.get(log) ?? []
    seen.set(log, ids)
    ids.push(id)
    if (ids.length > KEPT) ids.shift()
  }

  async function send(person: Person, log: LogId, address: object, kind: 'room' | 'dm'): Promise<Attempt | null> {
    const number = ++counter
    const clientId = `c${number}-${person.random.int(0, 1e9).toString(36)}`
    const content = `${number} ${person.random.pick(WORDS)} ${person.random.pick(WORDS)} ${person.random.pick(WORDS)}`
    const op = record({ kind: 'send', userId: person.account.userId, log, clientId, content })
    return taken(person, log, op, await perform(person, op, `${kind}:send`, { ...address, clientId, content }))
  }

  function taken(person: Person, log: LogId, op: Op, attempt: Attempt | null): Attempt | null {
    if (attempt?.outcome === 'ok' && attempt.id) {
      acked++
      note(log, attempt.id)
      person.own.push({ log, id: attempt.id, op })
      if (person.own.length > KEPT) person.own.shift()
    }
    return attempt
  }

  const payloadOf = (log: LogId, person: Person): object =>
    log.startsWith('room:') ? { roomId: log.slice(5) } : { userId: peerOf(log, person) }
  const peerOf = (log: LogId, person: Person): string =>
    log.split(':').find((part, index) => index > 0 && part !== person.account.userId) ?? person.account.userId
  const kindOf = (log: LogId): 'room' | 'dm' => (log.startsWith('room:') ? 'room' : 'dm')
  const partnersOf = (person: Person): Person[] =>
    [1, 4, USERS - 1, USERS - 4].map((step) => people[(person.index + step) % USERS]!)
  const roomsOf = (person: Person): Room[] => rooms.filter((room) => room.people.includes(person))

  async function change(person: Person, kind: 'edit' | 'delete' | 'react' | 'pin'): Promise<void> {
    const { random: own, account } = person
    const mine = person.own.length > 0 ? own.pick(person.own) : null
    let target: { log: LogId; id: string } | null = mine
    if (kind === 'react' || kind === 'pin') {
      const fit = rooms.filter((room) => (kind === 'pin' ? room.owner === person : room.people.includes(person)))
      const log = fit.length > 0 ? own.pick(fit).log : null
      const ids = log ? seen.get(log) : undefined
      target = log && ids?.length ? { log, id: own.pick(ids) } : null
    }
    if (!target) return
    const { log, id: messageId } = target
    const op = record({ kind, userId: account.userId, log, messageId })
    if (kind === 'edit') op.content = `${++counter} edited ${own.pick(WORDS)} ${own.pick(WORDS)}`
    if (kind === 'react') op.emoji = own.pick(EMOJI)
    if (kind === 'react' || kind === 'pin') op.on = kind === 'react' || own.next() < 0.6
    const { content, emoji, on } = op
    await perform(person, op, `${kindOf(log)}:${kind}`, { messageId, content, emoji, on })
  }

  /** Somebody is invited or removed by the owner, or joins or leaves: one thing at a time for each member. */
  async function churn(person: Person): Promise<void> {
    const own = person.random
    const room = own.pick(rooms)
    const slot = own.pick(room.churn)
    if (slot.busy) return
    slot.busy = true
    const { roomId, log } = room
    const targetId = slot.person.account.userId
    const self = own.next() < 0.5
    const open = room === rooms[1]
    const kind = slot.inside ? (self ? 'leave' : 'remove') : open && self ? 'join' : 'invite'
    const actor = kind === 'leave' || kind === 'join' ? slot.person : room.owner
    const op = record({ kind, userId: actor.account.userId, log, targetId })
    const extra = kind === 'invite' ? { userIds: [targetId] } : kind === 'remove' ? { userId: targetId } : {}
    const attempt = await perform(actor, op, `room:${kind}`, { roomId, ...extra })
    if (attempt?.outcome === 'ok') slot.inside = kind === 'invite' || kind === 'join'
    // Refused after a lost answer: it was done already.
    else if (attempt && op.attempts.length > 1) slot.inside = !slot.inside
    else if (attempt) slot.inside = kind === 'remove' || kind === 'leave' ? false : slot.inside
    if (attempt?.outcome === 'ok' && kind === 'join')
      for (const device of slot.person.devices) if (device.connected()) device.joined(log)
    slot.busy = false
  }

  async function repeat(person: Person, differently: boolean): Promise<void> {
    if (person.own.length === 0) return
    const { log, op } = person.random.pick(person.own)
    const { clientId } = op
    const target = differently
      ? record({
          kind: 'send',
          userId: op.userId,
          log,
          clientId,
          content: `${op.content} otherwise`,
          expectConflict: true,
        })
      : op
    await perform(person, target, `${kindOf(log)}:send`, {
      ...payloadOf(log, person),
      clientId,
      content: target.content,
    })
  }

  async function sendByRest(person: Person): Promise<void> {
    const log = person.random.pick(roomsOf(person)).log
    const clientId = `r${++counter}`
    const content = `${counter} by REST ${person.random.pick(WORDS)}`
    const op = record({ kind: 'send', userId: person.account.userId, log, clientId, content })
    person.outstanding++
    const startedAt = performance.now()
    for (let tried = 0; tried < MAX_ATTEMPTS && performance.now() - startedAt < MAX_OP_MS; tried++) {
      const attempt = await rest.send(person.random, person.account, op, { roomId: log.slice(5), clientId, content })
      if (attempt.outcome === 'ok') {
        taken(person, log, op, attempt)
        break
      }
      if (attempt.outcome === 'error' && !RETRY.has(attempt.code ?? '')) break
      await sleep(person.random.int(50, 300))
    }
    person.outstanding--
  }

  async function act(person: Person): Promise<void> {
    const own = person.random
    const verb = own.pick(VERBS)
    // Half of all talk is in the first room, where the instances race.
    const room = own.next() < 0.5 ? rooms[0]! : own.pick(roomsOf(person))
    const { log, roomId } = room
    const userId = person.account.userId
    switch (verb) {
      case 'send':
        return void (await send(person, log, { roomId }, 'room'))
      case 'dm': {
        const partner = own.pick(partnersOf(person)).account.userId
        return void (await send(person, dmLog(userId, partner), { userId: partner }, 'dm'))
      }
      case 'edit':
      case 'delete':
      case 'react':
      case 'pin':
        return change(person, verb)
      case 'churn':
        return churn(person)
      case 'sync':
        return own.pick(person.devices).sync()
      case 'read':
        await perform(person, record({ kind: 'read', userId, log }), 'room:read', { roomId, seq: own.int(1, 50) })
        return
      case 'history':
        await perform(person, record({ kind: 'history', userId, log }), 'room:history', { roomId, limit: 20 })
        return
      case 'repeat':
      case 'conflict':
        return repeat(person, verb === 'conflict')
      case 'rest':
        return hasRest ? sendByRest(person) : undefined
      case 'list':
        if (hasRest) await rest.list(own, person.account, record({ kind: 'history', userId, log }), roomId)
        return
    }
  }

  async function live(person: Person): Promise<void> {
    while (!ended) {
      await sleep(person.random.int(15, 70))
      if (ended || person.outstanding >= MAX_OUTSTANDING) continue
      void act(person)
    }
  }

  await makeRooms()
  hasRest = await rest.present(people[0]!.account, rooms[0]!.roomId)

  async function makeRooms(): Promise<void> {
    for (let i = 0; i < 4; i++) {
      const owner = people[i]!
      // The first room holds everybody, the others some; in each the last few come and go.
      const inside = people.filter((person) => i === 0 || person === owner || (person.index + i) % 2 === 0)
      const goers = inside.filter((person) => person !== owner).slice(-3)
      const memberIds = inside.filter((person) => person !== owner).map((person) => person.account.userId)
      const op = record({ kind: 'create', userId: owner.account.userId, log: '' })
      const visibility = i === 1 ? 'public' : 'private'
      const attempt = await perform(owner, op, 'room:create', { name: `Chaos ${i}`, visibility, memberIds })
      if (!attempt?.id) throw new Error(`room:create failed: ${JSON.stringify(attempt)}`)
      const room: Room = {
        ...{ roomId: attempt.id, log: roomLog(attempt.id), owner, people: inside },
        churn: goers.map((person) => ({ person, inside: true, busy: false })),
        ownerId: owner.account.userId,
        initialIds: inside.map((person) => person.account.userId),
        permanentIds: inside.filter((person) => !goers.includes(person)).map((person) => person.account.userId),
      }
      rooms.push(room)
      history.rooms.push({
        log: room.log,
        ownerId: room.ownerId,
        initialIds: room.initialIds,
        permanentIds: room.permanentIds,
      })
      for (const person of inside) for (const device of person.devices) device.joined(room.log)
    }
  }

  const pairs = people.flatMap((person) =>
    [1, 4].map((step) => ({ person, partner: people[(person.index + step) % USERS]! })),
  )
  const pending = (): number => people.reduce((sum, person) => sum + person.outstanding, 0)

  return {
    devices,
    start() {
      for (const person of people) void live(person)
    },
    async drain(maxMs) {
      ended = true
      const deadline = performance.now() + maxMs
      while (pending() > 0 && performance.now() < deadline) await sleep(100)
      for (const op of history.ops) {
        const last = op.attempts.at(-1)
        if (last?.outcome === 'open' && op.kind !== 'sync') op.unanswered = true
      }
    },
    async probe() {
      const sent = await Promise.all([
        ...rooms.map(async (room) => ({
          log: room.log,
          attempt: await send(room.owner, room.log, { roomId: room.roomId }, 'room'),
        })),
        ...pairs.map(async ({ person, partner }) => {
          const log = dmLog(person.account.userId, partner.account.userId)
          return { log, attempt: await send(person, log, { userId: partner.account.userId }, 'dm') }
        }),
      ])
      return sent.flatMap(({ log, attempt }) =>
        attempt?.outcome === 'ok' && attempt.rev !== undefined ? [{ log, rev: attempt.rev }] : [],
      )
    },
    acked: () => acked,
    pending,
    logs: () => [
      ...rooms.map((room) => ({ log: room.log, account: room.owner.account })),
      ...pairs.map(({ person, partner }) => ({
        log: dmLog(person.account.userId, partner.account.userId),
        account: person.account,
      })),
    ],
    stop() {
      ended = true
      for (const device of devices) device.stop()
    },
  }
}

/** Waits until the condition holds; throws, naming it, after `maxMs`. */
async function until(condition: () => boolean, maxMs: number, what: string): Promise<void> {
  const deadline = performance.now() + maxMs
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`Waited ${maxMs} ms in vain until ${what}`)
    await sleep(50)
  }
}
