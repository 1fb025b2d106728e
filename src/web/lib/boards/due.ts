import { i18n } from '../i18n/i18n.svelte.ts'

/** `4 Dec`, with the year where it is another; the text itself where it is no date. */
export function shortDate(at: string): string {
  const date = new Date(at)
  if (Number.isNaN(date.getTime())) return at
  const isThisYear = date.getFullYear() === new Date().getFullYear()
  return new Intl.DateTimeFormat(i18n.locale, {
    day: 'numeric',
    month: 'short',
    ...(!isThisYear && { year: 'numeric' }),
  }).format(date)
}

export const isOverdue = (at: string | null): boolean => at !== null && new Date(at).getTime() < Date.now()

/** The day as a field for dates has it, in local time; empty where it is no date. */
export function dayOf(at: string | null): string {
  const date = new Date(at ?? Number.NaN)
  if (Number.isNaN(date.getTime())) return ''
  const two = (n: number) => String(n).padStart(2, '0')
  return `${String(date.getFullYear()).padStart(4, '0')}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
}

/** The end of a day in local time, as an instant; null for no day. */
export function endOf(day: string): string | null {
  const date = new Date(`${day}T23:59:59`)
  return Number.isNaN(date.getTime()) ? null : date.toISOString()
}
