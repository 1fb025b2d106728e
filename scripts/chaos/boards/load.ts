import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '../../shared/random.ts'
import { type Account, register } from '../account.ts'
import { type BoardClient, openBoardClient } from './client.ts'
import type { BoardHistory } from './history.ts'
import { STORED } from './history.ts'

export interface BoardLoad {
  clients: BoardClient[]
  start(): void
  /** No new edits; waits until all documents of a board are the same, at most `maxMs`, and writes down what they are. */
  settle(maxMs: number): Promise<void>
  /** Reads each board as a new client at instances that have just started: what MongoDB holds. */
  readStored(): Promise<void>
  stop(): void
}

const BOARDS = 2
const CLIENTS = 4
/** Between two edits of a client, in milliseconds. */
const PAUSE_MS: [number, number] = [300, 900]
const READ_MS = 60_000

/** Makes projects with their members and opens their boards; all must be well meanwhile. */
export async function createBoardLoad(
  urls: string[],
  random: Random,
  history: BoardHistory,
  size: { boards?: number; clients?: number; pauseMs?: [number, number] } = {},
): Promise<BoardLoad> {
  const { boards = BOARDS, clients: each = CLIENTS, pauseMs = PAUSE_MS } = size
  const url = urls[0]!
  const accounts: Account[] = []
  for (let index = 0; index < each; index++) accounts.push(await register(url, `board${index}`))
  const ids: string[] = []
  const clients: BoardClient[] = []
  for (let at = 0; at < boards; at++) {
    const { id } = await post(url, accounts[0]!, '/projects', { title: `Chaos ${at}` })
    ids.push(id)
    for (const { userId } of accounts.slice(1)) {
      await post(url, accounts[0]!, `/projects/${id}/members`, { userId, role: 'editor' })
    }
    for (const [index, account] of accounts.entries()) {
      const name = `board${at}.${index}`
      // Each begins at another instance.
      const own = [...urls.slice(index % urls.length), ...urls.slice(0, index % urls.length)]
      clients.push(await openBoardClient({ name, board: id, account, urls: own, random: random.fork(name), history }))
    }
  }
  await until(() => clients.every((client) => client.current()), READ_MS, 'every client of a board has synced')
  let ended = false

  async function live(client: BoardClient) {
    const own = random.fork(`pauses of ${client.name}`)
    while (!ended) {
      await sleep(own.int(...pauseMs))
      if (!ended) client.edit()
    }
  }

  const areEqual = () =>
    ids.every((id) => {
      const states = clients.filter(({ board }) => board === id).map((client) => client.final().stateVector)
      return new Set(states).size === 1
    })

  return {
    clients,
    start() {
      for (const client of clients) void live(client)
    },
    async settle(maxMs) {
      ended = true
      const deadline = performance.now() + maxMs
      const isAtRest = () => clients.every((client) => client.current()) && areEqual()
      while (!isAtRest() && performance.now() < deadline) await sleep(100)
      for (const client of clients) {
        if (!client.current()) history.notices.push({ client: client.name, kind: 'stuck', detail: 'not synced' })
        history.finals.push(client.final())
      }
    },
    async readStored() {
      for (const board of ids) {
        const own = { edits: [], sightings: [], finals: [], notices: [] }
        const name = `${STORED} ${board}`
        const reader = await openBoardClient({
          ...{ name, board, account: accounts[0]!, urls, random: random.fork(name), history: own },
        })
        try {
          await until(() => reader.current(), READ_MS, `board ${board} can be read`)
          history.finals.push(reader.final(STORED))
        } finally {
          reader.stop()
        }
      }
    },
    stop() {
      ended = true
      for (const client of clients) client.stop()
    },
  }
}

async function post(url: string, account: Account, path: string, body: object): Promise<any> {
  const response = await fetch(`${url}/api/v1${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await account.token(url)}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(10_000),
  })
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
  return response.json()
}

async function until(condition: () => boolean, maxMs: number, what: string): Promise<void> {
  const deadline = performance.now() + maxMs
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`Waited ${maxMs} ms in vain until ${what}`)
    await sleep(50)
  }
}
