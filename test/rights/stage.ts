import { makeAdmin, makeModerator } from '../support/staff.ts'
import type { AskOptions, Person, World } from '../support/world.ts'
import { fresh } from '../support/worlds.ts'

export const callers = ['anonymous', 'stranger', 'owner', 'moderator', 'admin'] as const
export type Caller = (typeof callers)[number]

/** The people of the walk, and how to make what they quarrel about. */
export interface Stage {
  world: World
  stranger: Person
  owner: Person
  moderator: Person
  admin: Person
  /** Somebody else, whom the owner knows. */
  peer: Person
  /** A REST request that has to succeed; gives its body. */
  ask(method: string, path: string, options?: AskOptions): Promise<any>
  /** A new person. */
  person(): Promise<Person>
  /** The same person in a session of its own, to be ended. */
  again(person: Person): Promise<Person>
  /** A room of the owner's, with the peer in it. */
  room(visibility?: 'public' | 'private'): Promise<{ id: string }>
  /** What the owner said in a room of the owner's. */
  said(visibility?: 'public' | 'private'): Promise<{ id: string; messageId: string }>
  /** What the owner wrote to the peer. */
  written(): Promise<{ id: string }>
  profileOf(person: Person): Promise<{ id: string }>
}

export async function createStage(world: World): Promise<Stage> {
  const admin = await makeAdmin(world)
  const moderator = await makeModerator(world, admin)
  const [stranger, owner, peer] = (await world.users('Stranger', 'Owner', 'Peer')) as [Person, Person, Person]

  const stage: Stage = {
    world,
    admin,
    moderator,
    stranger,
    owner,
    peer,
    async ask(method, path, options) {
      const { status, body } = await world.ask(method, `/api/v1${path}`, options)
      if (status >= 400) throw new Error(`${method} ${path} answered ${status}: ${JSON.stringify(body)}`)
      return body
    },
    person: () => world.user(),
    async again(person) {
      const { email, password } = person
      const { accessToken, refreshToken, session } = await stage.ask('POST', '/auth/login', {
        body: { email, password },
      })
      return { ...person, accessToken, refreshToken, sessionId: session.id }
    },
    room: (visibility = 'private') =>
      stage.ask('POST', '/chat-rooms', {
        as: owner,
        body: { name: fresh('Room'), visibility, memberIds: [peer.id] },
      }),
    async said(visibility) {
      const { id } = await stage.room(visibility)
      const message = await stage.ask('POST', `/chat-rooms/${id}/messages`, { as: owner, body: { content: 'hello' } })
      return { id, messageId: message.id }
    },
    written: () => stage.ask('POST', '/messages', { as: owner, body: { userId: peer.id, content: 'hello' } }),
    profileOf: (person) => stage.ask('GET', `/users/${person.id}/profile`, { as: owner }),
  }
  return stage
}
