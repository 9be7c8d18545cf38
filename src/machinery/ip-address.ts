/** An address of 4 or 16 bytes. IPv4 addresses written as IPv6 (`::ffff:1.2.3.4`) have 4 too, as in Go. */
export interface IpAddress {
  readonly bytes: readonly number[]
  /** It was written as IPv6, whatever it holds. */
  readonly writtenAsV6: boolean
}

export interface IpRange {
  /** As written, with bits beyond the prefix. */
  readonly address: IpAddress
  /** With those bits cleared. */
  readonly network: IpAddress
  /** Of the address's own 32 or 128 bits. */
  readonly prefix: number
}

/**
 * Reads an address as the reference does where old objects must stay valid: leading zeros are fine.
 *
 * @param strict refuses leading zeros, as newer fields do
 */
export function parseIp(text: string, strict = false): IpAddress | undefined {
  for (const character of text) {
    if (character === '.') return v4(text, strict)
    if (character === ':') return v6(text, strict)
  }
  return undefined
}

/** Reads `address/prefix`; see `parseIp`. */
export function parseCidr(text: string, strict = false): IpRange | undefined {
  const slash = text.indexOf('/')
  if (slash < 0) return undefined
  const address = parseIp(text.slice(0, slash), strict)
  const digits = text.slice(slash + 1)
  if (!address || !(strict ? /^(?:0|[1-9][0-9]{0,2})$/ : /^[0-9]{1,7}$/).test(digits)) return undefined
  const written = Number(digits)
  if (written > (address.writtenAsV6 ? 128 : 32)) return undefined
  const bits = address.bytes.length * 8
  // The prefix of a mapped address counts from the front of all 128 bits.
  const prefix = address.writtenAsV6 && bits === 32 ? Math.max(written - 96, 0) : written
  const bytes = address.bytes.map((byte, i) => byte & ~(0xff >> Math.min(Math.max(prefix - i * 8, 0), 8)) & 0xff)
  return { address, network: { ...address, bytes }, prefix }
}

export const isIPv4 = (address: IpAddress): boolean => address.bytes.length === 4

/** The canonical text (RFC 5952). */
export function formatIp({ bytes }: IpAddress): string {
  if (bytes.length === 4) return bytes.join('.')
  const groups = Array.from({ length: 8 }, (_, i) => (bytes[i * 2]! << 8) | bytes[i * 2 + 1]!)
  const zeros = longestZeros(groups)
  const hex = (part: number[]): string => part.map((group) => group.toString(16)).join(':')
  if (zeros.length < 2) return hex(groups)
  return `${hex(groups.slice(0, zeros.start))}::${hex(groups.slice(zeros.start + zeros.length))}`
}

export function formatCidr({ network, prefix }: IpRange): string {
  return `${formatIp(network)}/${prefix}`
}

function longestZeros(groups: number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 }
  let length = 0
  groups.forEach((group, i) => {
    length = group === 0 ? length + 1 : 0
    if (length > best.length) best = { start: i - length + 1, length }
  })
  return best
}

function v4(text: string, strict: boolean): IpAddress | undefined {
  const bytes = v4Bytes(text, strict)
  return bytes && { bytes, writtenAsV6: false }
}

function v4Bytes(text: string, strict: boolean): number[] | undefined {
  const parts = text.split('.')
  const pattern = strict ? /^(?:0|[1-9][0-9]{0,2})$/ : /^[0-9]+$/
  if (parts.length !== 4 || !parts.every((part) => pattern.test(part))) return undefined
  const bytes = parts.map(Number)
  return bytes.every((byte) => byte <= 0xff) ? bytes : undefined
}

function v6(text: string, strict: boolean): IpAddress | undefined {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const head = v6Bytes(halves[0]!, strict, halves.length === 1)
  const tail = halves.length === 2 ? v6Bytes(halves[1]!, strict, true) : []
  if (!head || !tail) return undefined
  const missing = 16 - head.length - tail.length
  // The two colons stand for at least one group.
  if (halves.length === 2 ? missing < 2 : missing !== 0) return undefined
  const bytes = [...head, ...new Array<number>(missing).fill(0), ...tail]
  const mapped = bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff
  return { bytes: mapped ? bytes.slice(12) : bytes, writtenAsV6: true }
}

/** @param last whether an IPv4 address may end this part */
function v6Bytes(part: string, strict: boolean, last: boolean): number[] | undefined {
  if (part === '') return []
  const bytes: number[] = []
  const groups = part.split(':')
  for (const [i, group] of groups.entries()) {
    if (last && i === groups.length - 1 && group.includes('.')) {
      const embedded = v4Bytes(group, strict)
      return embedded && [...bytes, ...embedded]
    }
    if (!(strict ? /^[0-9a-fA-F]{1,4}$/ : /^[0-9a-fA-F]+$/).test(group)) return undefined
    const value = Number.parseInt(group, 16)
    if (value > 0xffff) return undefined
    bytes.push(value >> 8, value & 0xff)
  }
  return bytes
}
