import { z } from 'zod'

const maxDepth = 20

/** What MongoDB can't hold, or would take for something else: too deep, or keys with a meaning of their own there. */
function fault(value: unknown, depth: number): string | undefined {
  if (value === null || typeof value !== 'object') return undefined
  if (depth > maxDepth) return `must not be deeper than ${maxDepth} levels`
  for (const [key, inner] of Object.entries(value)) {
    if (key.startsWith('$') || key.includes('\u0000') || key === '_bsontype' || key === '__proto__') {
      return `must not have the key ${JSON.stringify(key.slice(0, 40))}`
    }
    const found = fault(inner, depth + 1)
    if (found) return found
  }
  return undefined
}

/** A JSON object of any content that clients send to be kept: at most so many bytes, and not too deep. */
export const jsonObject = (maxBytes: number) =>
  z.record(z.string(), z.unknown()).superRefine((value, context) => {
    const message =
      fault(value, 1) ??
      (Buffer.byteLength(JSON.stringify(value)) > maxBytes ? `must be at most ${maxBytes} bytes as JSON` : undefined)
    if (message) context.addIssue({ code: 'custom', message })
  })
