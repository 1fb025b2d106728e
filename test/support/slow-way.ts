import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A way to a server on which all takes `delayMs` longer in each direction. */
export async function slowWay(to: string, delayMs: number): Promise<{ url: string; close(): Promise<void> }> {
  const { hostname, port } = new URL(to)
  const sockets = new Set<Socket>()
  const server = createServer((near) => {
    const far = connect(Number(port), hostname)
    for (const [from, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from)
      from.setNoDelay(true)
      // Timers of one length end in the order in which they were set.
      from.on('data', (bytes) => setTimeout(() => other.destroyed || other.write(bytes), delayMs))
      from.on('end', () => setTimeout(() => other.end(), delayMs))
      from.on('error', () => other.destroy())
      from.on('close', () => {
        sockets.delete(from)
        setTimeout(() => other.destroy(), delayMs)
      })
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
