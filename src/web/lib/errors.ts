import { PhantomError } from '../../client/errors.ts'
import { t } from './i18n/i18n.svelte.ts'

/** Codes whose text the server knows better than a sentence for all cases. */
const specific = new Set(['forbidden', 'conflict', 'invalid', 'too_large', 'unsupported_media'])

/**
 * A sentence that says what happened and what to do. `own` gives the sentence of a code where the place knows better.
 */
export function describeError(error: unknown, own: Partial<Record<string, string>> = {}): string {
  const { errors } = t()
  if (!(error instanceof PhantomError)) return error instanceof TypeError ? errors.unavailable : errors.internal
  const sentence = own[error.code]
  if (sentence) return sentence
  const known = (errors as Record<string, unknown>)[error.code]
  const general = typeof known === 'string' ? known : errors.internal
  const detail = specific.has(error.code) && error.message && error.message !== error.code ? ` (${error.message})` : ''
  return general + detail
}

/** The fields that the server found wrong, by name: `{email: 'must be …'}`. */
export function fieldErrors(error: unknown): Record<string, string> {
  if (!(error instanceof PhantomError) || !Array.isArray(error.details)) return {}
  const fields: Record<string, string> = {}
  for (const issue of error.details as { path?: unknown; message?: unknown }[]) {
    const name = String(issue.path ?? '').replace(/^(body|path|query)\./, '')
    if (name && typeof issue.message === 'string') fields[name] ??= issue.message
  }
  return fields
}

/** Whether an error has this code. */
export const hasCode = (error: unknown, code: PhantomError['code']): boolean =>
  error instanceof PhantomError && error.code === code
