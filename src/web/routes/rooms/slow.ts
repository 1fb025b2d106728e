import { t } from '../../lib/i18n/i18n.svelte.ts'

/** Times that a slow mode can have, in seconds. */
export const slowModes = [0, 5, 10, 30, 60, 300, 900, 3_600]

/** A span in words: `30 seconds`, `5 minutes`. */
export const spanOf = (seconds: number): string =>
  seconds % 60 === 0 ? t().rooms.minutes(seconds / 60) : t().rooms.seconds(seconds)
