import { type FieldError, invalid, required } from './field-errors.ts'

/** What is wrong with a value, as the reference words it; empty when nothing is. */
export type Messages = readonly string[]

const FINE: Messages = Object.freeze([])

/**
 * The reference counts bytes everywhere, yet older checks call them characters. Fields with declarative validation rules say bytes:
 * pass it for those.
 */
export type LengthUnit = 'characters' | 'bytes'

/** The length in UTF-8 bytes, which is what every limit counts. */
export function byteLength(text: string): number {
  return Buffer.byteLength(text)
}

const longerThan = (text: string, max: number): boolean => text.length > max || (text.length * 3 > max && byteLength(text) > max)

export const maxLenError = (max: number, unit: LengthUnit = 'characters'): string => `must be no more than ${max} ${unit}`

/** The message of a failed pattern, with its examples (punctuated as the reference does). */
export function regexError(message: string, pattern: string, ...examples: string[]): string {
  if (!examples.length) return `${message} (regex used for validation is '${pattern}')`
  const list = examples.map((example) => `'${example}', `).join(' or ')
  return `${message} (e.g. ${list}regex used for validation is '${pattern}')`
}

export const inclusiveRangeError = (low: number, high: number): string => `must be between ${low} and ${high}, inclusive`

export const EMPTY_ERROR = 'must be non-empty'

const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?'
const SUBDOMAIN = `${LABEL}(\\.${LABEL})*`
const LABEL_MESSAGE =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character"
const SUBDOMAIN_MESSAGE =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character"

const SUBDOMAIN_EXAMPLES = ['example.com']

const labelPattern = new RegExp(`^${LABEL}$`)
const subdomainPattern = new RegExp(`^${SUBDOMAIN}$`)

/** A label of DNS (RFC 1123): at most 63 bytes. */
export function isDns1123Label(value: string, unit: LengthUnit = 'characters'): Messages {
  const fits = !longerThan(value, 63)
  const matches = labelPattern.test(value)
  if (fits && matches) return FINE
  const errors: string[] = fits ? [] : [maxLenError(63, unit)]
  if (!matches) {
    // A good subdomain that is no label can only have dots too many.
    errors.push(subdomainPattern.test(value) ? 'must not contain dots' : regexError(LABEL_MESSAGE, LABEL, 'my-name', '123-abc'))
  }
  return errors
}

/** A subdomain of DNS (RFC 1123): at most 253 bytes. */
export function isDns1123Subdomain(value: string, unit: LengthUnit = 'characters'): Messages {
  return check(value, 253, subdomainPattern, SUBDOMAIN_MESSAGE, SUBDOMAIN, SUBDOMAIN_EXAMPLES, unit)
}

const SUBDOMAIN_UNDERSCORE = '_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?(\\._?[a-z0-9]([-_a-z0-9]*[a-z0-9])?)*'
const subdomainUnderscorePattern = new RegExp(`^${SUBDOMAIN_UNDERSCORE}$`)

/** A subdomain whose labels may hold underscores (search paths of a pod's DNS). */
export function isDns1123SubdomainWithUnderscore(value: string): Messages {
  const message =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character"
  return check(value, 253, subdomainUnderscorePattern, message, SUBDOMAIN_UNDERSCORE, ['example.com'])
}

const DNS1035_LABEL = '[a-z]([-a-z0-9]*[a-z0-9])?'
const dns1035Pattern = new RegExp(`^${DNS1035_LABEL}$`)

/** A label of DNS (RFC 1035): starts with a letter. */
export function isDns1035Label(value: string): Messages {
  const message =
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character"
  return check(value, 63, dns1035Pattern, message, DNS1035_LABEL, ['my-name', 'abc-123'])
}

const WILDCARD_SUBDOMAIN = `\\*\\.${SUBDOMAIN}`
const wildcardPattern = new RegExp(`^${WILDCARD_SUBDOMAIN}$`)

/** `*.` and a subdomain (RFC 1034 section 4.3.3). */
export function isWildcardDns1123Subdomain(value: string): Messages {
  const message =
    "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character"
  return check(value, 253, wildcardPattern, message, WILDCARD_SUBDOMAIN, ['*.example.com'])
}

