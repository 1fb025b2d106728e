import { createNetworks, plainAddress } from '../kernel/address.ts'

/** Hops of an X-Forwarded-For that are looked at. */
const mostHops = 20

/**
 * Tells a request's client address. X-Forwarded-For counts only as far as trusted proxies wrote it: from the right, up
 * to the first address that is not one of them.
 */
export function createAddressReader(trustProxy: boolean | string[]) {
  const isListed = createNetworks(Array.isArray(trustProxy) ? trustProxy : [])
  const isTrusted = (address: string) => trustProxy === true || isListed(address)

  return (peer: string | undefined, forwardedFor: string | string[] | undefined): string | undefined => {
    let address = plainAddress(peer)
    if (trustProxy === false || !address) return address
    const hops = (Array.isArray(forwardedFor) ? forwardedFor.join(',') : (forwardedFor ?? '')).split(',')
    const looked = hops.slice(-mostHops)
    while (isTrusted(address) && looked.length > 0) {
      const before = plainAddress(looked.pop())
      if (!before) break
      address = before
    }
    return address
  }
}
