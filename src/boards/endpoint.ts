import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocket, WebSocketServer } from 'ws'
import { type Actor, hasScope } from '../kernel/actor.ts'
import { toAppError } from '../kernel/errors.ts'
import { isId } from '../kernel/ids.ts'
import type { Logger } from '../kernel/ports.ts'
import type { Boards } from './boards.ts'
import { BoardConnection, type ConnectionGround, type ConnectionLimits, standardLimits } from './connection.ts'
import { createRights, type RightsDeps } from './rights.ts'
import { type Access, type BoardAccess, type CloseCode, closeCodes } from './types.ts'

export interface EndpointDeps {
  boards: Boards
  access: BoardAccess
  database: RightsDeps['database']
  logger: Logger
  /** Whose token it is. Throws `unauthenticated` or `unavailable`. */
  authenticate(token: string): Promise<Actor>
  /** Throws where a session has ended. */
  checkSession(sessionId: string): Promise<unknown>
  onRevoked(handler: (sessionId: string) => void): void
  nameOf(userId: string): Promise<string>
  /** Whether a browser of this origin may connect. */
  allowOrigin(origin: string, request: IncomingMessage): boolean
  isDraining(): boolean
  /** Largest frame, in bytes. */
  maxFrameBytes: number
  limits?: Partial<ConnectionLimits>
  /** Connections at one board on this instance. */
  maxConnections?: number
  onSlow(): void
}

const path = /^\/boards\/([^/?]+)\/?(?:\?|$)/
const protocol = 'phantom-power'
const bearer = 'bearer.'
/** How often connections are asked whether they are alive, in milliseconds; two silent rounds end them. */
const pingMs = 20_000
/** How long coming in may take. */
const arriveMs = 10_000
/** Connections that are being let in at once. */
const maxArriving = 5_000

/** Broken frames are closed with the contract's codes, as stock clients stop on those and not on WebSocket's own. */
class BoardSocket extends WebSocket {
  override close(code?: number, reason?: string | Buffer): void {
    const own = code === 1009 ? closeCodes.tooLarge : code === 1002 || code === 1007 ? closeCodes.broken : code
    super.close(own, reason)
  }
}

