import { pipeline, Readable, type Transform } from 'node:stream'
import { createDeflateRaw, createGunzip, createGzip, createInflateRaw } from 'node:zlib'
import type { BackendAnswer } from './backend-client.ts'
import type { AnswerHeaders } from './headers.ts'
import { rewriteLinks } from './html-links.ts'

/** Where a proxied answer came from, and where clients find that. */
export interface ProxiedPlace {
  /** Of the client's URL, what comes before the path that the backend was asked for. */
  readonly prefix: string
  /** The hosts that are this backend, as it may name itself: by its own address, or as the client called us. */
  readonly hosts: readonly string[]
}

/** Whoever serves scripts through us must not open this API to other sites. */
const CORS = ['credentials', 'headers', 'methods', 'origin'].map((part) => `access-control-allow-${part}`)

/** Makes what a backend answered fit for where the client finds it: redirects, and links in HTML, lead through the proxy. */
export function fitAnswer(answer: BackendAnswer, place: ProxiedPlace): BackendAnswer {
  const headers: AnswerHeaders = { ...answer.headers }
  for (const name of CORS) delete headers[name]
  const { location } = headers
  if (location !== undefined) {
    headers.location = rewriteUrl(String(location), place)
    return { ...answer, headers }
  }
  const type = String(headers['content-type'] ?? '')
    .split(';')[0]!
    .trim()
  const codec = CODECS[String(headers['content-encoding'] ?? '')]
  if (type !== 'text/html' || !codec) return { ...answer, headers }
  delete headers['content-length']
  const rewrite = (url: string): string => rewriteUrl(url, place)
  return { ...answer, headers, body: codec(answer.body, (plain) => rewriteLinks(plain, rewrite)) }
}

/** A URL of the same server, as clients find it; others, and those relative to the page, stay. */
export function rewriteUrl(url: string, { prefix, hosts }: ProxiedPlace): string {
  const [, scheme = '', host = '', path = '', rest = ''] = /^([a-zA-Z][\w+.-]*:)?(?:\/\/([^/?#]*))?([^?#]*)(.*)$/s.exec(url) ?? []
  if (scheme && !/^https?:$/i.test(scheme)) return url
  if ((host && !hosts.includes(host)) || !path.startsWith('/')) return url
  const origin = host && host === hosts.at(-1) ? `${scheme}//${host}` : ''
  return path.startsWith(prefix) ? `${origin}${path}${rest}` : `${origin}${prefix}${path}${rest}`
}

type Rewrite = (body: AsyncIterable<Buffer>) => AsyncIterable<Buffer>

/** By content encoding. What comes in another one is passed on as it is. */
const CODECS: Readonly<Record<string, ((body: AsyncIterable<Buffer>, rewrite: Rewrite) => AsyncIterable<Buffer>) | undefined>> = {
  '': (body, rewrite) => rewrite(body),
  gzip: (body, rewrite) => through(rewrite(through(body, createGunzip())), createGzip()),
  deflate: (body, rewrite) => through(rewrite(through(body, createInflateRaw())), createDeflateRaw()),
}

function through(body: AsyncIterable<Buffer>, transform: Transform): AsyncIterable<Buffer> {
  // Whoever reads the end of it is told what broke.
  pipeline(Readable.from(body, { objectMode: false }), transform, () => {})
  return transform
}
