import { isIP, SocketAddress } from 'node:net'
import { quote } from '../machinery/field-errors.ts'
import type { FlagType } from './flag.ts'
import {
  formatCsv,
  formatDuration,
  parseBool,
  parseCsv,
  parseDecimal,
  parseDuration,
  parseFloating,
  parseInteger,
  parseUnsigned,
  parseVerbosity,
} from './go-values.ts'

export type StringMap = Readonly<Record<string, string>>

export const bool: FlagType<boolean> = {
  label: '',
  zero: ['false'],
  noArgument: 'true',
  parse: parseBool,
  format: String,
}

const number = (label: string, parse: (text: string) => number): FlagType<number> => ({
  label,
  zero: ['0'],
  parse,
  format: String,
})

export const int = number('int', (text) => parseInteger(text, 64))
export const uint = number('uint', parseUnsigned)
export const float = number('float', parseFloating)
export const float32 = number('float32', parseFloating)
/** A log verbosity. */
export const level = number('Level', parseVerbosity)

export const string: FlagType<string> = { label: 'string', zero: [''], parse: (text) => text, format: (value) => value }

/** Written as Go writes durations; the value is in milliseconds. */
export const duration: FlagType<number> = { label: 'duration', zero: ['0s'], parse: parseDuration, format: formatDuration }

/** Comma-separated, may be repeated; a field with a comma goes in double quotes. */
export const strings: FlagType<readonly string[]> = {
  label: 'strings',
  zero: ['[]'],
  parse: (text, soFar = []) => [...soFar, ...parseCsv(text)],
  format: (value) => `[${formatCsv(value)}]`,
}

/** Repeated; a comma is part of the value. */
export const stringArray: FlagType<readonly string[]> = {
  label: 'stringArray',
  zero: ['[]'],
  parse: (text, soFar = []) => [...soFar, text],
  format: (value) => `[${formatCsv(value)}]`,
}

export const int32Slice: FlagType<readonly number[]> = {
  label: 'int32Slice',
  zero: [],
  parse: (text, soFar = []) => [...soFar, ...text.split(',').map((item) => parseInteger(item, 32))],
  format: (value) => `[${value.join(',')}]`,
}

/** An IP address in canonical form; empty for none. */
export const ip: FlagType<string> = {
  label: 'ip',
  zero: ['<nil>'],
  parse(text, soFar = '') {
    if (text === '') return soFar
    const address = canonicalIp(text.trim())
    if (address === undefined) throw new Error(`failed to parse IP: ${quote(text)}`)
    return address
  },
  format: (value) => value || '<nil>',
}

/**
 * An IP address the way Go prints it: IPv6 compressed, IPv4 in IPv6 as IPv4.
 * @returns undefined for what isn't one
 */
export function canonicalIp(text: string): string | undefined {
  const family = text.includes('%') ? 0 : isIP(text)
  if (family !== 6) return family === 4 ? text : undefined
  const { address } = new SocketAddress({ address: text, family: 'ipv6' })
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(address)?.[1] ?? address
}

/** Ports from `base` on, `size` of them. */
export interface PortRange {
  readonly base: number
  readonly size: number
}

/** `8000-8100`, `8000+100` or one port; an empty one for no ports. */
export const portRange: FlagType<PortRange> = {
  label: 'portRange',
  zero: [''],
  parse(text) {
    const value = text.trim()
    if (value === '') return { base: 0, size: 0 }
    const [hyphen, plus] = [value.indexOf('-'), value.indexOf('+')]
    if (hyphen >= 0 && plus >= 0) throw new Error(`unable to parse port range: ${value}`)
    const mark = Math.max(hyphen, plus)
    const low = parseDecimal(mark < 0 ? value : value.slice(0, mark))
    const second = mark < 0 ? low : parseDecimal(value.slice(mark + 1))
    const high = plus >= 0 ? low + second : second
    if (low > 65535 || high > 65535) throw new Error(`the port range cannot be greater than 65535: ${value}`)
    if (high < low) throw new Error(`end port cannot be less than start port: ${value}`)
    return { base: low, size: high - low + 1 }
  },
  format: ({ base, size }) => (size === 0 ? '' : `${base}-${base + size - 1}`),
}

const formatPairs = (map: StringMap): string =>
  Object.keys(map)
    .sort()
    .map((key) => `${key}=${map[key]}`)
    .join(',')

