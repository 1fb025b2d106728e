import type { mongo } from 'mongoose'

/**
 * A patch as MongoDB's update: null takes a field away, what is undefined stays as it is. `updatedAt` is set in any
 * case. Which fields a patch may have is the route's to say.
 */
export function toUpdate(patch: Record<string, unknown>): mongo.UpdateFilter<any> {
  const set: Record<string, unknown> = { updatedAt: new Date() }
  const unset: Record<string, ''> = {}
  for (const [field, value] of Object.entries(patch)) {
    if (value === null) unset[field] = ''
    else if (value !== undefined) set[field] = value
  }
  // MongoDB takes no empty $unset.
  return { $set: set, ...(Object.keys(unset).length > 0 && { $unset: unset }) }
}
