import type { mongo } from 'mongoose'
import { Booking, type BookingDoc, type BookingWire } from '../../../models/Booking.ts'
import { Diary } from '../../../models/Diary.ts'
import { Project, type ProjectDoc } from '../../../models/Project.ts'
import { UserProject, type UserProjectDoc } from '../../../models/UserProject.ts'
import type { Database } from '../../infra/mongo.ts'
import { type Actor, permits } from '../../kernel/actor.ts'
import { conflict, forbidden, invalid, notFound } from '../../kernel/errors.ts'
import { newId } from '../../kernel/ids.ts'
import { createLanes } from '../../kernel/lanes.ts'
import type { Page, PageRequest } from '../../kernel/page.ts'
import { type BookingSides, type BookingStatus, bookingPolicy } from '../../policies/bookings.ts'
import { projectPolicy } from '../../policies/projects.ts'
import type { People } from '../people.ts'
import { isDuplicate } from '../shared/duplicates.ts'
import { pageById } from '../shared/pages.ts'
import { boundedTransaction } from '../shared/transactions.ts'

/** How many bookings that are not over one user can have. */
const maxPending = 1_000

export interface BookingInput {
  projectId: string
  /** Who is to play; without one: the actor. */
  userId?: string | undefined
  role?: string | undefined
  startTime?: Date | undefined
  endTime?: Date | undefined
}
export interface BookingPatch {
  status?: BookingStatus | undefined
  role?: string | null | undefined
  startTime?: Date | undefined
  endTime?: Date | undefined
}
export interface BookingFilter {
  projectId?: string | undefined
  userId?: string | undefined
  status?: BookingStatus | undefined
}

type Standing = { project: ProjectDoc; member: UserProjectDoc | undefined; sides(userId: string): BookingSides }

/**
 * Who plays on which project, and when. A booking is asked for by one side and confirmed by the other. Confirmations for
 * one user write to that user's diary in the transaction that looks for overlaps, so that of two which overlap one
 * loses and finds the other.
 */
