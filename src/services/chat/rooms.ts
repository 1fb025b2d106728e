import { ChatRoom, type ChatRoomWire, type RoomRole } from '../../../models/ChatRoom.ts'
import { Membership } from '../../../models/Membership.ts'
import type { Database } from '../../infra/mongo.ts'
import { type Actor, permits } from '../../kernel/actor.ts'
import { AppError, conflict, forbidden, invalid, notFound } from '../../kernel/errors.ts'
import { newId } from '../../kernel/ids.ts'
import type { Bus } from '../../kernel/ports.ts'
import type { Log } from '../../log/log.ts'
import type { Draft, LiveView } from '../../log/types.ts'
import { roomPolicy } from '../../policies/rooms.ts'
import type { Audit } from '../accounts/audit.ts'
import type { People } from '../people.ts'
import { presentRoom, type RoomLive } from '../shared/room-state.ts'
import { createRoomLists } from './room-lists.ts'

/** The most people in a room, and rooms that one person can be in. */
const maxMembers = 10_000
const maxRooms = 1_000

export interface RoomDeps {
  database: Database
  log: Log
  bus: Bus
  people: People
  audit: Pick<Audit, 'record'>
}

type Change = { userId: string; change: 'joined' | 'left' | 'removed' | 'role'; role?: RoomRole }

