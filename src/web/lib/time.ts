import { i18n, t } from './i18n/i18n.svelte.ts'

const cache = new Map<string, Intl.DateTimeFormat>()

function format(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${i18n.locale}${JSON.stringify(options)}`
  const known = cache.get(key) ?? new Intl.DateTimeFormat(i18n.locale, options)
  cache.set(key, known)
  return known
}

/** `14:05`, as the language writes it. */
export const clock = (at: string): string => format({ hour: 'numeric', minute: '2-digit' }).format(new Date(at))

/** Date and time in full. */
export const fullTime = (at: string): string => format({ dateStyle: 'full', timeStyle: 'short' }).format(new Date(at))

/** `3 March 2026`. */
export const dateOf = (at: string): string => format({ dateStyle: 'long' }).format(new Date(at))

/** Today, yesterday, or the date. */
export function dayName(at: string): string {
  const day = new Date(at)
  const today = new Date()
  if (day.toDateString() === today.toDateString()) return t().talk.today
  today.setDate(today.getDate() - 1)
  if (day.toDateString() === today.toDateString()) return t().talk.yesterday
  const isThisYear = day.getFullYear() === new Date().getFullYear()
  return format({ weekday: 'long', day: 'numeric', month: 'long', ...(!isThisYear && { year: 'numeric' }) }).format(day)
}

/** How long ago, in the largest unit that fits: `5 min ago`. */
export function ago(at: string): string {
  const seconds = (new Date(at).getTime() - Date.now()) / 1000
  const past = Math.abs(seconds)
  if (past < 45) return t().time.now
  const relative = new Intl.RelativeTimeFormat(i18n.locale, { numeric: 'auto', style: 'short' })
  if (past < 3_600) return relative.format(Math.round(seconds / 60), 'minute')
  if (past < 86_400) return relative.format(Math.round(seconds / 3_600), 'hour')
  if (past < 7 * 86_400) return relative.format(Math.round(seconds / 86_400), 'day')
  return dateOf(at)
}

/** The shortest that tells: a time today, a weekday this week, else a date. */
export function shortTime(at: string): string {
  const day = new Date(at)
  if (day.toDateString() === new Date().toDateString()) return clock(at)
  if (Date.now() - day.getTime() < 6 * 86_400_000) return format({ weekday: 'short' }).format(day)
  return format({ day: 'numeric', month: 'short' }).format(day)
}

/** `Tuesday, 3 March 2026`. */
export const fullDay = (day: Date): string => format({ dateStyle: 'full' }).format(day)

/** `March 2026`. */
export const monthName = (day: Date): string => format({ month: 'long', year: 'numeric' }).format(day)

/** The names of the days, from the one that a week begins with: `Mo` and `Monday`. */
export const weekdayNames = (days: Date[]): { short: string; long: string }[] =>
  days.map((day) => ({
    short: format({ weekday: 'short' }).format(day),
    long: format({ weekday: 'long' }).format(day),
  }))

/** The first to the last day of a span: `2 – 8 March 2026`. */
export const spanOfDays = (from: Date, to: Date): string => format({ dateStyle: 'long' }).formatRange(from, to)

/** From when to when, with the date where it is asked for or where the two are of several days; other years are named. */
export function timeSpan(start: string, end: string, withDate = false): string {
  const [from, to] = [new Date(start), new Date(end)]
  const oneDay = from.toDateString() === to.toDateString()
  const time = { hour: 'numeric', minute: '2-digit' } as const
  const isThisYear = [from, to].every((day) => day.getFullYear() === new Date().getFullYear())
  const date = {
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    ...(isThisYear ? {} : { year: 'numeric' as const }),
  } as const
  return format({ ...(withDate || !oneDay ? date : {}), ...time }).formatRange(from, to)
}