export function createBookings({ database, people }: { database: Database; people: People }) {
  const bookings = database.collection(Booking)
  const diaries = database.collection(Diary)
  const lanes = createLanes()

  /** A project and how somebody stands to it. Throws `not_found` where there is none. */
  async function standing(actor: Actor, projectId: string): Promise<Standing> {
    const [project, member] = await Promise.all([
      database.collection(Project).findOne({ _id: projectId }) as Promise<ProjectDoc | null>,
      database.collection(UserProject).findOne({ projectId, userId: actor.userId }) as Promise<UserProjectDoc | null>,
    ])
    if (!project) throw notFound('Project')
    const isOwner = project.ownerId === actor.userId || projectPolicy.manage(member ?? undefined)
    return {
      project,
      member: member ?? undefined,
      sides: (userId) => ({ isOwner, isUser: userId === actor.userId }),
    }
  }

  const seesProject = (actor: Actor, { project, member, sides }: Standing) =>
    sides('').isOwner ||
    projectPolicy.see(member, project.isOpen) ||
    permits(actor, { action: 'read', resource: 'Project' })

  const mayManage = (actor: Actor) => permits(actor, { action: 'manage', resource: 'Booking' })

  /** A booking that the actor has to do with: its two sides and the project's members. Throws `not_found`. */
  async function seen(actor: Actor, id: string) {
    const booking = (await bookings.findOne({ _id: id })) as BookingDoc | null
    if (!booking) throw notFound('Booking')
    const stand = await standing(actor, booking.projectId)
    const sides = stand.sides(booking.userId)
    if (!sides.isOwner && !sides.isUser && !stand.member && !mayManage(actor)) throw notFound('Booking')
    return { booking, sides }
  }

  function checkTimes(startTime: Date | undefined, endTime: Date | undefined) {
    if ((startTime === undefined) !== (endTime === undefined)) {
      throw invalid('A booking has both a start and an end, or neither', startTime ? 'endTime' : 'startTime')
    }
    if (startTime && endTime && endTime <= startTime) throw invalid('must be after startTime', 'endTime')
  }

  /** Confirms a booking within a transaction that nobody else's for this user can pass. */
  async function confirm(id: string, userId: string): Promise<BookingDoc> {
    await diaries.updateOne({ _id: userId }, { $setOnInsert: { entries: 0 } }, { upsert: true }).catch((error) => {
      // Another confirmation made it.
      if (!isDuplicate(error)) throw error
    })
    return lanes.run(userId, () =>
      boundedTransaction(database, async (session) => {
        const booking = (await bookings.findOne({ _id: id }, { session })) as BookingDoc | null
        if (!booking) throw notFound('Booking')
        checkStep(booking.status, 'confirmed')
        await checkOverlap(booking, session)
        await diaries.updateOne({ _id: userId }, { $inc: { entries: 1 } }, { session })
        return step(booking, 'confirmed', session)
      }),
    )
  }

  async function checkOverlap({ _id, userId, startTime, endTime }: BookingDoc, session: mongo.ClientSession) {
    if (!startTime || !endTime) return
    const other = await bookings.findOne(
      { _id: { $ne: _id }, userId, status: 'confirmed', startTime: { $lt: endTime }, endTime: { $gt: startTime } },
      { session, projection: { _id: 1 } },
    )
    if (other) throw conflict('It overlaps another confirmed booking')
  }

  function checkStep(from: BookingStatus, to: BookingStatus) {
    if (!bookingPolicy.follows(from, to)) throw conflict(`A booking that is ${from} can’t become ${to}`)
  }

  /** Takes the step from the status that the booking was read with. Throws `conflict` where it has another by now. */
  async function step(booking: BookingDoc, status: BookingStatus, session?: mongo.ClientSession): Promise<BookingDoc> {
    const changed = (await bookings.findOneAndUpdate(
      { _id: booking._id, status: booking.status },
      { $set: { status, updatedAt: new Date() } },
      { returnDocument: 'after', session },
    )) as BookingDoc | null
    if (!changed) throw conflict('The booking has changed meanwhile')
    return changed
  }

  /** Changes what was asked for, while nobody has answered. */
  async function edit(booking: BookingDoc, { role, startTime, endTime }: BookingPatch): Promise<BookingDoc> {
    if (booking.status !== 'requested') throw conflict('Only a booking that is not answered yet can be changed')
    const start = startTime ?? booking.startTime
    const end = endTime ?? booking.endTime
    checkTimes(start, end)
    const changed = (await bookings.findOneAndUpdate(
      // What is confirmed meanwhile is confirmed as it was; of two edits the one that read the other's times wins.
      { _id: booking._id, status: 'requested', updatedAt: booking.updatedAt },
      {
        $set: {
          ...(typeof role === 'string' && { role }),
          ...(start && end && { startTime: start, endTime: end }),
          updatedAt: new Date(),
        },
        ...(role === null && { $unset: { role: '' as const } }),
      },
      { returnDocument: 'after' },
    )) as BookingDoc | null
    if (!changed) throw conflict('The booking has changed meanwhile')
    return changed
  }

  async function page(filter: object, { limit, cursor }: PageRequest): Promise<Page<BookingWire>> {
    return pageById(bookings, filter, { limit, cursor }, (booking) => Booking.toWire(booking))
  }

  return {
    /**
     * Asks for a booking: an owner of the project for a user, or a user for themself. Throws `not_found`, `forbidden`
     * (somebody else's project for somebody else, or blocked by the other side), `invalid` and `conflict`.
     */
    async request(actor: Actor, input: BookingInput): Promise<BookingWire> {
      const { projectId, userId = actor.userId, role, startTime, endTime } = input
      checkTimes(startTime, endTime)
      const stand = await standing(actor, projectId)
      if (!seesProject(actor, stand)) throw notFound('Project')
      const { isOwner, isUser } = stand.sides(userId)
      if (!isOwner && !isUser) throw forbidden('Only an owner of the project books others')
      if (!(await people.existing([userId])).has(userId)) throw notFound('User')
      const otherSide = isUser ? stand.project.ownerId : userId
      if (otherSide !== actor.userId && (await people.hasBlocked(otherSide, actor.userId))) {
        throw forbidden('The other side does not want to hear from you')
      }
      const held = await bookings.countDocuments(
        { userId, status: { $in: ['requested', 'confirmed'] } },
        { limit: maxPending },
      )
      if (held >= maxPending) throw conflict(`Nobody can have more than ${maxPending} bookings ahead`)
      const booking: BookingDoc = {
        _id: newId(),
        projectId,
        userId,
        ...(role !== undefined && { role }),
        status: 'requested',
        ...(startTime && endTime && { startTime, endTime }),
        createdAt: new Date(),
        updatedAt: null,
        requestedBy: isOwner ? 'owner' : 'user',
      }
      await bookings.insertOne(booking)
      // Deleted while it was being asked for.
      if (!(await database.collection(Project).findOne({ _id: projectId }, { projection: { _id: 1 } }))) {
        await bookings.deleteOne({ _id: booking._id })
        throw notFound('Project')
      }
      return Booking.toWire(booking)
    },

    /** Throws `not_found`. */
    get: async (actor: Actor, id: string): Promise<BookingWire> => Booking.toWire((await seen(actor, id)).booking),

    /**
     * Takes a booking to another status, or, while it is not answered, changes what was asked for; not both at once.
     * Throws `not_found`, `forbidden` for the wrong side, `invalid`, and `conflict` for a step that there is not, an
     * overlap, or a change meanwhile.
     */
    async update(actor: Actor, id: string, patch: BookingPatch): Promise<BookingWire> {
      const { booking, sides } = await seen(actor, id)
      const { status, ...change } = patch
      const { requestedBy } = booking
      const isEdit = Object.values(change).some((value) => value !== undefined)
      if (status !== undefined && isEdit)
        throw invalid('A step and a change of what was asked for are two requests', 'status')
      if (status === undefined) {
        if (!bookingPolicy.edit(sides, requestedBy) && !mayManage(actor)) {
          throw forbidden('Only the side that asked changes what was asked for')
        }
        return Booking.toWire(isEdit ? await edit(booking, change) : booking)
      }
      const may = status === 'confirmed' ? bookingPolicy.confirm(sides, requestedBy) : bookingPolicy.end(sides)
      if (!may && !mayManage(actor)) {
        throw forbidden(status === 'confirmed' ? 'Only the other side confirms' : 'Only its two sides do this')
      }
      checkStep(booking.status, status)
      return Booking.toWire(status === 'confirmed' ? await confirm(id, booking.userId) : await step(booking, status))
    },

    /**
     * Removes a booking that is over or was never answered: the side that asked, or of a cancelled one either side.
     * Throws `not_found`, `forbidden` and `conflict`.
     */
    async remove(actor: Actor, id: string): Promise<void> {
      const { booking, sides } = await seen(actor, id)
      const may =
        booking.status === 'cancelled' ? bookingPolicy.end(sides) : bookingPolicy.edit(sides, booking.requestedBy)
      if (!may && !mayManage(actor)) throw forbidden('Only its two sides do this')
      if (booking.status !== 'cancelled' && booking.status !== 'requested') {
        throw conflict(`A booking that is ${booking.status} stays; it can be cancelled`)
      }
      const { deletedCount } = await bookings.deleteOne({ _id: id, status: booking.status })
      if (deletedCount === 0) throw conflict('The booking has changed meanwhile')
    },

    /** Bookings of the actor and of projects that they own, newest first; all for who manages bookings. */
    async list(actor: Actor, filter: BookingFilter & PageRequest): Promise<Page<BookingWire>> {
      const { projectId, userId, status } = filter
      const wanted = {
        ...(projectId !== undefined && { projectId }),
        ...(userId !== undefined && { userId }),
        ...(status !== undefined && { status }),
      }
      if (mayManage(actor)) return page(wanted, filter)
      const led = await database
        .collection(UserProject)
        .find({ userId: actor.userId, role: 'owner' }, { projection: { _id: 0, projectId: 1 } })
        .limit(1_000)
        .toArray()
      const mine = [{ userId: actor.userId }, { projectId: { $in: led.map((each) => each.projectId) } }]
      return page({ $and: [wanted, { $or: mine }] }, filter)
    },

    /** Bookings of a project, newest first: all for its members, for others their own. Throws `not_found`. */
    async ofProject(actor: Actor, projectId: string, filter: BookingFilter & PageRequest): Promise<Page<BookingWire>> {
      const stand = await standing(actor, projectId)
      const all = stand.sides('').isOwner || stand.member !== undefined || mayManage(actor)
      const own = { projectId, userId: actor.userId }
      if (!all && !seesProject(actor, stand)) {
        // Whoever is asked to play on a project that they do not see, sees that they are.
        if (!(await bookings.findOne(own, { projection: { _id: 1 } }))) throw notFound('Project')
      }
      const { status, userId } = filter
      const wanted = { ...(userId !== undefined && { userId }), ...(status !== undefined && { status }) }
      return page({ $and: [all ? { projectId } : own, wanted] }, filter)
    },
  }
}

export type Bookings = ReturnType<typeof createBookings>
