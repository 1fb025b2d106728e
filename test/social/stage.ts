import { newId } from '../../src/kernel/ids.ts'
import type { AskOptions, Person, World } from '../support/world.ts'

type Insert = (name: string, doc: object) => Promise<string>

/** Puts things into the database that other routes would make, and asks as people do. */
export function createStage(world: () => World) {
  const insert: Insert = async (name, doc) => {
    const _id = newId()
    await world()
      .database.collection(name)
      .insertOne({ _id, createdAt: new Date(), updatedAt: null, ...doc } as never)
    return _id
  }
  return {
    insert,
    /** A recording of somebody's; its id. */
    audio: (owner: Person, visibility = 'public', more: object = {}) =>
      insert('audiofiles', {
        userId: owner.id,
        title: 'Take one',
        fileUrl: 'https://example.com/take.mp3',
        visibility,
        ...more,
      }),
    project: async (owner: Person, isOpen = true) => {
      const id = await insert('projects', { ownerId: owner.id, title: 'EP', isOpen })
      await insert('userprojects', { userId: owner.id, projectId: id, role: 'owner' })
      return id
    },
    member: (userId: string, projectId: string, role = 'editor') => insert('userprojects', { userId, projectId, role }),
    tag: (name: string) => insert('tags', { name, nameKey: name.toLowerCase() }),
    profileId: async (person: Person) =>
      String((await world().database.collection('profiles').findOne({ userId: person.id }))!._id),
    /** Asks, and fails where the status is another. Returns the body. */
    async ask(status: number, method: string, path: string, options: AskOptions = {}): Promise<any> {
      const answer = await world().ask(method, `/api/v1${path}`, options)
      if (answer.status !== status) {
        throw new Error(`${method} ${path}: ${answer.status} not ${status}: ${JSON.stringify(answer.body)}`)
      }
      return answer.body
    },
    /** All items of a list, page by page. */
    async all(path: string, options: AskOptions = {}, limit = 2): Promise<any[]> {
      const items: any[] = []
      let cursor: string | null = null
      for (let pages = 0; pages < 100; pages++) {
        const more: string = cursor === null ? '' : `&cursor=${cursor}`
        const answer = await world().ask(
          'GET',
          `/api/v1${path}${path.includes('?') ? '&' : '?'}limit=${limit}${more}`,
          options,
        )
        if (answer.status !== 200) throw new Error(`GET ${path}: ${answer.status}`)
        items.push(...answer.body.items)
        cursor = answer.body.nextCursor
        if (cursor === null) return items
      }
      throw new Error(`${path} has no end`)
    },
  }
}
