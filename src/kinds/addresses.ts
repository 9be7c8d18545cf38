import { type FieldError, invalid } from '../machinery/field-errors.ts'
import { goQuote } from '../machinery/go-text.ts'
import { formatCidr, formatIp, isIPv4, parseCidr, parseIp } from '../machinery/ip-address.ts'
import { isValidCIDRForLegacyField, isValidIPForLegacyField } from '../machinery/ip-address-validation.ts'

export type IpFamily = 'IPv4' | 'IPv6'

/** The family of an address; undefined when it is none. */
export function familyOf(text: string): IpFamily | undefined {
  const address = parseIp(text)
  return address && (isIPv4(address) ? 'IPv4' : 'IPv6')
}

/** An address in a field that is older than strict parsing; what was there before (`old`) may stay. */
export const ipErrors = (field: string, text: string, old: readonly string[] = []): FieldError[] =>
  isValidIPForLegacyField(field, text, true, old)

/** An address in a newer field: in its canonical form. */
export function canonicalIpErrors(field: string, text: string): FieldError[] {
  const errors = ipErrors(field, text)
  const address = parseIp(text)
  if (errors.length || !address || formatIp(address) === text) return errors
  return [invalid(field, text, `must be in canonical form (${goQuote(formatIp(address))})`)]
}

export const cidrErrors = (field: string, text: string, old: readonly string[] = []): FieldError[] =>
  isValidCIDRForLegacyField(field, text, true, old)

/** As `canonicalIpErrors`, for a range. */
export function canonicalCidrErrors(field: string, text: string): FieldError[] {
  const errors = cidrErrors(field, text)
  const range = parseCidr(text)
  if (errors.length || !range || formatCidr(range) === text) return errors
  return [invalid(field, text, `must be in canonical form (${goQuote(formatCidr(range))})`)]
}

/** Addresses at which no other machine can be reached. */
export function nonSpecialIpErrors(field: string, text: string): FieldError[] {
  const address = parseIp(text)
  if (!address) return [invalid(field, text, 'must be a valid IP address')]
  const { bytes } = address
  const [a = 0, b = 0, c = 0] = bytes
  const v4 = isIPv4(address)
  const errors: FieldError[] = []
  if (bytes.every((byte) => byte === 0)) errors.push(invalid(field, text, `may not be unspecified (${text})`))
  if (v4 ? a === 127 : bytes.every((byte, i) => byte === (i === 15 ? 1 : 0))) {
    errors.push(invalid(field, text, 'may not be in the loopback range (127.0.0.0/8, ::1/128)'))
  }
  if (v4 ? a === 169 && b === 254 : a === 0xfe && (b & 0xc0) === 0x80) {
    errors.push(invalid(field, text, 'may not be in the link-local range (169.254.0.0/16, fe80::/10)'))
  }
  if (v4 ? a === 224 && b === 0 && c === 0 : a === 0xff && (b & 0x0f) === 2) {
    errors.push(invalid(field, text, 'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)'))
  }
  return errors
}

/** How an address stands before a port. */
export const joinHostPort = (host: string, port: number): string => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`)
