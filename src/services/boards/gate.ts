import type { Actor } from '../../kernel/actor.ts'
import { forbidden } from '../../kernel/errors.ts'
import type { Projects } from '../projects/projects.ts'

/** Who comes to which board. Both throw `not_found` where the project is not there for the actor. */
export function createGate(projects: Pick<Projects, 'see'>) {
  return {
    reader: (actor: Actor, projectId: string) => projects.see(actor, projectId),
    /** Throws `forbidden` for those who only read. */
    async writer(actor: Actor, projectId: string) {
      const seen = await projects.see(actor, projectId)
      if (seen.board !== 'write') throw forbidden('You may only read this board')
      return seen
    },
  }
}

export type Gate = ReturnType<typeof createGate>
