import { canonicalIp } from './flag-types.ts'

/** A network: its first address and the number of bits that its addresses share. */
export interface Network {
  readonly family: 4 | 6
  /** In CIDR notation, with the bits beyond the prefix cleared. */
  readonly cidr: string
  readonly prefix: number
  /** Number of addresses, as a power of two. */
  readonly hostBits: number
}

/**
 * Reads CIDR notation (`10.0.0.7/24` is the network `10.0.0.0/24`).
 * @returns undefined for what isn't that
 */
export function parseNetwork(text: string): Network | undefined {
  const [, address, bits] = /^([^/]+)\/(0|[1-9]\d{0,2})$/.exec(text) ?? []
  const canonical = address === undefined ? undefined : canonicalIp(address)
  if (canonical === undefined) return undefined
  const family = address!.includes(':') ? 6 : 4
  const size = family === 4 ? 32 : 128
  const prefix = Number(bits)
  if (prefix > size) return undefined
  const hostBits = size - prefix
  const first = (toNumber(address!, family) >> BigInt(hostBits)) << BigInt(hostBits)
  return { family, prefix, hostBits, cidr: `${fromNumber(first, family)}/${prefix}` }
}

function toNumber(address: string, family: 4 | 6): bigint {
  if (family === 4) return address.split('.').reduce((sum, part) => (sum << 8n) | BigInt(part), 0n)
  const plain = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...parts: string[]) => {
    const [a, b, c, d] = parts.map(Number) as [number, number, number, number]
    return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`
  })
  const [head = '', tail] = plain.split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail ? tail.split(':') : []
  const gap = tail === undefined ? 0 : 8 - before.length - after.length
  return [...before, ...Array<string>(gap).fill('0'), ...after].reduce((sum, part) => (sum << 16n) | BigInt(`0x${part}`), 0n)
}

function fromNumber(value: bigint, family: 4 | 6): string {
  const [parts, bits] = family === 4 ? [4, 8n] : [8, 16n]
  const mask = (1n << bits) - 1n
  const list = Array.from({ length: parts }, (_, i) => (value >> (BigInt(parts - 1 - i) * bits)) & mask)
  return family === 4 ? list.join('.') : canonicalIp(list.map((part) => part.toString(16)).join(':'))!
}
