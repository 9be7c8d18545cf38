import { goQuote } from '../../machinery/go-text.ts'
import { formatIp } from '../../machinery/ip-address.ts'
import { reading, readsFirst, readsTwice, sizeOf } from '../costs.ts'
import { EvaluationError, noSuchOverload } from '../errors.ts'
import { type CallCost, declare, type Overload } from '../functions.ts'
import { opaqueType, type Type } from '../types.ts'
import { Special, type Value } from '../values.ts'
import { type Address, AddressError, isMapped, masked, type Prefix, parseAddress, parsePrefix } from './netip.ts'

const IP: Type = opaqueType('net.IP')
const CIDR: Type = opaqueType('net.CIDR')

class Ip extends Special {
  readonly address: Address

  constructor(address: Address) {
    super()
    this.address = address
  }

  get type(): Type {
    return IP
  }

  override get size(): number {
    return this.address.bytes.length
  }

  equals(other: Value): boolean {
    return other instanceof Ip && this.toString() === other.toString()
  }

  override toString(): string {
    return formatIp({ bytes: this.address.bytes, writtenAsV6: false })
  }
}

class Cidr extends Special {
  readonly prefix: Prefix

  constructor(prefix: Prefix) {
    super()
    this.prefix = prefix
  }

  get type(): Type {
    return CIDR
  }

  override get size(): number {
    return this.prefix.address.bytes.length
  }

  equals(other: Value): boolean {
    return other instanceof Cidr && this.toString() === other.toString()
  }

  override toString(): string {
    return `${new Ip(this.prefix.address)}/${this.prefix.bits}`
  }

  contains({ bytes }: Address): boolean {
    const { address, bits } = this.prefix
    return bytes.length === address.bytes.length && masked({ bytes, zone: '' }, bits).join() === masked(address, bits).join()
  }
}

function ip(text: string): Ip {
  let address: Address
  try {
    address = parseAddress(text)
  } catch (error) {
    if (!(error instanceof AddressError)) throw error
    throw new EvaluationError(`IP Address ${goQuote(text)} parse error during conversion from string: ${error.message}`)
  }
  if (address.zone) throw new EvaluationError(`IP address ${goQuote(text)} with zone value is not allowed`)
  if (isMapped(address)) throw new EvaluationError(`IPv4-mapped IPv6 address ${goQuote(text)} is not allowed`)
  return new Ip(address)
}

function cidr(text: string): Cidr {
  // The reference says it twice.
  const context = 'network address parse error during conversion from string: '
  let prefix: Prefix
  try {
    prefix = parsePrefix(text)
  } catch (error) {
    if (!(error instanceof AddressError)) throw error
    throw new EvaluationError(context + context + error.message)
  }
  if (isMapped(prefix.address)) throw new EvaluationError(`${context}IPv4-mapped IPv6 address ${goQuote(text)} is not allowed`)
  return new Cidr(prefix)
}

function valid(make: (text: string) => Value): (text: string) => boolean {
  return (text) => {
    try {
      make(text)
      return true
    } catch (error) {
      if (error instanceof EvaluationError) return false
      throw error
    }
  }
}

/** What a text means; the reference has no word of what is wrong with it. */
function meant<T>(make: (text: string) => T, text: string): T {
  try {
    return make(text)
  } catch (error) {
    throw error instanceof EvaluationError ? noSuchOverload() : error
  }
}

function containsCidr(outer: Cidr, { prefix }: Cidr): boolean {
  const { address, bits } = outer.prefix
  // As the reference has it: the other one's address must be the network's own, or lie in it.
  return (
    prefix.bits >= bits &&
    prefix.address.bytes.length === address.bytes.length &&
    masked(prefix.address, bits).join() === masked(address, bits).join()
  )
}

const contains: CallCost = ([network]) => reading(sizeOf(network!) * 2)
const containsText: CallCost = ([network, text]) => reading(sizeOf(network!) * 2) + reading(sizeOf(text!))
const containsOther: CallCost = ([network]) => reading(sizeOf(network!) * 2) + reading(sizeOf(network!)) + 1

const starts =
  (...bytes: number[]) =>
  (address: Address) =>
    bytes.every((byte, i) => address.bytes[i] === byte)
const isV4 = ({ bytes }: Address): boolean => bytes.length === 4

const PROPERTIES: Readonly<Record<string, (address: Address) => boolean>> = {
  isUnspecified: (address) => address.bytes.every((byte) => byte === 0),
  isLoopback: (address) => (isV4(address) ? starts(127)(address) : address.bytes.every((byte, i) => byte === (i === 15 ? 1 : 0))),
  isLinkLocalMulticast: (address) =>
    isV4(address) ? starts(224, 0, 0)(address) : starts(0xff)(address) && (address.bytes[1]! & 0x0f) === 2,
  isLinkLocalUnicast: (address) =>
    isV4(address) ? starts(169, 254)(address) : starts(0xfe)(address) && (address.bytes[1]! & 0xc0) === 0x80,
  isGlobalUnicast: (address) =>
    !(isV4(address) && address.bytes.every((byte) => byte === 255)) &&
    !PROPERTIES.isUnspecified!(address) &&
    !PROPERTIES.isLoopback!(address) &&
    !PROPERTIES.isLinkLocalUnicast!(address) &&
    !(isV4(address) ? (address.bytes[0]! & 0xf0) === 0xe0 : starts(0xff)(address)),
}

/** IP addresses and ranges of them. */
export const addresses: readonly Overload[] = [
  declare('ip(string): net.IP', ip, { cost: readsFirst }),
  declare('isIP(string): bool', valid(ip), { cost: readsFirst }),
  declare('ip.isCanonical(string): bool', (text: string) => String(ip(text)) === text, { cost: readsTwice }),
  declare('net.IP::family(): int', ({ address }: Ip) => (isV4(address) ? 4n : 6n)),
  declare('string(net.IP): string', String),
  ...Object.entries(PROPERTIES).map(([name, test]) => declare(`net.IP::${name}(): bool`, ({ address }: Ip) => test(address))),
  declare('cidr(string): net.CIDR', cidr, { cost: readsFirst }),
  declare('isCIDR(string): bool', valid(cidr), { cost: readsFirst }),
  declare('net.CIDR::containsIP(string): bool', (network: Cidr, text: string) => network.contains(meant(ip, text).address), {
    cost: containsText,
  }),
  declare('net.CIDR::containsIP(net.IP): bool', (network: Cidr, { address }: Ip) => network.contains(address), {
    cost: contains,
  }),
  declare('net.CIDR::containsCIDR(string): bool', (network: Cidr, text: string) => containsCidr(network, meant(cidr, text)), {
    cost: ([network, text], result) => containsOther([network!], result) + reading(sizeOf(text!)),
  }),
  declare('net.CIDR::containsCIDR(net.CIDR): bool', containsCidr, { cost: containsOther }),
  declare('net.CIDR::ip(): net.IP', ({ prefix }: Cidr) => new Ip(prefix.address)),
  declare('net.CIDR::prefixLength(): int', ({ prefix }: Cidr) => BigInt(prefix.bits)),
  declare(
    'net.CIDR::masked(): net.CIDR',
    ({ prefix }: Cidr) => new Cidr({ address: { bytes: masked(prefix.address, prefix.bits), zone: '' }, bits: prefix.bits }),
  ),
  declare('string(net.CIDR): string', String),
]

/** The types under the names by which expressions can speak of them. */
export const addressTypes: readonly Type[] = [IP, CIDR]
