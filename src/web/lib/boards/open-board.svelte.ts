import type { Board, BoardCardView, BoardState } from '../../../client/boards.ts'
import { PhantomError } from '../../../client/errors.ts'
import { api } from '../api.ts'
import { session } from '../session.svelte.ts'
import { descriptionOf, dueOf } from './edits.ts'

export interface Project {
  id: string
  ownerId: string
  title: string
  description?: string
  isOpen: boolean
  createdAt: string
}

export interface Member {
  userId: string
  projectId: string
  role: string
  createdAt: string
}

export interface ShownCard extends BoardCardView {
  dueAt: string | null
  hasText: boolean
}

export interface ShownColumn {
  id: string
  title: string
  cards: ShownCard[]
}

/** How many names of those who are here are kept. */
const mostPresent = 50

/** A project's board while its page is open: a picture of the document that follows it, and who else is here. */
export class OpenBoard {
  readonly projectId: string
  project = $state.raw<Project | null>(null)
  members = $state.raw<Member[]>([])
  columns = $state.raw<ShownColumn[]>([])
  /** Ids of others who have the board open. */
  present = $state.raw<string[]>([])
  state = $state<BoardState>('connecting')
  mayWrite = $state(false)
  error = $state.raw<unknown>(null)
  board = $state.raw<Board | null>(null)
  #isOver = false
  #isDue = false
  #ends: (() => void)[] = []

  constructor(projectId: string) {
    this.projectId = projectId
  }

  get isOwner(): boolean {
    return this.members.some(({ userId, role }) => userId === session.userId && role === 'owner')
  }

  get isMember(): boolean {
    return this.members.some(({ userId }) => userId === session.userId)
  }

  /** Opens it; `error` says why it could not be. Once a time. */
  async open(): Promise<void> {
    this.error = null
    try {
      await this.refresh()
      if (this.#isOver) return
      const board = await session.client.openBoard(this.projectId)
      if (this.#isOver) return board.close()
      this.board = board
      this.state = board.state
      this.#follow(board)
    } catch (error) {
      if (!this.#isOver) this.error = error
    }
  }

  /** Reads the project anew, its members, and what one may do. */
  async refresh(): Promise<void> {
    const path = `/projects/${this.projectId}`
    const [project, members, { access }] = await Promise.all([
      api<Project>('GET', path),
      api<{ items: Member[] }>('GET', `${path}/members?limit=100`),
      api<{ access: 'write' | 'read' }>('GET', `${path}/board`),
    ])
    if (this.#isOver) return
    this.project = project
    this.members = members.items
    this.mayWrite = access === 'write'
  }

  close(): void {
    this.#isOver = true
    for (const end of this.#ends.splice(0)) end()
    this.board?.close()
  }

  /** The picture as it is now; edits of one's own call it so that what follows sees them. */
  read(): void {
    const { board } = this
    if (!board || this.#isOver) return
    this.columns = board.columns().map(({ id, title }) => ({
      id,
      title,
      cards: board.cards(id).map((card) => ({
        ...card,
        dueAt: dueOf(board, card.id),
        hasText: (descriptionOf(board, card.id)?.length ?? 0) > 0,
      })),
    }))
  }

  card(cardId: string): ShownCard | null {
    for (const { cards } of this.columns) {
      const card = cards.find(({ id }) => id === cardId)
      if (card) return card
    }
    return null
  }

  #follow(board: Board): void {
    const later = () => {
      if (this.#isDue) return
      this.#isDue = true
      // Many updates of one moment are one picture.
      queueMicrotask(() => {
        this.#isDue = false
        this.read()
      })
    }
    board.doc.on('update', later)
    const { awareness } = board.provider
    const look = () => {
      const ids = new Set<string>()
      for (const [clientId, state] of awareness.getStates()) {
        const id: unknown = state['user']?.id
        if (clientId !== awareness.clientID && typeof id === 'string' && id !== session.userId) ids.add(id)
      }
      this.present = [...ids].sort().slice(0, mostPresent)
    }
    awareness.on('change', look)
    // What one may do changes with the role: it is looked at again when coming back.
    const again = () => {
      if (document.visibilityState === 'visible' && board.state === 'live') {
        this.refresh().catch((error) => console.debug('The project could not be read again', error))
      }
    }
    document.addEventListener('visibilitychange', again)
    this.#ends.push(
      board.on('state', ({ state, reason }) => {
        this.state = state
        if (state === 'live') again()
        if (state === 'closed' && !this.#isOver)
          this.error = reason ?? new PhantomError('closed', 'the board is closed')
      }),
      () => board.doc.off('update', later),
      () => awareness.off('change', look),
      () => document.removeEventListener('visibilitychange', again),
    )
    this.read()
    look()
  }
}
