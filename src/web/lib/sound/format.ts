import { i18n } from '../i18n/i18n.svelte.ts'

/** `3:05`, or `1:02:03` from an hour on. Seconds that are not known give `–:––`. */
export function playTime(seconds: number | undefined): string {
  if (seconds === undefined || !Number.isFinite(seconds)) return '–:––'
  const whole = Math.max(0, Math.floor(seconds))
  const two = (n: number) => String(n).padStart(2, '0')
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60]
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`
}

/** A number as the language writes it, with at most `digits` after the point. */
export function number(value: number, digits = 1): string {
  return new Intl.NumberFormat(i18n.locale, { maximumFractionDigits: digits }).format(value)
}

/** `87 %`. */
export const percent = (part: number): string =>
  new Intl.NumberFormat(i18n.locale, { style: 'percent', maximumFractionDigits: 0 }).format(part)

/** `4.2 MB`. */
export function bytes(count: number): string {
  const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte']
  const power = Math.min(units.length - 1, count > 0 ? Math.floor(Math.log10(count) / 3) : 0)
  const options = { style: 'unit', unit: units[power]!, unitDisplay: 'short', maximumFractionDigits: 1 } as const
  return new Intl.NumberFormat(i18n.locale, options).format(count / 1000 ** power)
}
