import { type FieldError, invalid } from './field-errors.ts'
import { goQuote } from './go-text.ts'
import { formatCidr, formatIp, type IpAddress, isIPv4, parseCidr, parseIp } from './ip-address.ts'

const IP_MESSAGE = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'
const CIDR_MESSAGE = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'
const INTERFACE_MESSAGE = 'must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)'

/** An address in a field that has always been lenient about leading zeros. */
export function isValidIP(path: string, value: string): FieldError[] {
  return parseIp(value) ? [] : [invalid(path, value, IP_MESSAGE)]
}

/**
 * An address in a field whose old values may stay as they are while new ones must be strict.
 *
 * @param valid values that were there before
 */
export function isValidIPForLegacyField(
  path: string,
  value: string,
  strict: boolean,
  valid: readonly string[] = [],
): FieldError[] {
  if (!strict || valid.includes(value)) return valid.includes(value) ? [] : isValidIP(path, value)
  const address = parseIp(value)
  if (!address) return [invalid(path, value, IP_MESSAGE)]
  const errors: FieldError[] = []
  if (!parseIp(value, true)) errors.push(invalid(path, value, 'must not have leading 0s'))
  if (isMapped(address)) errors.push(invalid(path, value, 'must not be an IPv4-mapped IPv6 address'))
  return errors
}

export function isValidIPv4Address(path: string, value: string): FieldError[] {
  const address = parseIp(value)
  return address && isIPv4(address) ? [] : [invalid(path, value, 'must be a valid IPv4 address')]
}

export function isValidIPv6Address(path: string, value: string): FieldError[] {
  const address = parseIp(value)
  return address && !isIPv4(address) ? [] : [invalid(path, value, 'must be a valid IPv6 address')]
}

/** A range in a field that has always been lenient about leading zeros and bits beyond the prefix. */
export function isValidCIDR(path: string, value: string): FieldError[] {
  return parseCidr(value) ? [] : [invalid(path, value, CIDR_MESSAGE)]
}

/** As `isValidIPForLegacyField`, for a range. */
export function isValidCIDRForLegacyField(
  path: string,
  value: string,
  strict: boolean,
  valid: readonly string[] = [],
): FieldError[] {
  if (!strict || valid.includes(value)) return valid.includes(value) ? [] : isValidCIDR(path, value)
  const range = parseCidr(value)
  if (!range) return [invalid(path, value, CIDR_MESSAGE)]
  const errors: FieldError[] = []
  if (!parseIp(value.slice(0, value.indexOf('/')), true)) errors.push(invalid(path, value, 'must not have leading 0s in IP'))
  if (/\/0[0-9]/.test(value)) errors.push(invalid(path, value, 'must not have leading 0s in prefix length'))
  if (isMapped(range.address)) errors.push(invalid(path, value, 'must not have an IPv4-mapped IPv6 address'))
  if (formatIp(range.address) !== formatIp(range.network)) {
    errors.push(invalid(path, value, 'must not have bits set beyond the prefix length'))
  }
  return errors
}

/** An interface's address with its subnet's prefix, in canonical form. */
export function isValidInterfaceAddress(path: string, value: string): FieldError[] {
  const range = parseCidr(value)
  if (!range) return [invalid(path, value, INTERFACE_MESSAGE)]
  const canonical = `${formatIp(range.address)}/${range.prefix}`
  return value === canonical ? [] : [invalid(path, value, `must be in canonical form (${goQuote(canonical)})`)]
}

/** Warnings for a valid address in a form that won't stay valid. */
export function warningsForIP(path: string, value: string): string[] {
  const address = parseIp(value)
  if (!address) return []
  if (!parseIp(value, true) || isMapped(address)) {
    return [nonStandard(path, 'IP address', value, formatIp(address))]
  }
  if (isIPv4(address) || formatIp(address) === value) return []
  return [`${path}: IPv6 address ${goQuote(value)} should be in RFC 5952 canonical format (${goQuote(formatIp(address))})`]
}

/** Warnings for a valid range in a form that won't stay valid. */
export function warningsForCIDR(path: string, value: string): string[] {
  const range = parseCidr(value)
  if (!range) return []
  const { address, network } = range
  const warnings: string[] = []
  const canonical = formatCidr(range)
  if (formatIp(address) !== formatIp(network)) {
    const single = `${formatIp(address)}/${address.bytes.length * 8}`
    const choice = `(should be ${goQuote(canonical)} or ${goQuote(single)}?)`
    warnings.push(`${path}: CIDR value ${goQuote(value)} is ambiguous in this context ${choice}`)
  }
  if (!parseCidr(value, true) || isMapped(address)) warnings.push(nonStandard(path, 'CIDR value', value, canonical))
  if (!warnings.length && !isIPv4(address) && canonical !== value) {
    warnings.push(`${path}: IPv6 CIDR value ${goQuote(value)} should be in RFC 5952 canonical format (${goQuote(canonical)})`)
  }
  return warnings
}

const isMapped = (address: IpAddress): boolean => address.writtenAsV6 && isIPv4(address)

const nonStandard = (path: string, what: string, value: string, better: string): string =>
  `${path}: non-standard ${what} ${goQuote(value)} will be considered invalid in a future Kubernetes release: use ${goQuote(better)}`
