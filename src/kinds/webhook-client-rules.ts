import { type FieldError, invalid, required } from '../machinery/field-errors.ts'
import { isDns1035Label, isDns1123Subdomain, isValidPortNum } from '../machinery/validation.ts'

/** How a webhook is called: at a URL or through a service. */
export interface WebhookClient {
  url?: string | undefined
  service?: { namespace?: string; name?: string; path?: string; port?: number } | undefined
}

/** Exactly one way to call a webhook, and a sound one. */
export function webhookClientErrors(path: string, { url, service }: WebhookClient): FieldError[] {
  if ((url === undefined) === (service === undefined)) return [required(path, 'exactly one of url or service is required')]
  return url !== undefined ? webhookUrlErrors(`${path}.url`, url) : webhookServiceErrors(`${path}.service`, service ?? {})
}

const FORM = '; desired format: https://host[/path]'
const URL_PARTS = /^(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?:\/\/([^/?#]*))?[^?#]*(?:\?([^#]*))?(?:#(.*))?$/s

function webhookUrlErrors(path: string, url: string): FieldError[] {
  const fault = urlFault(url)
  if (fault) return [required(path, `url must be a valid URL: ${fault}${FORM}`)]
  const [, scheme = '', authority = '', query = '', fragment = ''] = URL_PARTS.exec(url) ?? []
  const at = authority.lastIndexOf('@')
  const host = authority.slice(at + 1)
  const errors: FieldError[] = []
  if (scheme.toLowerCase() !== 'https') {
    errors.push(invalid(path, scheme.toLowerCase(), `'https' is the only allowed URL scheme${FORM}`))
  }
  if (host === '') errors.push(invalid(path, host, `host must be specified${FORM}`))
  if (at >= 0) errors.push(invalid(path, authority.slice(0, at), 'user information is not permitted in the URL'))
  if (fragment) errors.push(invalid(path, fragment, 'fragments are not permitted in the URL'))
  if (query) errors.push(invalid(path, query, 'query parameters are not permitted in the URL'))
  return errors
}

/** Why Go doesn't take a text as a URL. */
function urlFault(url: string): string | undefined {
  const parse = (detail: string): string => `parse ${JSON.stringify(url)}: ${detail}`
  if (/[\x00-\x1f\x7f]/.test(url)) return parse('net/url: invalid control character in URL')
  if (url.startsWith(':')) return parse('missing protocol scheme')
  const first = url.split('/', 1)[0] as string
  if (first.includes(':') && !/^[A-Za-z][A-Za-z0-9+.-]*:/.test(url) && !/[?#]/.test(first)) {
    return parse('first path segment in URL cannot contain colon')
  }
  const authority = URL_PARTS.exec(url)?.[2] ?? ''
  const port = /:([^:\]]*)$/.exec(authority.slice(authority.lastIndexOf('@') + 1))?.[1]
  if (port && !/^\d*$/.test(port)) return parse(`invalid port ${JSON.stringify(`:${port}`)} after host`)
  if (/[ <>"]/.test(authority)) return parse(`invalid character ${JSON.stringify(/[ <>"]/.exec(authority)![0])} in host name`)
  const badEscape = /%(?![0-9A-Fa-f]{2}).{0,2}/.exec(url)
  return badEscape ? parse(`invalid URL escape ${JSON.stringify(badEscape[0])}`) : undefined
}

function webhookServiceErrors(path: string, service: NonNullable<WebhookClient['service']>): FieldError[] {
  const { namespace, name, port = 0 } = service
  const errors: FieldError[] = []
  // The reference takes the one for the other here, so that what it says is missing is what is there.
  if (!namespace) errors.push(required(`${path}.name`))
  if (!name) errors.push(required(`${path}.namespace`))
  const faults = isValidPortNum(port)
  if (faults.length) errors.push(invalid(`${path}.port`, port, `port is not valid: ${faults.join(',')}`))
  return [...errors, ...servicePathErrors(`${path}.path`, service.path ?? '')]
}

function servicePathErrors(field: string, path: string): FieldError[] {
  if (path === '' || path === '/') return []
  if (path === '//') return [invalid(field, path, 'segment[0] may not be empty')]
  const errors = path.startsWith('/') ? [] : [invalid(field, path, "must start with a '/'")]
  const segments = path.slice(1).replace(/\/$/, '').split('/')
  segments.forEach((segment, i) => {
    if (segment === '') errors.push(invalid(field, path, `segment[${i}] may not be empty`))
    else errors.push(...isDns1123Subdomain(segment).map((message) => invalid(field, path, `segment[${i}]: ${message}`)))
  })
  return errors
}

const REVIEW_VERSIONS = ['v1', 'v1beta1']

/**
 * The versions of reviews that a webhook understands.
 * @param detail what a missing list is told
 * @param requireKnown whether one of them must be known here
 */
export function reviewVersionErrors(
  field: string,
  versions: readonly string[] | undefined,
  detail: string,
  requireKnown: boolean,
): FieldError[] {
  if (!versions?.length) return [required(field, detail)]
  const errors = versions.flatMap((version, i) =>
    versions.indexOf(version) < i
      ? [invalid(`${field}[${i}]`, version, 'duplicate version')]
      : isDns1035Label(version).map((message) => invalid(`${field}[${i}]`, version, message)),
  )
  if (requireKnown && !knowsReviewVersion(versions)) {
    errors.push(invalid(field, versions, `must include at least one of ${REVIEW_VERSIONS.join(', ')}`))
  }
  return errors
}

export const knowsReviewVersion = (versions: readonly string[]): boolean =>
  versions.some((version) => REVIEW_VERSIONS.includes(version))
