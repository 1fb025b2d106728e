import { newId } from '../../src/kernel/ids.ts'
import type { Person, World } from '../support/world.ts'

/** A recording as it is stored, of a length as given; without bytes, so that nothing analyses it. Seconds. */
export async function track(
  world: World,
  owner: Person,
  { visibility = 'public', seconds = 10 }: { visibility?: string; seconds?: number | null } = {},
): Promise<{ id: string }> {
  const id = newId()
  await world.database.collection('audiofiles').insertOne({
    _id: id,
    userId: owner.id,
    title: 'Take 1',
    fileUrl: `http://127.0.0.1/api/v1/audio-files/${id}/stream`,
    visibility,
    createdAt: new Date(),
    updatedAt: null,
    ...(seconds !== null && { duration: seconds }),
  } as never)
  return { id }
}
