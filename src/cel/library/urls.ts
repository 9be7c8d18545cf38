import { readsFirst } from '../costs.ts'
import { EvaluationError } from '../errors.ts'
import { declare, type Overload } from '../functions.ts'
import { opaqueType, type Type } from '../types.ts'
import { EntryMap, Special, type Value } from '../values.ts'
import { escapedPath, type GoUrl, hostname, parseRequestUri, parseUrl, port, query, UrlError } from './go-url.ts'

const TYPE: Type = opaqueType('kubernetes.URL')

class Url extends Special {
  readonly text: string
  readonly url: GoUrl

  constructor(text: string, url: GoUrl) {
    super()
    this.text = text
    this.url = url
  }

  get type(): Type {
    return TYPE
  }

  equals(other: Value): boolean {
    return other instanceof Url && this.text === other.text
  }
}

function url(text: string): Url {
  try {
    parseRequestUri(text)
    return new Url(text, parseUrl(text))
  } catch (error) {
    if (!(error instanceof UrlError)) throw error
    throw new EvaluationError(`URL parse error during conversion from string: ${error.message}`)
  }
}

function isUrl(text: string): boolean {
  try {
    parseRequestUri(text)
    return true
  } catch (error) {
    if (error instanceof UrlError) return false
    throw error
  }
}

function queryMap({ url }: Url): EntryMap {
  const map = new EntryMap()
  for (const [key, values] of query(url)) map.add(key, values)
  return map
}

/** URLs, as Go reads them. */
export const urls: readonly Overload[] = [
  declare('url(string): kubernetes.URL', url, { cost: readsFirst }),
  declare('isURL(string): bool', isUrl),
  declare('kubernetes.URL::getScheme(): string', ({ url }: Url) => url.scheme),
  declare('kubernetes.URL::getHost(): string', ({ url }: Url) => url.host),
  declare('kubernetes.URL::getHostname(): string', ({ url }: Url) => hostname(url)),
  declare('kubernetes.URL::getPort(): string', ({ url }: Url) => port(url)),
  declare('kubernetes.URL::getEscapedPath(): string', ({ url }: Url) => escapedPath(url)),
  declare('kubernetes.URL::getQuery(): map(string, list(string))', queryMap),
]
