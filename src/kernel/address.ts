import { isIP } from 'node:net'

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
