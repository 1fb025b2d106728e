import { BlockList, isIP } from 'node:net'

/** An address in its plain form, IPv4 also where it came mapped into IPv6; undefined for anything else. */
export function plainAddress(text: string | undefined): string | undefined {
  const address = text?.trim().replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '')
  return address && isIP(address) ? address : undefined
}

/** What stands for a client in rate limits: an IPv4 address, or the network that one IPv6 customer gets. */
export function addressKey(address: string | undefined): string {
  if (!address) return 'unknown'
  if (isIP(address) !== 6) return address
  const [head = '', tail] = address.split('::')
  const front = head.split(':').filter(Boolean)
  const back = (tail ?? '').split(':').filter(Boolean)
  const groups =
    tail === undefined ? front : [...front, ...Array(Math.max(0, 8 - front.length - back.length)).fill('0'), ...back]
  return `${groups.slice(0, 4).join(':')}::/64`
}

const named: Record<string, string[]> = {
  loopback: ['127.0.0.0/8', '::1/128'],
  private: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
}

/**
 * Tells whether an address is one of those given: addresses, networks such as 10.0.0.0/8, `loopback` or `private`.
 * Throws a RangeError with the first that is none.
 */
export function createNetworks(entries: string[]): (address: string) => boolean {
  const list = new BlockList()
  for (const entry of entries.flatMap((name) => named[name] ?? [name])) {
    const [address = '', bits] = entry.split('/')
    const most = isIP(address) === 6 ? 128 : 32
    const prefix = bits === undefined ? most : /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN
    if (!isIP(address) || !(prefix <= most)) {
      throw new RangeError(`"${entry}" is not an address or network such as 10.0.0.0/8`)
    }
    list.addSubnet(address, prefix, most === 128 ? 'ipv6' : 'ipv4')
  }
  return (address) => list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
}
