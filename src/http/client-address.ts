import { BlockList, isIP } from 'node:net'
import { ConfigError } from '../config.ts'
import { plainAddress } from '../kernel/address.ts'

const named: Record<string, string[]> = {
  loopback: ['127.0.0.0/8', '::1/128'],
  private: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
}

/**
 * Tells a request's client address. X-Forwarded-For counts only as far as trusted proxies wrote it: from the right, up
 * to the first address that is not one of them. Throws a ConfigError for a proxy that is no address or network.
 */
export function createAddressReader(trustProxy: boolean | string[]) {
  const trusted = new BlockList()
  for (const entry of Array.isArray(trustProxy) ? trustProxy.flatMap((name) => named[name] ?? [name]) : []) {
    const [address = '', bits] = entry.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    const prefix = bits === undefined ? (family === 'ipv6' ? 128 : 32) : Number(bits)
    if (!isIP(address) || !Number.isInteger(prefix) || prefix < 0 || prefix > (family === 'ipv6' ? 128 : 32)) {
      throw new ConfigError('TRUST_PROXY', `"${entry}" is not an address or network such as 10.0.0.0/8`)
    }
    trusted.addSubnet(address, prefix, family)
  }
  const isTrusted = (address: string) =>
    trustProxy === true || trusted.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')

  return (peer: string | undefined, forwardedFor: string | string[] | undefined): string | undefined => {
    let address = plainAddress(peer)
    if (trustProxy === false || !address) return address
    const hops = (Array.isArray(forwardedFor) ? forwardedFor.join(',') : (forwardedFor ?? '')).split(',').slice(-20)
    while (isTrusted(address) && hops.length > 0) {
      const before = plainAddress(hops.pop())
      if (!before) break
      address = before
    }
    return address
  }
}