/** `a=1,b=2,c`: a key alone has an empty value. Repeated flags add up. */
export const configurationMap: FlagType<StringMap> = {
  label: 'mapStringString',
  zero: [''],
  parse(text, soFar = {}) {
    const pairs = text.split(',').filter((pair) => pair !== '')
    return { ...soFar, ...Object.fromEntries(pairs.map((pair) => splitOnce(pair, '=').map((part) => part.trim()))) }
  },
  format: formatPairs,
}

/** One `key=value` an occurrence; commas are part of the value. */
export const mapStringString: FlagType<StringMap> = {
  label: 'mapStringString',
  zero: [''],
  parse(text, soFar = {}) {
    if (!text.includes('=')) throw new Error('malformed pair, expect string=string')
    const [key, value] = splitOnce(text, '=')
    return { ...soFar, [key.trim()]: value.trim() }
  },
  format: formatPairs,
}

/** `a=1,b=2`; a pair whose value has commas goes in double quotes. */
export const stringToString: FlagType<StringMap> = {
  label: 'stringToString',
  zero: [],
  parse(text, soFar = {}) {
    const signs = text.split('=').length - 1
    const pairs = signs === 1 ? [text.replace(/^"+|"+$/g, '')] : parseCsv(text)
    const bad = signs === 0 ? text : pairs.find((pair) => !pair.includes('='))
    if (bad !== undefined) throw new Error(`${bad} must be formatted as key=value`)
    return { ...soFar, ...Object.fromEntries(pairs.map((pair) => splitOnce(pair, '='))) }
  },
  format: (map) => `[${formatPairs(map)}]`,
}

/** A resource quantity of bytes, kept as it was written. */
export const quantity: FlagType<string> = {
  label: 'quantity',
  zero: ['0'],
  parse(text) {
    if (!/^[+-]?(\d+\.?\d*|\.\d+)([KMGTPE]i|[numkMGTPE]?|[eE][+-]?\d+)$/.test(text)) {
      throw new Error("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")
    }
    return text
  },
  format: (value) => value,
}

/** A serving certificate for some server names; without names, for those in the certificate. */
export interface NamedCertKey {
  readonly certFile: string
  readonly keyFile: string
  readonly names: readonly string[]
}

/** `CERT,KEY` or `CERT,KEY:name,*.name`; repeated. */
export const namedCertKeys: FlagType<readonly NamedCertKey[]> = {
  label: 'namedCertKey',
  zero: [],
  parse(text, soFar = []) {
    const [files, list] = splitOnce(text, ':').map((part) => part.trim())
    if (text.includes(':') && !list) throw new Error('empty names list is not allowed')
    const pair = files!.split(',').map((file) => file.trim())
    if (pair.length !== 2) throw new Error('expected comma separated certificate and key file paths')
    const names = list ? list.split(',').map((name) => name.trim()) : []
    return [...soFar, { certFile: pair[0]!, keyFile: pair[1]!, names }]
  },
  format: (value) => `[${value.map(formatNamedCertKey).join(';')}]`,
}

const formatNamedCertKey = ({ certFile, keyFile, names }: NamedCertKey): string =>
  `${certFile},${keyFile}${names.length > 0 ? `:${names.join(',')}` : ''}`

/** The log verbosity for the source files that match a pattern. */
export interface ModuleVerbosity {
  readonly pattern: string
  readonly verbosity: number
}

export const moduleVerbosities: FlagType<readonly ModuleVerbosity[]> = {
  label: 'pattern=N,...',
  zero: [''],
  parse(text, soFar = []) {
    const items = text.split(',').filter((item) => item !== '')
    return [...soFar, ...items.map(moduleVerbosity)]
  },
  format: (value) => value.map(({ pattern, verbosity }) => `${pattern}=${verbosity}`).join(','),
}

function moduleVerbosity(item: string): ModuleVerbosity {
  const [pattern, verbosity, ...more] = item.split('=')
  if (!pattern || !verbosity || more.length > 0) throw new Error(`${quote(item)} does not have the pattern=N format`)
  try {
    return { pattern, verbosity: parseVerbosity(verbosity) }
  } catch (error) {
    throw new Error(`parsing verbosity in ${quote(item)}: ${(error as Error).message}`)
  }
}

/** Networks in CIDR notation, comma-separated. Their syntax is checked with the other rules, which word it by position. */
export const cidrs: FlagType<readonly string[]> = {
  label: 'string',
  zero: [''],
  parse: (text) => (text === '' ? [] : text.split(',')),
  format: (value) => value.join(','),
}

const splitOnce = (text: string, mark: string): [string, string] => {
  const at = text.indexOf(mark)
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + mark.length)]
}
