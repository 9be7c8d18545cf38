import { goQuote } from '../../machinery/go-text.ts'

/** A text that is no address, in the words of Go's net/netip. */
export class AddressError extends Error {
  override name = 'AddressError'
}

/** An address as net/netip reads it, without a zone: stricter than what Kubernetes' old fields take. */
export interface Address {
  /** 4 or 16. */
  readonly bytes: readonly number[]
  readonly zone: string
}

/** @throws AddressError */
export function parseAddress(text: string): Address {
  for (const character of text) {
    if (character === '.') return { bytes: parseV4(text, text), zone: '' }
    if (character === ':') return parseV6(text)
    if (character === '%') throw wrong(text, 'missing IPv6 address')
  }
  throw wrong(text, 'unable to parse IP')
}

function wrong(text: string, message: string, at?: string): AddressError {
  return new AddressError(`ParseAddr(${goQuote(text)}): ${message}${at === undefined ? '' : ` (at ${goQuote(at)})`}`)
}

/** @param whole what messages quote: the address that this one is the end of */
function parseV4(text: string, whole: string): number[] {
  const bytes: number[] = []
  let value = 0
  let digits = 0
  for (let i = 0; i < text.length; i++) {
    const character = text[i]!
    if (character >= '0' && character <= '9') {
      if (digits === 1 && value === 0) throw wrong(whole, 'IPv4 field has octet with leading zero')
      value = value * 10 + Number(character)
      digits++
      if (value > 255) throw wrong(whole, 'IPv4 field has value >255')
    } else if (character === '.') {
      if (i === 0 || i === text.length - 1 || text[i - 1] === '.')
        throw wrong(whole, 'IPv4 field must have at least one digit', text.slice(i))
      if (bytes.length === 3) throw wrong(whole, 'IPv4 address too long')
      bytes.push(value)
      value = 0
      digits = 0
    } else throw wrong(whole, 'unexpected character', text.slice(i))
  }
  if (bytes.length < 3) throw wrong(whole, 'IPv4 address too short')
  return [...bytes, value]
}

function parseV6(whole: string): Address {
  const percent = whole.indexOf('%')
  const zone = percent < 0 ? '' : whole.slice(percent + 1)
  if (percent >= 0 && zone === '') throw wrong(whole, 'zone must be a non-empty string')
  let rest = percent < 0 ? whole : whole.slice(0, percent)
  const bytes: number[] = []
  let ellipsis = -1
  if (rest.startsWith('::')) {
    ellipsis = 0
    rest = rest.slice(2)
    if (rest === '') return { bytes: new Array<number>(16).fill(0), zone }
  }
  while (bytes.length < 16) {
    const group = /^[0-9a-fA-F]*/.exec(rest)![0]
    if (group.length > 4) throw wrong(whole, 'each group must have 4 or less digits', rest)
    if (group === '') throw wrong(whole, 'each colon-separated field must have at least one digit', rest)
    if (rest[group.length] === '.') {
      if (ellipsis < 0 && bytes.length !== 12)
        throw wrong(whole, 'embedded IPv4 address must replace the final 2 fields of the address', rest)
      if (bytes.length + 4 > 16) throw wrong(whole, 'too many hex fields to fit an embedded IPv4 at the end of the address', rest)
      bytes.push(...parseV4(rest, whole))
      rest = ''
      break
    }
    const value = Number.parseInt(group, 16)
    bytes.push(value >> 8, value & 0xff)
    rest = rest.slice(group.length)
    if (rest === '') break
    if (rest[0] !== ':') throw wrong(whole, 'unexpected character, want colon', rest)
    if (rest.length === 1) throw wrong(whole, 'colon must be followed by more characters', rest)
    rest = rest.slice(1)
    if (rest[0] === ':') {
      if (ellipsis >= 0) throw wrong(whole, 'multiple :: in address', rest)
      ellipsis = bytes.length
      rest = rest.slice(1)
      if (rest === '') break
    }
  }
  if (rest !== '') throw wrong(whole, 'trailing garbage after address', rest)
  if (bytes.length < 16) {
    if (ellipsis < 0) throw wrong(whole, 'address string too short')
    bytes.splice(ellipsis, 0, ...new Array<number>(16 - bytes.length).fill(0))
  } else if (ellipsis >= 0) throw wrong(whole, 'the :: must expand to at least one field of zeros')
  return { bytes, zone }
}

export interface Prefix {
  readonly address: Address
  readonly bits: number
}

/** @throws AddressError */
export function parsePrefix(text: string): Prefix {
  const fail = (message: string): AddressError => new AddressError(`netip.ParsePrefix(${goQuote(text)}): ${message}`)
  const slash = text.lastIndexOf('/')
  if (slash < 0) throw fail(`no '/'`)
  let address: Address
  try {
    address = parseAddress(text.slice(0, slash))
  } catch (error) {
    throw fail((error as Error).message)
  }
  if (address.zone) throw fail('IPv6 zones cannot be present in a prefix')
  const digits = text.slice(slash + 1)
  if (!/^(?:0|[1-9][0-9]*)$/.test(digits)) throw fail(`bad bits after slash: ${goQuote(digits)}`)
  if (Number(digits) > address.bytes.length * 8) throw fail('prefix length out of range')
  return { address, bits: Number(digits) }
}

/** An IPv4 address written as IPv6. */
export const isMapped = ({ bytes }: Address): boolean =>
  bytes.length === 16 && bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff

/** The address with the bits beyond a prefix cleared. */
export function masked({ bytes }: Address, bits: number): number[] {
  return bytes.map((byte, i) => byte & ~(0xff >> Math.min(Math.max(bits - i * 8, 0), 8)) & 0xff)
}
