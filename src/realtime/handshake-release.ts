import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { Socket } from 'socket.io'

const NOTHING = Object.freeze({}) as IncomingHttpHeaders

/**
 * Lets go of what only the handshake needed: the HTTP request, its headers and query, which would otherwise live as
 * long as the connection. Call it once everything of interest has been read from `socket.handshake` and
 * `socket.request`: afterwards the headers and the query are empty, and `socket.request` is null.
 */
export function releaseHandshake(socket: Socket): void {
  const connection = socket.conn as unknown as { request: (IncomingMessage & { _query?: unknown }) | null }
  const { request } = connection
  if (request) {
    // Engine.IO's upgrade response still holds the request: so it is emptied, too.
    request.headers = NOTHING
    request.rawHeaders = []
    request._query = NOTHING
    connection.request = null
  }
  Object.assign(socket.handshake, { headers: NOTHING, query: NOTHING })
}
