import { SvelteMap } from 'svelte/reactivity'
import { PhantomError } from '../../../client/errors.ts'
import { api, type Page, readAll } from '../api.ts'
import type { Project } from '../boards/open-board.svelte.ts'
import { describeError, hasCode } from '../errors.ts'
import { t } from '../i18n/i18n.svelte.ts'
import { session } from '../session.svelte.ts'
import { addDays, dayKey } from './calendar.ts'

export type BookingStatus = 'requested' | 'confirmed' | 'cancelled' | 'completed'

export interface Booking {
  id: string
  projectId: string
  userId: string
  role?: string
  status: BookingStatus
  startTime?: string
  endTime?: string
  createdAt: string
  requestedBy: 'owner' | 'user'
}

/** What can be done with a booking as it is. */
export type Step = 'confirm' | 'decline' | 'withdraw' | 'cancel' | 'complete' | 'edit' | 'remove'

/** Pages of a hundred that are read: the newest thousand, which is as many as one can have ahead. */
const mostPages = 10
/** A booking shows on so many days at most. */
const mostDays = 62

/** The bookings that a page shows: one's own and those of one's projects, or those of one project. */
export class Bookings {
  readonly projectId: string | null
  list = $state.raw<Booking[] | null>(null)
  /** Whether there are older ones that were not read. */
  isCut = $state(false)
  error = $state.raw<unknown>(null)
  /** Projects by id; null for one that one may not see. */
  projects = new SvelteMap<string, Project | null>()
  /** Ids of the projects that one leads. */
  led = $state.raw<Set<string>>(new Set())
  #turn = 0

  constructor(projectId: string | null) {
    this.projectId = projectId
  }

  async load(): Promise<void> {
    const turn = ++this.#turn
    try {
      const [list, mine] = await Promise.all([this.#read(), api<Page<Project>>('GET', '/projects?limit=100')])
      const ids = new Set([
        ...list.items.map(({ projectId }) => projectId),
        ...(this.projectId ? [this.projectId] : []),
      ])
      const known = new Map<string, Project | null>(mine.items.map((each) => [each.id, each]))
      const others = [...ids].filter((id) => !known.has(id))
      await Promise.all(others.map(async (id) => known.set(id, await projectOf(id))))
      if (turn !== this.#turn) return
      const me = session.userId
      const owned = [...known.values()].filter((each) => each?.ownerId === me).map((each) => each!.id)
      // What is listed as one's own and is for somebody else is of a project that one leads.
      const led =
        this.projectId || session.may('Booking', 'manage')
          ? []
          : list.items.filter(({ userId }) => userId !== me).map(({ projectId }) => projectId)
      const role = this.projectId ? await this.#ownRole(this.projectId) : null
      if (turn !== this.#turn) return
      for (const [id, project] of known) this.projects.set(id, project)
      this.led = new Set([...owned, ...led, ...(role === 'owner' ? [this.projectId!] : [])])
      this.list = list.items
      this.isCut = list.isCut
      this.error = null
    } catch (error) {
      if (turn === this.#turn) this.error = error
    }
  }

  /** Asks for a booking; it shows at once. */
  async request(body: Record<string, unknown>): Promise<Booking> {
    return this.#keep(await api<Booking>('POST', '/bookings', body))
  }

  async change(id: string, body: Record<string, unknown>): Promise<Booking> {
    return this.#keep(await api<Booking>('PATCH', `/bookings/${id}`, body))
  }

  /** Takes a step, and shows what came of it; where it failed, also what has changed meanwhile. */
  async take(booking: Booking, step: Exclude<Step, 'edit'>): Promise<void> {
    try {
      if (step === 'remove') {
        await api('DELETE', `/bookings/${booking.id}`)
        this.list = this.list?.filter(({ id }) => id !== booking.id) ?? null
      } else await this.change(booking.id, { status: statusAfter[step] })
    } catch (error) {
      if (hasCode(error, 'conflict') || hasCode(error, 'not_found')) void this.load()
      throw error
    }
  }

  /** What one may do with a booking. The server has the last word. */
  stepsOf({ status, userId, projectId, requestedBy }: Booking): Step[] {
    const isUser = userId === session.userId
    const isOwner = this.led.has(projectId)
    const manages = session.may('Booking', 'manage')
    const asked = requestedBy === 'owner' ? isUser : isOwner
    const asks = requestedBy === 'owner' ? isOwner : isUser
    if (status === 'requested') {
      const answers: Step[] = asked || manages ? ['confirm'] : []
      if (asks) return [...answers, 'edit', 'withdraw']
      return asked || manages ? [...answers, 'decline'] : []
    }
    if (!isUser && !isOwner && !manages) return []
    if (status === 'confirmed') return ['complete', 'cancel']
    return status === 'cancelled' ? ['remove'] : []
  }

  get(id: string): Booking | undefined {
    return this.list?.find((each) => each.id === id)
  }

  titleOf(projectId: string): string {
    const project = this.projects.get(projectId)
    return project?.title ?? (project === null ? t().bookings.hiddenProject : '…')
  }

  #keep(booking: Booking): Booking {
    const rest = (this.list ?? []).filter(({ id }) => id !== booking.id)
    this.list = [...rest, booking]
    return booking
  }

  #read(): Promise<{ items: Booking[]; isCut: boolean }> {
    return readAll(this.projectId ? `/projects/${this.projectId}/bookings` : '/bookings', mostPages)
  }

  async #ownRole(projectId: string): Promise<string | null> {
    try {
      const { items } = await api<Page<{ userId: string; role: string }>>(
        'GET',
        `/projects/${projectId}/members?limit=100`,
      )
      return items.find(({ userId }) => userId === session.userId)?.role ?? null
    } catch (error) {
      // Whoever is asked to play on a closed project does not see who is in it.
      if (hasCode(error, 'not_found')) return null
      throw error
    }
  }
}

const statusAfter = {
  confirm: 'confirmed',
  decline: 'cancelled',
  withdraw: 'cancelled',
  cancel: 'cancelled',
  complete: 'completed',
} as const

async function projectOf(id: string): Promise<Project | null> {
  try {
    return await api<Project>('GET', `/projects/${id}`)
  } catch (error) {
    if (hasCode(error, 'not_found')) return null
    throw error
  }
}

/** Bookings by the days they are on, earliest first; those without a time are left out. */
export function byDay(bookings: Booking[]): Map<string, Booking[]> {
  const days = new Map<string, Booking[]>()
  const timed = bookings.filter(({ startTime, endTime }) => startTime && endTime)
  for (const booking of timed.sort((a, b) => a.startTime!.localeCompare(b.startTime!))) {
    // One that ends at midnight is not on the day that begins then.
    const last = dayKey(new Date(new Date(booking.endTime!).getTime() - 1))
    let day = new Date(booking.startTime!)
    for (let count = 0; count < mostDays; count++) {
      const key = dayKey(day)
      days.set(key, [...(days.get(key) ?? []), booking])
      if (key >= last) break
      day = addDays(day, 1)
    }
  }
  return days
}

/** What went wrong with a booking: of two that overlap it is said so. */
export function describeBookingError(error: unknown): string {
  const overlaps = error instanceof PhantomError && error.code === 'conflict' && /overlap/i.test(error.message)
  return describeError(error, {
    conflict: overlaps ? t().bookings.overlaps : t().bookings.changed,
    ...(error instanceof PhantomError && error.message.includes('hear from you') && { forbidden: t().errors.blocked }),
  })
}
