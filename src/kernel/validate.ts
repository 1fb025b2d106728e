import type { z } from 'zod'
import { AppError, type Issue } from './errors.ts'

const mostIssues = 20
const cut = (text: string) => (text.length > 200 ? `${text.slice(0, 199)}…` : text)

/** The faults that zod found, at most 20 and each short: they can quote what the caller sent. */
export const issuesOf = (error: z.ZodError): Issue[] =>
  error.issues
    .slice(0, mostIssues)
    .map((issue) => ({ path: cut(issue.path.map(String).join('.')), message: cut(issue.message) }))

/** Checks and decodes an input. Throws `invalid` with its faults. */
export function parseInput<T extends z.ZodType>(type: T, value: unknown, what: string): z.output<T> {
  const result = type.safeParse(value)
  if (result.success) return result.data
  const details = issuesOf(result.error)
  const first = details[0]
  const where = first?.path ? `${what}: ${first.path}` : what
  throw new AppError('invalid', first ? `${where}: ${first.message}` : `${what} is invalid`, { details })
}
