import { WebSocket } from 'ws'
import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'
import type { Random } from '../../shared/random.ts'
import type { Account } from '../account.ts'
import { editAtRandom, MARKS, SHAPE } from './edits.ts'
import type { BoardHistory, Final } from './history.ts'

export interface BoardClient {
  readonly name: string
  readonly board: string
  /** Whether it is connected and has what its instance has. */
  current(): boolean
  connected(): boolean
  /** Cuts its connection, as a lost network does. */
  cut(): void
  /** Makes one random edit, whether it is connected or not. */
  edit(): void
  /** The document as it is now. */
  final(reader?: string): Final
  stop(): void
}

const EDIT = 'edit'

/** A stock client at a board, which goes on at another instance when its own is gone. */
export async function openBoardClient(options: {
  name: string
  board: string
  account: Account
  urls: string[]
  random: Random
  history: BoardHistory
}): Promise<BoardClient> {
  const { name, board, account, urls, random, history } = options
  const doc = new Y.Doc()
  for (const key of SHAPE) doc.getMap(key)
  const addressOf = (url: string) => `${url.replace('http', 'ws')}/boards`
  const first = urls[0]!
  const provider = new WebsocketProvider(addressOf(first), board, doc, {
    params: { token: (await account.token(first)) ?? '' },
    WebSocketPolyfill: WebSocket as never,
    disableBc: true,
    maxBackoffTime: 1_000,
  })
  let stopped = false
  let count = 0

  doc.getMap(MARKS).observe((event, { origin }) => {
    if (origin === EDIT) return
    for (const edit of event.changes.keys.keys()) history.sightings.push({ edit, board, client: name })
  })
  provider.on('connection-close', () => {
    if (stopped) return
    // Mostly the next one, sometimes the same again.
    const url = random.pick(urls)
    provider.serverUrl = addressOf(url)
    void account.token(url).then((token) => {
      if (token) provider.params = { token }
    })
  })
  provider.on('closed', ({ code, reason }) => {
    if (!stopped) history.notices.push({ client: name, kind: 'refused', detail: `${code} ${reason}` })
  })

  return {
    name,
    board,
    current: () => provider.synced && provider.wsconnected,
    connected: () => provider.wsconnected,
    cut: () => (provider.ws as unknown as WebSocket | null)?.terminate(),
    edit() {
      const id = `${name}/${++count}`
      history.edits.push({ id, board, client: name })
      doc.transact(() => {
        editAtRandom(doc, random, id)
        doc.getMap(MARKS).set(id, 1)
      }, EDIT)
    },
    final: (reader = name) => ({
      board,
      reader,
      stateVector: Buffer.from(Y.encodeStateVector(doc)).toString('hex'),
      content: JSON.stringify(sorted(doc.toJSON())),
      edits: [...doc.getMap(MARKS).keys()],
    }),
    stop() {
      stopped = true
      provider.destroy()
      provider.awareness.destroy()
    },
  }
}

/** The same value with the keys of its objects in order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1))
  return Object.fromEntries(entries.map(([key, item]) => [key, sorted(item)]))
}
