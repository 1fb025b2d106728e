import { type LookupAddress, lookup } from 'node:dns'
import { Agent, request } from 'node:https'
import { isIP } from 'node:net'
import webPush from 'web-push'
import { createNetworks } from '../kernel/address.ts'
import type { Vapid } from './secret.ts'

/** Addresses that are nobody's on the open net (IANA's special-purpose registries): pushes do not go there. */
const isInner = createNetworks([
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24'],
  ...['192.0.2.0/24', '192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/4'],
  ...['240.0.0.0/4', '::/127', '::ffff:0:0/96', '64:ff9b::/96', '64:ff9b:1::/48', '100::/64', '2001::/23'],
  ...['2001:db8::/32', '2002::/16', 'fc00::/7', 'fe80::/10', 'ff00::/8'],
])

/** How long a push service may take, in milliseconds; how long it keeps a push for a browser that is away, in seconds. */
const patienceMs = 10_000
const keptSeconds = 24 * 3600

export interface PushTarget {
  endpoint: string
  p256dh: string
  auth: string
}

/** Sends pushes; `agent` and `accepts` stand in for the open net in tests. */
export interface PushOptions {
  agent?: Agent
  accepts?(endpoint: URL): boolean
}

export interface PushSender {
  publicKey: string
  /** Whether pushes may go to an address: https on the open net, by name. */
  accepts(endpoint: string): boolean
  /** Encrypts and sends; resolves with the status of the answer. Throws where the service is out of reach. */
  send(target: PushTarget, payload: string): Promise<number>
  close(): void
}

/** Names are looked up at each sending, so that one that leads inwards later is refused, too. */
function guardedLookup(
  hostname: string,
  options: { all?: boolean | undefined; family?: number | string | undefined },
  callback: (error: NodeJS.ErrnoException | null, address?: string | LookupAddress[], family?: number) => void,
) {
  lookup(hostname, { all: true }, (error, addresses) => {
    if (error) return callback(error)
    const inner = addresses.find(({ address }) => isInner(address))
    if (inner || addresses.length === 0) {
      return callback(Object.assign(new Error(`${hostname} is not on the open net`), { code: 'EACCES' }))
    }
    if (options.all) callback(null, addresses)
    else callback(null, addresses[0]!.address, addresses[0]!.family)
  })
}

/** Whether an endpoint is https on its own port, by a name of the open net. */
function isOpen({ protocol, port, hostname, username, password }: URL): boolean {
  const host = hostname.toLowerCase().replace(/\.$/, '')
  return (
    protocol === 'https:' &&
    port === '' &&
    username === '' &&
    password === '' &&
    isIP(host.replace(/^\[|\]$/g, '')) === 0 &&
    host.includes('.') &&
    !/\.(?:localhost|local|internal|home\.arpa|test|invalid|onion)$/.test(host)
  )
}

/** Web Push (RFC 8030) with encryption (RFC 8291) and VAPID (RFC 8292). */
export function createPushSender(vapid: Vapid, options: PushOptions = {}): PushSender {
  const agent = options.agent ?? new Agent({ lookup: guardedLookup as never, maxSockets: 16, timeout: patienceMs })
  const accepts = options.accepts ?? isOpen
  return {
    publicKey: vapid.publicKey,
    accepts: (endpoint) => URL.canParse(endpoint) && accepts(new URL(endpoint)),
    send({ endpoint, p256dh, auth }, payload) {
      const details = webPush.generateRequestDetails({ endpoint, keys: { p256dh, auth } }, payload, {
        vapidDetails: vapid,
        TTL: keptSeconds,
      })
      // Not by the library's own sending: it would keep whatever an endpoint answers, without a bound.
      return new Promise((resolve, reject) => {
        const sent = request(
          endpoint,
          { method: 'POST', headers: details.headers, agent, signal: AbortSignal.timeout(patienceMs) },
          (response) => {
            resolve(response.statusCode ?? 0)
            response.destroy()
          },
        )
        sent.on('error', reject)
        sent.end(details.body)
      })
    },
    close: () => agent.destroy(),
  }
}
