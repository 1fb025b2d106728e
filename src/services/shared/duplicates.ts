const duplicateKey = 11000

/** Whether MongoDB refused a write for a unique index. */
export const isDuplicate = (error: unknown): boolean => (error as { code?: unknown } | null)?.code === duplicateKey

/**
 * Which writes of many MongoDB refused for a unique index, by their places among them. Throws the error again where it
 * is anything else, or something else for one of them.
 */
export function duplicatesOf(error: unknown): number[] {
  const failures = [(error as { writeErrors?: unknown } | null)?.writeErrors ?? []].flat() as {
    index: number
    code: number
  }[]
  if (failures.length === 0 || failures.some(({ code }) => code !== duplicateKey)) throw error
  return failures.map(({ index }) => index)
}
