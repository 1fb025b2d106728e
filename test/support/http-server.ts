import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import pino from 'pino'
import { entities } from '../../models/index.ts'
import { type Config, readConfig } from '../../src/config.ts'
import { createHttpApp, nodeListener, type Readiness } from '../../src/http/app.ts'
import { routes as allRoutes } from '../../src/http/index.ts'
import { createLoneBus } from '../../src/infra/bus.ts'
import { createMetrics } from '../../src/infra/metrics.ts'
import { connectMongo } from '../../src/infra/mongo.ts'
import { createRateLimiter } from '../../src/infra/rate-limiter.ts'
import type { Bus, Mail } from '../../src/kernel/ports.ts'
import type { AnyRoute } from '../../src/kernel/route.ts'
import { type Accounts, createAccounts } from '../../src/services/accounts/accounts.ts'
import type { Services } from '../../src/services/index.ts'

export interface ServerOptions {
  mongoUri: string
  bus?: Bus
  env?: Record<string, string>
  routes?: AnyRoute<Services>[]
  /** bcrypt's cost; low where a test does not measure it. */
  cost?: number
  pollMs?: number
  readiness?: () => Promise<Readiness>
}

export interface Answer {
  status: number
  headers: Headers
  /** Parsed where it is JSON, else the text. */
  body: any
}

interface AskOptions {
  token?: string
  body?: unknown
  /** A body as it is, with a content type of its own. */
  raw?: string | Uint8Array
  headers?: Record<string, string>
}

export interface TestServer {
  url: string
  accounts: Accounts
  mails: Mail[]
  /** Lines logged. */
  logged: Record<string, any>[]
  config: Config
  ask(method: string, path: string, options?: AskOptions): Promise<Answer>
  /** A new account, logged in. */
  signUp(name?: string): Promise<Person>
  /** The next mail to an address; waits for it. */
  mailTo(address: string, subject: string): Promise<string>
  close(): Promise<void>
}

export interface Person {
  id: string
  email: string
  password: string
  sessionId: string
  accessToken: string
  refreshToken: string
}

let people = 0

/** The REST side of the server on a port of its own, over a real MongoDB. */
export async function startServer(options: ServerOptions): Promise<TestServer> {
  const logged: Record<string, any>[] = []
  const log = pino({ level: 'debug' }, { write: (line: string) => void logged.push(JSON.parse(line)) })
  const config = readConfig({ RATE_LIMITS: 'off', JWT_SECRET: 'a secret for tests alone', ...options.env })
  const database = await connectMongo(options.mongoUri, entities, log)
  const limiter = createRateLimiter({ enabled: config.rateLimits })
  const mails: Mail[] = []
  const accounts = createAccounts({
    database,
    bus: options.bus ?? createLoneBus(),
    mailer: { send: async (mail) => void mails.push(mail) },
    log,
    limiter,
    secrets: config.jwtSecrets!,
    config,
    passwords: { cost: options.cost ?? 4 },
    pollMs: options.pollMs,
  })
  await accounts.start()
  const app = createHttpApp<Services>({
    routes: options.routes ?? allRoutes,
    services: { accounts } as Services,
    authenticate: accounts.authenticate,
    limiter,
    config,
    log,
    metrics: createMetrics({ process: false }),
    readiness: options.readiness ?? (async () => ({ ready: true, reasons: [] })),
    asyncApi: () => ({ asyncapi: '3.0.0' }),
    version: '0.0.0',
    checkAnswers: true,
  })
  const server = createServer(nodeListener(app, log)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  const self: TestServer = {
    url,
    accounts,
    mails,
    logged,
    config,
    async ask(method, path, { token, body, raw, headers = {} } = {}) {
      const response = await fetch(url + path, {
        method,
        headers: {
          ...(token !== undefined && { Authorization: `Bearer ${token}` }),
          ...(body !== undefined && { 'Content-Type': 'application/json' }),
          ...headers,
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        ...(raw !== undefined && { body: raw as string }),
        signal: AbortSignal.timeout(60_000),
      })
      const text = await response.text()
      const json = response.headers.get('Content-Type')?.includes('json')
      return { status: response.status, headers: response.headers, body: json && text ? JSON.parse(text) : text }
    },
    async signUp(name = 'Jane D') {
      const email = `Person.${++people}.${process.pid}@example.com`
      const password = `password ${people}`
      const { status, body } = await self.ask('POST', '/api/v1/auth/register', {
        body: { email, password, displayName: name },
      })
      if (status !== 201) throw new Error(`register answered ${status}: ${JSON.stringify(body)}`)
      const { user, session, accessToken, refreshToken } = body
      return { id: user.id, email, password, sessionId: session.id, accessToken, refreshToken }
    },
    async mailTo(address, subject) {
      const deadline = Date.now() + 30_000
      for (;;) {
        const found = mails.findIndex((mail) => mail.to === address && mail.subject === subject)
        if (found >= 0) return mails.splice(found, 1)[0]!.text
        if (Date.now() > deadline) throw new Error(`No mail "${subject}" to ${address}`)
        await new Promise((done) => setTimeout(done, 10))
      }
    },
    async close() {
      server.closeAllConnections()
      server.close()
      await accounts.close()
      await database.close()
    },
  }
  return self
}
