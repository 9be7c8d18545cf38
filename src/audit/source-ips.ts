import { isIP } from 'node:net'
import type { Transport } from '../machinery/exchange.ts'

/**
 * Where a request came from: what proxies say of it, then who holds the connection. All but the last are the word of whoever sent them.
 * Addresses that are none are left out.
 */
export function sourceIps({ headers, remoteAddress }: Pick<Transport, 'headers' | 'remoteAddress'>): string[] {
  const forwarded = headers['x-forwarded-for']
  const real = headers['x-real-ip']
  const remote = withoutMapping(remoteAddress)
  if (forwarded === undefined && real === undefined) return isIP(remote) ? [remote] : []
  const ips = [forwarded ?? []]
    .flat()
    .join(',')
    .split(',')
    .map((ip) => ip.trim())
    .filter((ip) => isIP(ip))
  const single = [real ?? []].flat()[0]?.trim() ?? ''
  if (isIP(single) && !ips.includes(single)) ips.push(single)
  if (isIP(remote) && ips.at(-1) !== remote) ips.push(remote)
  return ips
}

/** An IPv4 address, as a socket of both families writes it. */
const withoutMapping = (address: string): string => (address.startsWith('::ffff:') ? address.slice(7) : address)
