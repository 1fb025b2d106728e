import { i18n } from '../i18n/i18n.svelte.ts'

/** A day where we are, as `2026-09-01`. */
export function dayKey(date: Date): string {
  const two = (n: number) => String(n).padStart(2, '0')
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
}

/** Midnight of a day; null for what names none. */
export function dayOf(key: string): Date | null {
  const [year, month, day] = key.split('-').map(Number)
  if (!year || !month || !day) return null
  const date = new Date(year, month - 1, day)
  return dayKey(date) === key ? date : null
}

/** So many days on; a day of 23 or 25 hours is one as well. */
export const addDays = (date: Date, days: number): Date =>
  new Date(date.getFullYear(), date.getMonth(), date.getDate() + days)

/** The same day of another month, or its last where that has fewer. */
export function addMonths(date: Date, months: number): Date {
  const last = new Date(date.getFullYear(), date.getMonth() + months + 1, 0).getDate()
  return new Date(date.getFullYear(), date.getMonth() + months, Math.min(date.getDate(), last))
}

/** Which day a week begins with where the reader is, as `Date.getDay` counts: 1 where the browser does not tell. */
export function firstWeekday(): number {
  const locale = new Intl.Locale(i18n.locale) as Intl.Locale & {
    getWeekInfo?: () => { firstDay: number }
    weekInfo?: { firstDay: number }
  }
  const firstDay = locale.getWeekInfo?.().firstDay ?? locale.weekInfo?.firstDay ?? 1
  return firstDay % 7
}

/** The first day of the week that a day is in. */
export const weekOf = (date: Date, first: number): Date => addDays(date, -((date.getDay() - first + 7) % 7))

export const daysOfWeek = (date: Date, first: number): Date[] =>
  Array.from({ length: 7 }, (_, at) => addDays(weekOf(date, first), at))

/** The weeks that a month touches, each of seven days. */
export function weeksOfMonth(date: Date, first: number): Date[][] {
  const weeks: Date[][] = []
  const next = new Date(date.getFullYear(), date.getMonth() + 1, 1)
  for (let day = weekOf(new Date(date.getFullYear(), date.getMonth(), 1), first); day < next; day = addDays(day, 7)) {
    weeks.push(daysOfWeek(day, first))
  }
  return weeks
}

/** A moment as an input of type `datetime-local` takes it, or nothing. */
export function toLocalInput(at: string | undefined): string {
  if (!at) return ''
  const date = new Date(at)
  const two = (n: number) => String(n).padStart(2, '0')
  return `${dayKey(date)}T${two(date.getHours())}:${two(date.getMinutes())}`
}

/** What such an input holds, as the server takes it; undefined while it holds nothing whole. */
export function fromLocalInput(text: string): string | undefined {
  const date = new Date(text)
  return text && !Number.isNaN(date.getTime()) ? date.toISOString() : undefined
}