const NAME_PART = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]'
const NAME_PART_MESSAGE =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
const NAME_PART_EXAMPLES = ['MyName', 'my.name', '123-abc']
const namePartPattern = /^[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?$/
const qualifiedPattern = new RegExp(`^(?:${SUBDOMAIN}/)?${namePartPattern.source.slice(1)}`)

/** A label's key, and what else is named like one: an optional subdomain, a slash and a name of at most 63 bytes. */
export function isQualifiedName(value: string): Messages {
  // Most are so short that no part of them can be too long.
  if (value.length <= 63 && qualifiedPattern.test(value)) return FINE
  const slash = value.indexOf('/')
  if (slash < 0) return namePart(value, [])
  if (value.indexOf('/', slash + 1) >= 0) {
    const pattern = regexError(NAME_PART_MESSAGE, NAME_PART, ...NAME_PART_EXAMPLES)
    return [`a valid label key ${pattern} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`]
  }
  const prefix = value.slice(0, slash)
  const prefixErrors = prefix === '' ? [EMPTY_ERROR] : isDns1123Subdomain(prefix, 'bytes')
  return namePart(
    value.slice(slash + 1),
    prefixErrors.map((e) => `prefix part ${e}`),
  )
}

function namePart(name: string, errors: string[]): Messages {
  if (name === '') errors.push(`name part ${EMPTY_ERROR}`)
  else if (longerThan(name, 63)) errors.push(`name part ${maxLenError(63, 'bytes')}`)
  if (!namePartPattern.test(name)) {
    errors.push(`name part ${regexError(NAME_PART_MESSAGE, NAME_PART, ...NAME_PART_EXAMPLES)}`)
  }
  return errors
}

const LABEL_VALUE_EXAMPLES = ['MyValue', 'my_value', '12345']
const labelValuePattern = /^(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/

/** A label's value: empty, or at most 63 bytes. */
export function isValidLabelValue(value: string): Messages {
  const message =
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
  return check(value, 63, labelValuePattern, message, `(${NAME_PART})?`, LABEL_VALUE_EXAMPLES, 'bytes')
}

const C_IDENTIFIER = '[A-Za-z_][A-Za-z0-9_]*'
const cIdentifierPattern = new RegExp(`^${C_IDENTIFIER}$`)

/** An identifier of C; its length isn't checked. */
export function isCIdentifier(value: string): Messages {
  const message =
    "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_'"
  return check(value, Infinity, cIdentifierPattern, message, C_IDENTIFIER, ['my_name', 'MY_NAME', 'MyName'])
}

export function isInRange(value: number, low: number, high: number): Messages {
  return value >= low && value <= high ? FINE : [inclusiveRangeError(low, high)]
}

export function isValidPortNum(port: number): Messages {
  return isInRange(port, 1, 65535)
}

/** A user or group id of Unix, 32 bits. */
export function isValidUserId(id: number): Messages {
  return isInRange(id, 0, 0x7fffffff)
}

const portNamePattern = /^(?=.*[a-z])[a-z0-9]+(?:-[a-z0-9]+)*$/

/** The name of a port (RFC 6335, lower case only). */
export function isValidPortName(port: string): Messages {
  if (port.length <= 15 && portNamePattern.test(port)) return FINE
  const errors: string[] = []
  if (longerThan(port, 15)) errors.push(maxLenError(15))
  if (!/^[-a-z0-9]+$/.test(port)) errors.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)')
  if (!/[a-z]/.test(port)) errors.push('must contain at least one letter (a-z)')
  if (port.includes('--')) errors.push('must not contain consecutive hyphens')
  if (port.startsWith('-') || port.endsWith('-')) errors.push('must not begin or end with a hyphen')
  return errors
}

const percentPattern = /^[0-9]+%$/

export function isValidPercent(value: string): Messages {
  const message = "a valid percent string must be a numeric string followed by an ending '%'"
  return check(value, Infinity, percentPattern, message, '[0-9]+%', ['1%', '93%'])
}

const HEADER_EXAMPLES = ['X-Header-Name']
const headerPattern = /^[-A-Za-z0-9]+$/

export function isHttpHeaderName(value: string): Messages {
  const message = "a valid HTTP header must consist of alphanumeric characters or '-'"
  return check(value, Infinity, headerPattern, message, '[-A-Za-z0-9]+', HEADER_EXAMPLES)
}

const ENV_VAR = '[-._a-zA-Z][-._a-zA-Z0-9]*'
const envVarPattern = new RegExp(`^${ENV_VAR}$`)

/** The strict form of an environment variable's name. */
export function isEnvVarName(value: string): Messages {
  const message =
    "a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', and must not start with a digit"
  const errors = check(value, Infinity, envVarPattern, message, ENV_VAR, ['my.env-name', 'MY_ENV.NAME', 'MyEnvName1'])
  return [...errors, ...dotPrefix(value)]
}

const relaxedEnvVarPattern = /^[ -<>-~]+$/

/** What the server accepts as an environment variable's name by default: printable ASCII but `=`. */
export function isRelaxedEnvVarName(value: string): Messages {
  if (value === '') return [`environment variable name ${EMPTY_ERROR}`]
  if (relaxedEnvVarPattern.test(value)) return FINE
  return ["a valid environment variable name must consist only of printable ASCII characters other than '='"]
}

const CONFIG_MAP_KEY_EXAMPLES = ['key.name', 'KEY_NAME', 'key-name']
const configMapKeyPattern = /^[-._a-zA-Z0-9]+$/

/** A key of a ConfigMap or Secret, which also names a file. */
export function isConfigMapKey(value: string): Messages {
  const message = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'"
  const errors = check(value, 253, configMapKeyPattern, message, '[-._a-zA-Z0-9]+', CONFIG_MAP_KEY_EXAMPLES)
  const dots = dotPrefix(value)
  return dots.length ? [...errors, ...dots] : errors
}

/** A name that becomes part of a path: of storage, of a URL. */
export function isPathSegmentName(name: string): Messages {
  if (name === '.' || name === '..') return [`may not be '${name}'`]
  return isPathSegmentPrefix(name)
}

/** As `isPathSegmentName`, for what a random suffix is added to. */
export function isPathSegmentPrefix(name: string): Messages {
  return ['/', '%'].filter((c) => name.includes(c)).map((c) => `may not contain '${c}'`)
}

/** A domain of three or more labels. */
export function isFullyQualifiedName(path: string, name: string): FieldError[] {
  if (name === '') return [required(path)]
  const errors = isDns1123Subdomain(name)
  if (errors.length) return [invalid(path, name, errors.join(','))]
  if (name.split('.').length >= 3) return []
  return [invalid(path, name, 'should be a domain with at least three segments separated by dots')]
}

/** A domain of two or more labels; a trailing dot is fine. */
export function isFullyQualifiedDomainName(path: string, text: string): FieldError[] {
  if (text === '') return [required(path)]
  const name = text.endsWith('.') ? text.slice(0, -1) : text
  const errors = isDns1123Subdomain(name)
  if (errors.length) return [invalid(path, name, errors.join(','))]
  const labels = name.split('.')
  if (labels.length < 2) return [invalid(path, name, 'should be a domain with at least two segments separated by dots')]
  for (const label of labels) {
    const labelErrors = isDns1123Label(label)
    if (labelErrors.length) return [invalid(path, label, labelErrors.join(','))]
  }
  return []
}

const HTTP_PATH = "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+"
const httpPathPattern = new RegExp(`^${HTTP_PATH}$`)

/** `acme.io/foo`: a subdomain, a slash, an HTTP path. */
export function isDomainPrefixedPath(path: string, value: string): FieldError[] {
  if (value === '') return [required(path)]
  const slash = value.indexOf('/')
  if (slash <= 0 || slash === value.length - 1) {
    return [invalid(path, value, 'must be a domain-prefixed path (such as "acme.io/foo")')]
  }
  const host = value.slice(0, slash)
  const rest = value.slice(slash + 1)
  const errors = isDns1123Subdomain(host).map((e) => invalid(path, host, e))
  if (!httpPathPattern.test(rest)) errors.push(invalid(path, rest, regexError('Invalid path', HTTP_PATH)))
  return errors
}

/** `acme.io/foo`: a qualified name that must have its domain. */
export function isDomainPrefixedKey(path: string, key: string): FieldError[] {
  if (key === '') return [required(path)]
  const errors = isQualifiedName(key).map((e) => invalid(path, key, e))
  if (errors.length || key.includes('/')) return errors
  return [invalid(path, key, 'must be a domain-prefixed key (such as "acme.io/foo")')]
}

/** Names that would leave the folder they are written to. */
function dotPrefix(value: string): Messages {
  if (value === '.' || value === '..') return [`must not be '${value}'`]
  return value.startsWith('..') ? ["must not start with '..'"] : FINE
}

function check(
  value: string,
  max: number,
  pattern: RegExp,
  message: string,
  printed: string,
  examples: readonly string[],
  unit: LengthUnit = 'characters',
): Messages {
  const fits = !longerThan(value, max)
  const matches = pattern.test(value)
  if (fits && matches) return FINE
  const errors: string[] = fits ? [] : [maxLenError(max, unit)]
  if (!matches) errors.push(regexError(message, printed, ...examples))
  return errors
}
