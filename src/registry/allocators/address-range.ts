import { formatIp, type IpAddress, isIPv4, parseCidr } from '../../machinery/ip-address.ts'

/** The addresses of a CIDR that can be assigned: neither the network's own nor, in IPv4, the broadcast address. */
export interface AddressRange {
  readonly family: 'IPv4' | 'IPv6'
  /** As `a.b.c.d/n`, with the bits beyond the prefix cleared. */
  readonly cidr: string
  readonly network: bigint
  readonly first: bigint
  readonly last: bigint
}

/** Longer prefixes only: the space below would be too large to count. */
const LEAST_V6_PREFIX = 64

/** @throws Error for what is no CIDR, or too large a one */
export function addressRange(cidr: string): AddressRange {
  const parsed = parseCidr(cidr)
  if (!parsed) throw new Error(`invalid CIDR ${JSON.stringify(cidr)}`)
  const v4 = isIPv4(parsed.network)
  if (!v4 && parsed.prefix < LEAST_V6_PREFIX) {
    throw new Error(`shortest allowed prefix length for service CIDR is ${LEAST_V6_PREFIX}, got ${parsed.prefix}`)
  }
  const network = toNumber(parsed.network)
  const size = 1n << BigInt((v4 ? 32 : 128) - parsed.prefix)
  return {
    family: v4 ? 'IPv4' : 'IPv6',
    cidr: `${formatIp(parsed.network)}/${parsed.prefix}`,
    network,
    first: network + 1n,
    last: network + size - (v4 ? 2n : 1n),
  }
}

export function toNumber(address: IpAddress): bigint {
  return address.bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
}

/** The canonical text of an address. */
export function toText(family: 'IPv4' | 'IPv6', value: bigint): string {
  const length = family === 'IPv4' ? 4 : 16
  const bytes = Array.from({ length }, (_, i) => Number((value >> BigInt(8 * (length - 1 - i))) & 0xffn))
  return formatIp({ bytes, writtenAsV6: length === 16 })
}

export function contains(range: AddressRange, family: 'IPv4' | 'IPv6', value: bigint): boolean {
  return range.family === family && value >= range.first && value <= range.last
}

const BAND_LEAST = 16n
const BAND_MOST = 256n
const BAND_PART = 16n

/**
 * How many addresses at the start are left to those who ask for one by name (KEP-3070). None in small ranges.
 */
export function staticAddressBand(range: AddressRange): bigint {
  const hosts = range.last - range.first + 1n
  if (hosts <= BAND_LEAST) return 0n
  const part = hosts / BAND_PART
  return part < BAND_LEAST ? BAND_LEAST : part > BAND_MOST ? BAND_MOST : part
}
