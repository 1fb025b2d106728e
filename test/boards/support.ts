import { WebSocket } from 'ws'
import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'
import { createBoardStore } from '../../src/boards/store.ts'
import { newId } from '../../src/kernel/ids.ts'
import { until } from '../support/socket.ts'
import type { Instance, World } from '../support/world.ts'

export interface Client {
  doc: Y.Doc
  provider: WebsocketProvider
  /** The code that it was closed with for good, where it was. */
  closedBy(): number | undefined
  synced(): Promise<void>
  cards(): Record<string, any>
  close(): void
}

/** A project with its members, past the routes that make them. */
export async function projectOf(
  world: World,
  owner: { id: string },
  members: [person: { id: string }, role: string][] = [],
  isOpen = false,
): Promise<string> {
  const id = newId()
  const createdAt = new Date()
  const project = { _id: id, ownerId: owner.id, title: 'Night train', isOpen, createdAt, updatedAt: null }
  await world.database.collection('projects').insertOne(project as any)
  const rows = [[owner, 'owner'] as const, ...members].map(([person, role]) => ({
    _id: newId(),
    userId: person.id,
    projectId: id,
    role,
    createdAt,
  }))
  await world.database.collection('userprojects').insertMany(rows as any[])
  return id
}

/** How often a test repeats itself: as told, or as often as it is asked for (`npm run soak:boards`). */
export const rounds = (usual: number) => Number(process.env['BOARD_ROUNDS'] ?? usual)
/** For how many seeds a test runs, likewise. */
export const seeds = (usual: number) => Number(process.env['BOARD_SEEDS'] ?? usual)

const opened = new Set<Client>()

/** A stock client at a board. */
export function openBoard(
  world: World,
  projectId: string,
  who: { accessToken: string },
  instance: number | Instance = 0,
  options: { doc?: Y.Doc; state?: Record<string, unknown> | null; protocols?: boolean } = {},
): Client {
  const at = typeof instance === 'number' ? world.instances[instance % world.instances.length]! : instance
  const doc = options.doc ?? new Y.Doc()
  for (const name of ['board', 'columns', 'cards', 'notes']) doc.getMap(name)
  const provider = new WebsocketProvider(`${at.url.replace('http', 'ws')}/boards`, projectId, doc, {
    ...(options.protocols
      ? { protocols: ['phantom-power', `bearer.${who.accessToken}`] }
      : { params: { token: who.accessToken } }),
    WebSocketPolyfill: WebSocket as never,
    disableBc: true,
    connect: false,
  })
  if (options.state !== undefined) provider.awareness.setLocalState(options.state)
  let code: number | undefined
  provider.on(
    'closed' as never,
    ((event: { code: number }) => {
      code = event.code
    }) as never,
  )
  const client: Client = {
    doc,
    provider,
    closedBy: () => code,
    async synced() {
      await until(() => provider.synced, 60_000, 'a client syncs')
    },
    cards: () => doc.getMap('cards').toJSON(),
    close() {
      provider.destroy()
      provider.awareness.destroy()
      doc.destroy()
      opened.delete(client)
    },
  }
  opened.add(client)
  provider.connect()
  return client
}

/** Ends all clients that a test has opened. */
export function closeClients(): void {
  for (const client of [...opened]) client.close()
}

/** Adds a card as an editor does. */
export function addCard(doc: Y.Doc, id: string, title = id): void {
  const card = new Y.Map<unknown>()
  for (const [key, value] of Object.entries({ id, columnId: 'todo', order: 'a0', title })) card.set(key, value)
  doc.getMap('cards').set(id, card)
}

/** A bare WebSocket at a board, for what no stock client sends. */
export async function openRaw(world: World, projectId: string, who: { accessToken: string }, instance = 0) {
  const url = `${world.instances[instance]!.url.replace('http', 'ws')}/boards/${projectId}?token=${who.accessToken}`
  const ws = new WebSocket(url)
  const frames: Buffer[] = []
  let code: number | undefined
  ws.on('message', (data: Buffer) => frames.push(data))
  ws.on('error', () => {})
  ws.on('close', (closed) => {
    code = closed
  })
  await until(() => frames.length > 0 || code !== undefined, 60_000, 'a greeting')
  return { ws, frames, code: () => code }
}

/** The boards of an instance, past its front door. */
export const boardsOf = (world: World, instance = 0) => world.instances[instance]!.app!.services.boards

/** What a document holds that nobody holds open: all that is stored, and no more. */
export async function contentOf(world: World, projectId: string): Promise<any> {
  const stored = await createBoardStore({
    connection: world.database,
    collection: (entity: { spec: { collection: string } }) =>
      world.database.getClient().db(world.database.name).collection(entity.spec.collection),
  } as never).load(projectId)
  const doc = new Y.Doc()
  // As clients do, or `toJSON` does not know them for maps.
  for (const name of ['board', 'columns', 'cards', 'notes']) doc.getMap(name)
  if (stored.snapshot) Y.applyUpdate(doc, stored.snapshot.state)
  for (const { updates } of stored.records) for (const update of updates) Y.applyUpdate(doc, update)
  return doc.toJSON()
}

/** The titles of columns, in their order. */
export const titlesOf = (doc: Y.Doc): string[] =>
  Object.values<any>(doc.getMap('columns').toJSON())
    .sort((one, other) => (one.order < other.order ? -1 : 1))
    .map(({ title }) => title)
