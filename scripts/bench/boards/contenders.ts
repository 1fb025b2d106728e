import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { serverArguments } from '../../shared/server-command.ts'
import { Accounts } from '../lib/accounts.ts'
import { type Child, freePort, startChild, waitFor } from '../lib/children.ts'
import type { Stores } from '../lib/stores.ts'
import type { BoardAddress } from './socket.ts'

export const NAMES = ['ours', 'hocuspocus', 'y-websocket', 'y-websocket-leveldb', 'relay'] as const
export type Name = (typeof NAMES)[number]

export interface Contender {
  name: Name
  pid(): number
  /** Whether it gives an update back to its writer. */
  echoes: boolean
  /** New, empty documents, by name. */
  create(count: number): Promise<string[]>
  /** Where `clients` clients reach a document. */
  addresses(document: string, clients: number): Promise<BoardAddress[]>
  /** Its URL, for stock clients, with what they are to be given. */
  stock(document: string): Promise<{ url: string; name: string; params: Record<string, string> }>
  /** Ends and starts it, on the same port and with what it has stored. */
  restart(): Promise<void>
  stop(): Promise<void>
}

const root = fileURLToPath(new URL('../../../', import.meta.url))
/** Editors of each of our boards; more clients than that are further connections of theirs. */
const EDITORS = 10

/** The stock server as the package has it: its own process, with its own version of ws. */
function stockServer(): string {
  const file = createRequire(import.meta.url).resolve('@y/websocket-server/package.json')
  return join(dirname(file), 'src/server.js')
}

/** Starts a server in a process of its own; with `hook` it collects garbage on SIGUSR2. */
export async function startContender(name: Name, measure: string, stores: Stores, hook = false): Promise<Contender> {
  const label = `bench_boards_${measure}_${name}`.replaceAll('-', '_')
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const directory = join(stores.dir, label)
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    ...{ HOST: '127.0.0.1', PORT: String(port), LOG_LEVEL: 'warn', DATA_DIR: directory, REDIS_URL: undefined },
    ...{ MONGODB_URI: stores.mongoUri(label), RATE_LIMITS: 'off', JWT_SECRET: randomBytes(32).toString('hex') },
    YPERSISTENCE: name === 'y-websocket-leveldb' ? directory : undefined,
  }
  // The peers get the flags of V8 that we give ourselves.
  const flags = serverArguments().filter((argument) => argument.startsWith('--'))
  const hooks = hook ? ['--expose-gc', '--import', 'tsx', '--import', join(root, 'scripts/bench/lib/gc-hook.ts')] : []
  const script =
    name === 'ours'
      ? serverArguments()
      : name === 'hocuspocus' || name === 'relay'
        ? [...flags, '--import', 'tsx', join(root, `scripts/bench/peers/${name}.ts`)]
        : [...flags, stockServer()]
  const probe = name === 'ours' ? `${url}/readyz` : url
  const start = async (): Promise<Child> => {
    const started = startChild(process.execPath, [...hooks, ...script], env)
    await waitFor(name, started, async () => (await fetch(probe)).ok)
    return started
  }
  let child = await start()
  const ours = name === 'ours' ? await createOurs(url) : null
  return {
    name,
    pid: () => child.pid,
    echoes: name !== 'ours' && name !== 'relay',
    create: async (count) =>
      ours ? ours.create(count) : Array.from({ length: count }, () => randomBytes(8).toString('hex')),
    async addresses(document, clients) {
      const tokens = ours ? await ours.tokensFor(document) : []
      return Array.from({ length: clients }, (_, index) => ({
        host: '127.0.0.1',
        port,
        path: ours ? `/boards/${document}?token=${tokens[index % tokens.length]}` : `/${document}`,
        name: name === 'hocuspocus' ? document : null,
      }))
    },
    async stock(document) {
      const params: Record<string, string> = ours ? { token: (await ours.tokensFor(document))[0]! } : {}
      return { url: `ws://127.0.0.1:${port}${ours ? '/boards' : ''}`, name: document, params }
    },
    async restart() {
      await child.stop()
      child = await start()
    },
    async stop() {
      await child.stop()
      await stores.drop(label)
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** People and projects of our own server, over its public contract. */
async function createOurs(url: string) {
  const accounts = await Accounts.register(url, EDITORS)
  const post = async (path: string, token: string, body: object) => {
    const response = await fetch(`${url}/api/v1${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
    return (await response.json()) as any
  }
  /** By project; nobody can be in all of a thousand. */
  const owners = new Map<string, number>()
  return {
    /** The tokens of those who may write there, the owner's first. */
    async tokensFor(projectId: string): Promise<string[]> {
      const owner = owners.get(projectId) ?? 0
      const tokens = await accounts.tokens()
      return [...tokens.slice(owner), ...tokens.slice(0, owner)]
    },
    async create(count: number): Promise<string[]> {
      const ids: string[] = []
      for (let at = 0; at < count; at++) {
        const owner = at % EDITORS
        const token = (await accounts.tokens())[owner]!
        const project = await post('/projects', token, { title: `Bench ${at}` })
        ids.push(project.id)
        owners.set(project.id, owner)
        for (const [index, userId] of accounts.userIds().entries()) {
          // A thousand small boards have one client each, their owner's.
          if (count > 10 || index === owner) continue
          await post(`/projects/${project.id}/members`, token, { userId, role: 'editor' })
        }
      }
      return ids
    },
  }
}