/** The WebSocket endpoint `/boards/{projectId}` on the one HTTP server. */
export function createBoardEndpoint(deps: EndpointDeps) {
  const { boards, access, logger, maxConnections = 1_000 } = deps
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: deps.maxFrameBytes,
    WebSocket: BoardSocket,
    handleProtocols: (protocols) => (protocols.has(protocol) ? protocol : false),
  })
  const connections = new Set<BoardConnection>()
  const bySession = new Map<string, Set<BoardConnection>>()
  let arriving = 0

  const ground: ConnectionGround = {
    limits: { ...standardLimits, ...deps.limits },
    prove: (board, update) => boards.prove(board, update),
    gone: forget,
    onSlow: deps.onSlow,
  }

  const rights = createRights({
    database: deps.database,
    access,
    logger,
    present() {
      const present = new Map<string, Set<string>>()
      for (const board of boards.all()) {
        if (board.connections.size === 0) continue
        present.set(board.projectId, new Set([...board.connections].map(({ user }) => user.id)))
      }
      return present
    },
    apply(projectId, userId, now) {
      // What was on its way while the project was deleted goes as well.
      if (now === 'missing') void removeGone(projectId)
      for (const { state, connection } of at(projectId)) {
        if (state.actor.userId === userId) connection.setAccess(narrow(now, state.actor))
      }
    },
  })

  async function removeGone(projectId: string) {
    try {
      await boards.remove(projectId)
    } catch (error) {
      logger.warn({ err: error, projectId }, 'what is left of a deleted board could not be deleted')
    }
  }

  function* at(projectId: string) {
    for (const connection of connections) {
      const { state } = connection
      if (state.type === 'live' && state.board.projectId === projectId) yield { connection, state }
    }
  }

  deps.onRevoked((sessionId) => {
    for (const connection of bySession.get(sessionId) ?? []) {
      connection.end(closeCodes.unauthenticated, 'the session has ended')
    }
  })

  function forget(connection: BoardConnection) {
    connections.delete(connection)
    if (connection.sessionId === null) return
    const others = bySession.get(connection.sessionId)
    others?.delete(connection)
    if (others?.size === 0) bySession.delete(connection.sessionId)
  }

  function remember(connection: BoardConnection, sessionId: string) {
    connection.sessionId = sessionId
    const others = bySession.get(sessionId)
    if (others) others.add(connection)
    else bySession.set(sessionId, new Set([connection]))
  }

  /** Who it is, and what for; closes with why not. */
  async function admit(connection: BoardConnection, request: { token: string | null; projectId: string }) {
    const { token, projectId } = request
    if (token === null) return connection.end(closeCodes.unauthenticated, 'connect with a token')
    const actor = await deps.authenticate(token)
    remember(connection, actor.sessionId)
    if (!isId(projectId)) return connection.end(closeCodes.missing, 'there is no such project')
    const granted = narrow(await access.accessOf(actor.userId, projectId), actor)
    if (granted === 'missing') return connection.end(closeCodes.missing, 'there is no such project')
    if (granted === 'none') return connection.end(closeCodes.forbidden, 'no access')
    const [board, name] = await Promise.all([boards.acquire(projectId), deps.nameOf(actor.userId)])
    if (board.isClosed) return connection.end(closeCodes.unavailable, 'the board is being closed')
    if (board.connections.size >= maxConnections) return connection.end(closeCodes.unavailable, 'the board is full')
    connection.user = { id: actor.userId, name }
    board.usedAt = Date.now()
    board.atRest(() => {
      if (board.isClosed) connection.end(closeCodes.unavailable, 'the board is being closed')
      else connection.enter(board, actor, granted)
    })
    // It may have ended between its first look and here, before anybody would have closed this.
    await deps.checkSession(actor.sessionId)
    return undefined
  }

  function refuse(connection: BoardConnection, cause: unknown) {
    const error = toAppError(cause)
    let code: CloseCode = closeCodes.failed
    if (error.code === 'unauthenticated') code = closeCodes.unauthenticated
    else if (error.code === 'forbidden') code = closeCodes.forbidden
    else if (error.code === 'not_found') code = closeCodes.missing
    else if (error.code === 'unavailable' || error.code === 'rate_limited') code = closeCodes.unavailable
    if (code === closeCodes.failed) logger.error({ err: error.cause ?? error }, 'a board could not be opened')
    connection.end(code, code === closeCodes.failed ? 'the board can’t be opened' : error.message.slice(0, 100))
  }

  function accept(
    ws: WebSocket,
    socket: Duplex,
    asked: { token: string | null; projectId: string; isAllowed: boolean },
  ) {
    const connection = new BoardConnection(ws, socket, ground)
    connections.add(connection)
    if (deps.isDraining()) return connection.end(closeCodes.unavailable, 'this instance is going down')
    if (!asked.isAllowed) return connection.end(closeCodes.forbidden, 'this origin is not allowed')
    if (arriving >= maxArriving) return connection.end(closeCodes.unavailable, 'too many come in at once')
    arriving++
    const late = setTimeout(() => {
      if (connection.state.type === 'arriving') connection.end(closeCodes.unavailable, 'it took too long')
    }, arriveMs)
    admit(connection, asked)
      .catch((error) => refuse(connection, error))
      .finally(() => {
        arriving--
        clearTimeout(late)
      })
    return undefined
  }

  const pinging = setInterval(() => {
    const now = Date.now()
    for (const connection of connections) {
      if (connection.state.type !== 'live') continue
      if (now - connection.heardAt > pingMs * 2.5) connection.ws.terminate()
      else connection.ws.ping()
    }
  }, pingMs)
  pinging.unref()

  return {
    /** Whether an upgrade is for a board. */
    takes: (request: IncomingMessage) => path.test(request.url ?? ''),

    /** Upgrades first and refuses after it: browsers tell their pages nothing of an upgrade that failed. */
    upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
      const { origin } = request.headers
      const asked = {
        token: tokenOf(request),
        projectId: path.exec(request.url ?? '')![1]!,
        isAllowed: origin === undefined || deps.allowOrigin(origin, request),
      }
      server.handleUpgrade(request, socket, head, (ws) => accept(ws, socket, asked))
    },

    start: () => rights.start(),

    /** Listens to nobody any more, so that boards come to rest. */
    hush(): void {
      for (const connection of connections) connection.hush()
    },

    /** Ends what boards have not ended. */
    async close(): Promise<void> {
      clearInterval(pinging)
      await rights.close()
      for (const connection of [...connections]) connection.end(closeCodes.unavailable, 'this instance is going down')
      // Goodbyes get a moment to be heard.
      const end = Date.now() + 1_000
      const sockets = [...connections].map(({ ws }) => ws)
      while (sockets.some((ws) => ws.readyState !== ws.CLOSED) && Date.now() < end) {
        await new Promise((done) => setTimeout(done, 10))
      }
    },
  }
}

/** A bot may do no more than its scopes name. */
function narrow(access: Access, actor: Actor): Access {
  if (access === 'missing' || access === 'none') return access
  if (!hasScope(actor, 'boards:read')) return 'none'
  return access === 'write' && !hasScope(actor, 'boards:write') ? 'read' : access
}

/** The token of the query, or of the subprotocols, where it stays out of URLs. */
function tokenOf(request: IncomingMessage): string | null {
  const query = request.url?.split('?', 2)[1]
  const token = query === undefined ? null : new URLSearchParams(query).get('token')
  if (token) return token
  const protocols = request.headers['sec-websocket-protocol']?.split(',') ?? []
  const named = protocols.map((name) => name.trim()).find((name) => name.startsWith(bearer))
  return named?.slice(bearer.length) || null
}
