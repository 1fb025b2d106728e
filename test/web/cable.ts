import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export interface Cable {
  /** The server's address by way of the cable. */
  url: string
  /** Lets only so many more bytes through to the server; the rest waits, until more are let through. */
  hold(bytes: number): void
  /** Loses all answers until it is mended: what is asked for is done, and nobody hears of it. */
  silence(): void
  /** Breaks all connections, and each new one until it is mended. */
  cut(): void
  mend(): void
  close(): Promise<void>
}

/** A way to a server that can be cut in the middle of a request. */
export async function layCable(to: string): Promise<Cable> {
  const { hostname, port } = new URL(to)
  const pairs = new Set<[Socket, Socket]>()
  let isCut = false
  let isSilent = false
  let left = Number.POSITIVE_INFINITY
  const server = createServer((near) => {
    if (isCut) {
      near.destroy()
      return
    }
    const far = connect(Number(port), hostname)
    const pair: [Socket, Socket] = [near, far]
    pairs.add(pair)
    const end = () => {
      pairs.delete(pair)
      near.destroy()
      far.destroy()
    }
    for (const socket of pair) socket.on('error', end).on('close', end)
    far.on('data', (bytes: Buffer) => {
      if (!isSilent && !near.write(bytes)) far.pause()
    })
    near.on('drain', () => far.resume())
    near.on('data', (bytes: Buffer) => {
      left -= bytes.length
      const isFull = !far.write(bytes)
      if (isFull || left < 0) near.pause()
    })
    far.on('drain', () => left >= 0 && near.resume())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const drop = () => {
    for (const [near, far] of [...pairs]) {
      near.destroy()
      far.destroy()
    }
  }
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    hold(bytes) {
      left = bytes
      for (const [near] of pairs) near.resume()
    },
    silence() {
      isSilent = true
    },
    cut() {
      isCut = true
      drop()
    },
    mend() {
      // What lacks a part of its answers is of no use any more.
      if (isSilent) drop()
      isCut = false
      isSilent = false
      left = Number.POSITIVE_INFINITY
      for (const [near] of pairs) near.resume()
    },
    async close() {
      drop()
      server.close()
      await once(server, 'close')
    },
  }
}
