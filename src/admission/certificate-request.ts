function pemBody(request: string): Buffer {
  const pem = Buffer.from(request, 'base64').toString('latin1')
  const body = /-----BEGIN CERTIFICATE REQUEST-----([\s\S]*?)-----END/.exec(pem)?.[1] ?? ''
  return Buffer.from(body, 'base64')
}

const COMMON_NAME = '550403'
const ORGANIZATION = '55040a'
const BMP_STRING = 0x1e

export interface RequestSubject {
  readonly commonName: string
  readonly organizations: readonly string[]
}

/**
 * The subject of a PKCS #10 request (RFC 2986, RFC 5280 section 4.1.2.4); undefined when it has none at all.
 * @param request base64 of a PEM text, which validation has looked at already
 */
export function requestSubject(request: string): RequestSubject | undefined {
  const [certificationRequest] = elements(pemBody(request))
  const [info] = elements(certificationRequest?.content)
  const [, subject] = elements(info?.content)
  if (!subject) return undefined
  const organizations: string[] = []
  let commonName = ''
  for (const set of elements(subject.content)) {
    for (const attribute of elements(set.content)) {
      const [type, value] = elements(attribute.content)
      const oid = type?.content.toString('hex')
      if (value && oid === ORGANIZATION) organizations.push(textOf(value))
      if (value && oid === COMMON_NAME) commonName = textOf(value)
    }
  }
  return { commonName, organizations }
}

/** All string types but one are supersets of ASCII, byte by byte. */
function textOf({ tag, content }: Element): string {
  if (tag !== BMP_STRING || content.length % 2) return content.toString()
  return Buffer.from(content).swap16().toString('utf16le')
}

interface Element {
  tag: number
  content: Buffer
}

/** What a DER element holds one after the other. Ends where the bytes make no sense. */
function elements(bytes: Buffer | undefined): Element[] {
  const found: Element[] = []
  let at = 0
  while (bytes && at + 2 <= bytes.length) {
    const tag = bytes[at] as number
    let length = bytes[at + 1] as number
    at += 2
    if (length & 0x80) {
      const size = length & 0x7f
      if (size === 0 || size > 4 || at + size > bytes.length) break
      length = bytes.readUIntBE(at, size)
      at += size
    }
    if (at + length > bytes.length) break
    found.push({ tag, content: bytes.subarray(at, at + length) })
    at += length
  }
  return found
}