/** Rooms and who is in them. All changes are entries of the room's log, written together with what they change. */
export function createRooms({ database, log, bus, people, audit }: RoomDeps) {
  const rooms = database.collection(ChatRoom)
  const memberships = database.collection(Membership)

  const entry = (senderId: string, event: string, body: object): Draft => ({
    id: newId(),
    kind: 'LogEntry',
    event,
    senderId,
    counts: false,
    body: { body },
  })

  /** Stores what a change makes of a membership; `$$NOW` is MongoDB's clock, which all instances share. */
  const memberUpdate = (logId: string, { userId, change, role }: Change) => {
    const gone = change === 'left' || change === 'removed'
    const set = gone
      ? { active: false, changedAt: '$$NOW' }
      : {
          active: true,
          kind: 'room',
          role: role ?? 'member',
          changedAt: '$$NOW',
          _id: { $ifNull: ['$_id', newId()] },
          readSeq: { $ifNull: ['$readSeq', 0] },
          marks: { $ifNull: ['$marks', []] },
          joinedAt: change === 'joined' ? '$$NOW' : '$joinedAt',
        }
    return { updateOne: { filter: { logId, userId }, update: [{ $set: set }], upsert: !gone } }
  }

  const storeMembers = (logId: string, changes: Change[]) => async (session: any) => {
    await memberships.bulkWrite(changes.map((change) => memberUpdate(logId, change)) as never, {
      session,
      ordered: true,
    })
  }

  /** Runs with the room open. Throws `not_found` for a room that the actor may not see. */
  async function withRoom<T>(
    actor: Actor,
    roomId: string,
    work: (live: RoomLive, role: RoomRole | undefined) => T | Promise<T>,
  ) {
    return log.using(roomId, (view) => {
      const live = view as RoomLive
      return work(live, visibleRole(actor, live))
    })
  }

  /** The actor's role, or undefined in a public room that they are not in. Throws `not_found` where nothing is to see. */
  function visibleRole(actor: Actor, live: RoomLive): RoomRole | undefined {
    const { room, members } = live.state
    const role = members.get(actor.userId)
    if (!room || !roomPolicy.see(role, room.visibility)) throw notFound('room')
    return role
  }

  /** Writes member changes that `decide` chooses by the room as it is when they are written. */
  async function changeMembers(
    actor: Actor,
    roomId: string,
    decide: (live: RoomLive, role: RoomRole | undefined) => Change[],
  ): Promise<ChatRoomWire> {
    return withRoom(actor, roomId, async (live) => {
      let changes: Change[] = []
      const plan = (view: LiveView) => {
        const now = view as RoomLive
        changes = decide(now, visibleRole(actor, now))
        if (changes.length === 0) throw nothingToDo
        return changes.map((change) => entry(actor.userId, 'room:member', change))
      }
      try {
        await log.appendWith<any>(roomId, plan, (session) => storeMembers(roomId, changes)(session))
      } catch (error) {
        if (error !== nothingToDo) throw error
      }
      for (const { userId, change } of changes) if (change === 'joined') bus.publish('member', `${userId} ${roomId}`)
      return presentRoom(live)
    })
  }

  async function requireUsers(actor: Actor, userIds: string[], path: string) {
    if (userIds.length === 0) return
    const existing = await people.existing(userIds)
    const missing = userIds.filter((userId) => !existing.has(userId))
    if (missing.length > 0) {
      throw new AppError('not_found', 'No such user', { details: missing.map((userId) => ({ path, message: userId })) })
    }
    const blockers = await people.blockersOf(actor.userId, userIds)
    if (blockers.size > 0) throw forbidden('Some of these people do not accept invitations from you')
  }

  async function requireRoomFor(userId: string) {
    const count = await memberships.countDocuments({ userId, active: true, kind: 'room' }, { limit: maxRooms })
    if (count >= maxRooms) throw conflict(`Nobody can be in more than ${maxRooms} rooms`)
  }

  return {
    ...createRoomLists({ database, log, withRoom }),
    visibleRole,
    withRoom,

    async create(
      actor: Actor,
      input: { name: string; visibility?: 'public' | 'private'; topic?: string; memberIds?: string[] },
    ): Promise<ChatRoomWire> {
      const others = [...new Set(input.memberIds ?? [])].filter((userId) => userId !== actor.userId)
      await Promise.all([requireUsers(actor, others, 'memberIds'), requireRoomFor(actor.userId)])
      const id = newId()
      const now = new Date()
      const room = {
        _id: id,
        name: input.name,
        topic: input.topic ?? '',
        visibility: input.visibility ?? ('private' as const),
        slowModeSeconds: 0,
        createdBy: actor.userId,
        createdAt: now,
        updatedAt: null,
      }
      const initial = Object.fromEntries(others.map((userId) => [userId, 'member' as const]))
      const first: Change = { userId: actor.userId, change: 'joined', role: 'owner' }
      const changes: Change[] = [
        first,
        ...others.map((userId): Change => ({ userId, change: 'joined', role: 'member' })),
      ]
      return log.using(id, async (view) => {
        const live = view as RoomLive
        // Nobody else knows the id yet, so the state can be set before it is stored: it is dropped with the log if not.
        live.state.room = room as never
        await log.appendWith<any>(id, [entry(actor.userId, 'room:member', { ...first, initial })], async (session) => {
          await rooms.insertOne(room as never, { session })
          await storeMembers(id, changes)(session)
        })
        for (const { userId } of changes) bus.publish('member', `${userId} ${id}`)
        return presentRoom(live)
      })
    },

    get: (actor: Actor, roomId: string): Promise<ChatRoomWire> => withRoom(actor, roomId, (live) => presentRoom(live)),

    async join(actor: Actor, roomId: string): Promise<ChatRoomWire> {
      await requireRoomFor(actor.userId)
      return changeMembers(actor, roomId, ({ state }, role) => {
        if (role) return []
        if (state.members.size >= maxMembers) throw conflict('The room is full')
        // A public room whose people have all gone belongs to whoever comes next.
        const first = ![...state.members.values()].includes('owner')
        return [{ userId: actor.userId, change: 'joined', role: first ? 'owner' : 'member' }]
      })
    },

    async leave(actor: Actor, roomId: string): Promise<ChatRoomWire> {
      return changeMembers(actor, roomId, ({ state }, role) => {
        if (!role) throw notFound('membership')
        const changes: Change[] = []
        const owners = [...state.members].filter(([, each]) => each === 'owner')
        if (role === 'owner' && owners.length === 1) {
          // The room goes to its longest-serving moderator, else member.
          const others = [...state.members].filter(([userId]) => userId !== actor.userId)
          const heir = others.find(([, each]) => each === 'moderator') ?? others[0]
          if (heir) changes.push({ userId: heir[0], change: 'role', role: 'owner' })
        }
        return [...changes, { userId: actor.userId, change: 'left' }]
      })
    },

    async invite(actor: Actor, roomId: string, userIds: string[]): Promise<ChatRoomWire> {
      const invited = [...new Set(userIds)]
      await withRoom(actor, roomId, (_live, role) => {
        if (!roomPolicy.invite(role)) throw forbidden('Only owners and moderators invite')
      })
      await requireUsers(actor, invited, 'userIds')
      for (const userId of invited) await requireRoomFor(userId)
      return changeMembers(actor, roomId, ({ state }, role) => {
        if (!roomPolicy.invite(role)) throw forbidden('Only owners and moderators invite')
        const fresh = invited.filter((userId) => !state.members.has(userId))
        if (state.members.size + fresh.length > maxMembers) throw conflict('The room is full')
        return fresh.map((userId) => ({ userId, change: 'joined', role: 'member' }))
      })
    },

    remove: (actor: Actor, roomId: string, userId: string): Promise<ChatRoomWire> =>
      changeMembers(actor, roomId, ({ state }, role) => {
        if (role !== 'owner' && role !== 'moderator') throw forbidden('Only owners and moderators remove members')
        const target = state.members.get(userId)
        if (!target) throw notFound('member')
        if (userId === actor.userId) throw invalid('To go yourself, leave the room', 'userId')
        if (!roomPolicy.remove(role, target))
          throw forbidden(`A ${role} can't remove ${target === 'owner' ? 'an owner' : `a ${target}`}`)
        return [{ userId, change: 'removed' }]
      }),

    assignRole: (actor: Actor, roomId: string, userId: string, newRole: RoomRole): Promise<ChatRoomWire> =>
      changeMembers(actor, roomId, ({ state }, role) => {
        if (!roomPolicy.assignRoles(role)) throw forbidden('Only owners assign roles')
        const old = state.members.get(userId)
        if (!old) throw notFound('member')
        if (old === newRole) return []
        const owners = [...state.members.values()].filter((each) => each === 'owner').length
        if (old === 'owner' && owners === 1) throw conflict('A room needs an owner: make somebody else owner first')
        return [{ userId, change: 'role', role: newRole }]
      }),

    async update(
      actor: Actor,
      roomId: string,
      input: { name?: string; topic?: string; visibility?: 'public' | 'private'; slowModeSeconds?: number },
    ): Promise<ChatRoomWire> {
      return withRoom(actor, roomId, async (live) => {
        const moderates = permits(actor, { action: 'moderate', resource: 'ChatRoom' })
        let body: Record<string, unknown> = {}
        let byPermission = false
        const plan = (view: LiveView) => {
          const now = view as RoomLive
          const role = visibleRole(actor, now)
          const { name, topic, visibility, slowModeSeconds } = now.state.room!
          if (!roomPolicy.update(role, visibility, moderates)) {
            throw forbidden('Only owners and moderators change the room')
          }
          byPermission = !roomPolicy.update(role)
          const before = { name, topic, visibility, slowModeSeconds }
          const after = { ...before, ...input }
          if (JSON.stringify(after) === JSON.stringify(before)) throw nothingToDo
          body = { ...after, updatedAt: new Date().toISOString() }
          return [entry(actor.userId, 'room:updated', body)]
        }
        try {
          await log.appendWith<any>(roomId, plan, async (session) => {
            const { updatedAt, ...fields } = body
            await rooms.updateOne(
              { _id: roomId },
              { $set: { ...fields, updatedAt: new Date(updatedAt as string) } } as never,
              { session },
            )
            if (!byPermission) return
            const details = { chatRoomId: roomId, fields: Object.keys(input) }
            await audit.record('ChatRoomModerate', actor.userId, details, session)
          })
        } catch (error) {
          if (error !== nothingToDo) throw error
        }
        return presentRoom(live)
      })
    },
  }
}

/** Thrown inside a plan where the room already is as asked; the answer is the room as it is. */
const nothingToDo = new AppError('conflict', 'Nothing to do')

export type Rooms = ReturnType<typeof createRooms>
