import { isIP } from 'node:net'
import { durationOf } from './durations.ts'

/**
 * Formats of strings that schemas may name, as the reference checks them; others are ignored. Dashes in names don't matter.
 * See https://pkg.go.dev/k8s.io/kube-openapi/pkg/validation/strfmt
 */
export function fitsFormat(format: string, text: string): boolean {
  const name = format.replaceAll('-', '')
  return !Object.hasOwn(FORMATS, name) || FORMATS[name]!(text)
}

/** Formats of numbers, which are never checked beyond their type. */
const NUMBER_FORMATS: ReadonlySet<string> = new Set(['double', 'float', 'int32', 'int64'])

/** Whether a format means anything to the server. */
export const isKnownFormat = (format: string): boolean =>
  NUMBER_FORMATS.has(format) || Object.hasOwn(FORMATS, format.replaceAll('-', ''))

const matches =
  (pattern: RegExp) =>
  (text: string): boolean =>
    pattern.test(text)

const uuid = (version: string) => matches(new RegExp(`^[0-9a-f]{8}-?[0-9a-f]{4}-?${version}-?[0-9a-f]{4}-?[0-9a-f]{12}$`, 'i'))
const DATE = /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])$/

const FORMATS: Readonly<Record<string, (text: string) => boolean>> = {
  bsonobjectid: matches(/^[0-9a-fA-F]{24}$/),
  uri: isUri,
  email: isEmail,
  hostname: isHostname,
  ipv4: (text) => isIP(text) === 4,
  ipv6: (text) => isIP(text) === 6 && !text.includes('%'),
  cidr: isCidr,
  mac: isMac,
  uuid: uuid('[0-9a-f]{4}'),
  uuid3: uuid('3[0-9a-f]{3}'),
  uuid4: matches(/^[0-9a-f]{8}-?[0-9a-f]{4}-?4[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$/i),
  uuid5: matches(/^[0-9a-f]{8}-?[0-9a-f]{4}-?5[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$/i),
  isbn: (text) => isIsbn10(text) || isIsbn13(text),
  isbn10: isIsbn10,
  isbn13: isIsbn13,
  creditcard: isCreditCard,
  ssn: matches(/^\d{3}[- ]?\d{2}[- ]?\d{4}$/),
  hexcolor: matches(/^#?(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})$/),
  rgbcolor: (text) => {
    const parts = /^rgb\(\s*(\d{1,3})\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})\s*\)$/.exec(text)?.slice(1)
    return parts?.every((part) => Number(part) <= 255 && String(Number(part)) === part) ?? false
  },
  byte: matches(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})$/),
  password: () => true,
  date: isDate,
  duration: (text) => durationOf(text) !== undefined,
  datetime: isDateTime,
  k8sshortname: matches(/^(?=.{1,63}$)[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/),
  k8slongname: matches(/^(?=.{1,253}$)[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/),
}

/** A URI of a request: absolute, or a path from the root. */
function isUri(text: string): boolean {
  if (text === '' || /[\x00-\x20\x7f]/.test(text) || /%(?![0-9A-Fa-f]{2})/.test(text)) return false
  if (text === '*' || text.startsWith('/')) return true
  return /^[A-Za-z][A-Za-z0-9+.-]*:/.test(text)
}

function isEmail(text: string): boolean {
  const address = /^(?:[^<>]*<\s*)?([^\s<>@]+|"[^"]*")@([^\s<>@]+?)\s*>?$/.exec(text.trim())
  return address !== null && !address[1]!.startsWith('.') && !address[1]!.endsWith('.') && !address[1]!.includes('..')
}

/** Names that Go's URL library takes as a host, of labels of at most 63 bytes. */
function isHostname(text: string): boolean {
  if (
    text.length > 255 ||
    !/^[\p{L}\p{N}](?:[\p{L}\p{N}-]*[\p{L}\p{N}])?(?:\.[\p{L}\p{N}](?:[\p{L}\p{N}-]*[\p{L}\p{N}])?)*\.?$/u.test(text)
  )
    return false
  return text.split('.').every((label) => label.length <= 63)
}

function isCidr(text: string): boolean {
  const [address = '', bits = '', ...rest] = text.split('/')
  const family = isIP(address)
  return family !== 0 && rest.length === 0 && /^(?:0|[1-9]\d{0,2})$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128)
}

/** 6, 8 or 20 bytes, with one kind of separator. */
function isMac(text: string): boolean {
  const bytes = /^[0-9a-f]{2}([:-])(?:[0-9a-f]{2}\1)*[0-9a-f]{2}$/i.test(text) ? text.length / 3 + 1 / 3 : 0
  const words = /^[0-9a-f]{4}\.(?:[0-9a-f]{4}\.)*[0-9a-f]{4}$/i.test(text) ? ((text.length + 1) / 5) * 2 : 0
  return [6, 8, 20].includes(Math.round(bytes || words))
}

function isIsbn10(text: string): boolean {
  const digits = text.replace(/[\s-]/g, '')
  if (!/^\d{9}[\dX]$/.test(digits)) return false
  const sum = [...digits].reduce((total, digit, i) => total + (i + 1) * (digit === 'X' ? 10 : Number(digit)), 0)
  return sum % 11 === 0
}

function isIsbn13(text: string): boolean {
  const digits = text.replace(/[\s-]/g, '')
  if (!/^\d{13}$/.test(digits)) return false
  return [...digits].reduce((total, digit, i) => total + (i % 2 ? 3 : 1) * Number(digit), 0) % 10 === 0
}

/** By Luhn's check digit. */
function isCreditCard(text: string): boolean {
  const digits = text.replace(/[^0-9]+/g, '')
  if (
    !/^(?:4\d{12}(?:\d{3})?|5[1-5]\d{14}|6(?:011|5\d\d)\d{12}|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}|(?:2131|1800|35\d{3})\d{11})$/.test(
      digits,
    )
  )
    return false
  const sum = [...digits].reverse().reduce((total, digit, i) => {
    const value = Number(digit) * (i % 2 ? 2 : 1)
    return total + (value > 9 ? value - 9 : value)
  }, 0)
  return sum % 10 === 0
}

function isDate(text: string): boolean {
  if (!DATE.test(text)) return false
  const time = new Date(`${text}T00:00:00Z`)
  return !Number.isNaN(time.getTime()) && time.toISOString().startsWith(text)
}

/** RFC 3339, where letters may be small and a space may stand for the T. */
function isDateTime(text: string): boolean {
  const parts = /^(\d{4}-\d\d-\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/.exec(text)
  return parts !== null && isDate(parts[1]!) && Number(parts[2]) < 24 && Number(parts[3]) < 60 && Number(parts[4]) < 61
}
