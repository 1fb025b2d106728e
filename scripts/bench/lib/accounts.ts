import { RawSocket } from './socket.ts'

const TOKEN_GOOD_MS = 8 * 60_000

interface Account {
  accessToken: string
  refreshToken: string
  userId: string
}

/** Our own server's users, made over the public contract. */
export class Accounts {
  private readonly accounts: Account[]
  private readonly url: string
  private issuedAt = performance.now()

  private constructor(url: string, accounts: Account[]) {
    this.url = url
    this.accounts = accounts
  }

  /** Registers `count` users, eight at a time: hashing their passwords is what it costs. */
  static async register(url: string, count: number): Promise<Accounts> {
    const accounts = await inParallel(count, 8, async (index) => {
      const body = await post(`${url}/api/v1/auth/register`, {
        email: `player${index}@bench.example`,
        password: `bench password ${index}`,
        displayName: `Player ${index}`,
      })
      return { accessToken: body.accessToken, refreshToken: body.refreshToken, userId: body.user.id }
    })
    return new Accounts(url, accounts)
  }

  /** Access tokens by user, renewed where the old ones near their end. */
  async tokens(): Promise<string[]> {
    if (performance.now() - this.issuedAt > TOKEN_GOOD_MS) {
      await inParallel(this.accounts.length, 8, async (index) => {
        const account = this.accounts[index]!
        const body = await post(`${this.url}/api/v1/auth/refresh`, { refreshToken: account.refreshToken })
        account.accessToken = body.accessToken
        account.refreshToken = body.refreshToken
      })
      this.issuedAt = performance.now()
    }
    return this.accounts.map((account) => account.accessToken)
  }

  userIds(): string[] {
    return this.accounts.map((account) => account.userId)
  }

  /** Public rooms, created by their first member and joined by the others; returns their ids. */
  async createRooms(rooms: number[][]): Promise<string[]> {
    const tokens = await this.tokens()
    const sockets = new Map<number, Promise<RawSocket>>()
    const socketOf = (user: number) => {
      let socket = sockets.get(user)
      if (!socket) {
        socket = new RawSocket(this.url, { token: tokens[user] }, {}).open()
        sockets.set(user, socket)
      }
      return socket
    }
    const ids = await inParallel(rooms.length, 8, async (index) => {
      const [owner, ...others] = rooms[index]!
      const room = await (await socketOf(owner!)).call('room:create', { name: `Bench ${index}`, visibility: 'public' })
      await inParallel(others.length, 4, async (at) => {
        await (await socketOf(others[at]!)).call('room:join', { roomId: room.id })
      })
      return room.id as string
    })
    for (const socket of sockets.values()) (await socket).destroy()
    return ids
  }
}

async function inParallel<T>(count: number, width: number, work: (index: number) => Promise<T>): Promise<T[]> {
  const results: T[] = new Array(count)
  let next = 0
  const worker = async () => {
    while (next < count) {
      const index = next++
      results[index] = await work(index)
    }
  }
  await Promise.all(Array.from({ length: Math.min(width, count) }, worker))
  return results
}

async function post(url: string, body: unknown): Promise<any> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`)
  return response.json()
}
