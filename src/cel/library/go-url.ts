import { goQuote } from '../../machinery/go-text.ts'

/** A text that is no URL, in the words of Go's net/url. */
export class UrlError extends Error {
  override name = 'UrlError'
}

export interface GoUrl {
  readonly scheme: string
  /** With the port. */
  readonly host: string
  readonly path: string
  /** The path as written, when it isn't what escaping the path would give. */
  readonly rawPath: string
  readonly rawQuery: string
}

/**
 * Parses a URL as Go does for requests: absolute, or a path from the root.
 *
 * @throws UrlError
 */
export function parseRequestUri(text: string): GoUrl {
  return parse(text, text, true)
}

/**
 * Parses any reference, without its fragment.
 *
 * @throws UrlError
 */
export function parseUrl(text: string): GoUrl {
  const hash = text.indexOf('#')
  return parse(text, hash < 0 ? text : text.slice(0, hash), false)
}

function parse(whole: string, text: string, request: boolean): GoUrl {
  const wrong = (message: string): UrlError => new UrlError(`parse ${goQuote(whole)}: ${message}`)
  if (/[\x00-\x1f\x7f]/.test(text)) throw wrong('net/url: invalid control character in URL')
  if (text === '' && request) throw wrong('empty url')
  if (text === '*') return { scheme: '', host: '', path: '*', rawPath: '', rawQuery: '' }
  if (text.startsWith(':')) throw wrong('missing protocol scheme')
  const scheme = /^([a-zA-Z][a-zA-Z0-9+.-]*):/.exec(text)?.[1] ?? ''
  const afterScheme = scheme ? text.slice(scheme.length + 1) : text
  const question = afterScheme.indexOf('?')
  let rest = question < 0 ? afterScheme : afterScheme.slice(0, question)
  const rawQuery = question < 0 ? '' : afterScheme.slice(question + 1)
  if (!rest.startsWith('/')) {
    if (scheme) return { scheme: scheme.toLowerCase(), host: '', path: '', rawPath: '', rawQuery }
    if (request) throw wrong('invalid URI for request')
    if (rest.split('/', 1)[0]!.includes(':')) throw wrong('first path segment in URL cannot contain colon')
  }
  let host = ''
  if ((scheme || (!request && !rest.startsWith('///'))) && rest.startsWith('//')) {
    const end = rest.indexOf('/', 2)
    const authority = end < 0 ? rest.slice(2) : rest.slice(2, end)
    rest = end < 0 ? '' : rest.slice(end)
    host = parseAuthority(authority, wrong)
  }
  const path = decodePath(rest, wrong)
  return { scheme: scheme.toLowerCase(), host, path, rawPath: escapePath(path) === rest ? '' : rest, rawQuery }
}

type Wrong = (message: string) => UrlError

function parseAuthority(authority: string, wrong: Wrong): string {
  const at = authority.lastIndexOf('@')
  if (at >= 0 && !/^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/.test(authority.slice(0, at))) throw wrong('net/url: invalid userinfo')
  const host = authority.slice(at + 1)
  const bracket = host.startsWith('[') ? host.lastIndexOf(']') : undefined
  if (bracket !== undefined && bracket < 0) throw wrong("missing ']' in host")
  const colon = bracket === undefined ? host.lastIndexOf(':') : bracket + 1
  const port = colon < 0 ? '' : host.slice(colon)
  if (port !== '' && !/^:[0-9]*$/.test(port)) throw wrong(`invalid port ${goQuote(port)} after host`)
  const bad = /[^A-Za-z0-9\-._~!$&'()*+,;=:[\]<>"%\u0080-\uffff]/.exec(host)
  if (bad) throw wrong(`invalid character ${goQuote(bad[0])} in host name`)
  const wrongEscape = /%(?!(?:25|[89a-fA-F][0-9a-fA-F]))(.{0,2})/s.exec(host)
  if (wrongEscape) throw wrong(`invalid URL escape ${goQuote(wrongEscape[0])}`)
  return host
}

function decodePath(text: string, wrong: Wrong): string {
  const bad = /%(?![0-9a-fA-F]{2}).{0,2}/s.exec(text)
  if (bad) throw wrong(`invalid URL escape ${goQuote(bad[0])}`)
  return decode(text)
}

/** Decodes bytes, whatever they are. */
function decode(text: string): string {
  return text.replace(/(?:%[0-9a-fA-F]{2})+/g, (escapes) => Buffer.from(escapes.replaceAll('%', ''), 'hex').toString())
}

const escapePath = (path: string): string =>
  path.replace(/[^A-Za-z0-9\-_.~$&+,/:;=@]/gu, (character) =>
    [...Buffer.from(character)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  )

/** The path as it would be sent. */
export function escapedPath({ path, rawPath }: GoUrl): string {
  if (rawPath !== '' && /^(?:[A-Za-z0-9\-_.~$&+,/:;=@!'()*[\]]|%[0-9a-fA-F]{2})*$/.test(rawPath)) return rawPath
  return path === '*' ? '*' : escapePath(path)
}

export function hostname({ host }: GoUrl): string {
  if (host.startsWith('[')) return host.slice(1, host.indexOf(']'))
  return host.replace(/:[0-9]*$/, '')
}

export const port = ({ host }: GoUrl): string => /(?:^[^[]*|\]):([0-9]*)$/.exec(host)?.[1] ?? ''

/** The query's values by their keys; what can't be read is left out. */
export function query({ rawQuery }: GoUrl): Map<string, string[]> {
  const found = new Map<string, string[]>()
  for (const part of rawQuery.split('&')) {
    if (part === '' || part.includes(';') || /%(?![0-9a-fA-F]{2})/.test(part)) continue
    const [key, ...value] = part.split('=').map((text) => decode(text.replaceAll('+', ' ')))
    found.set(key!, [...(found.get(key!) ?? []), value.join('=')])
  }
  return found
}
