import type { CertificatesV1CertificateSigningRequest } from '../generated/types.ts'
import type { AdmissionPlugin } from './plugin.ts'
import { isFor, refusal } from './refusal.ts'
import { CERTIFICATES, REQUESTS } from './signers.ts'

const CLIENT_SIGNER = 'kubernetes.io/kube-apiserver-client'
const PRIVILEGED_GROUP = 'system:masters'

/**
 * Nobody gets a client certificate of the group that may do everything.
 * https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#certificatesubjectrestriction
 */
export const certificateSubjectRestriction: AdmissionPlugin = {
  name: 'CertificateSubjectRestriction',
  operations: ['CREATE'],
  validate(attributes) {
    if (!isFor(attributes, REQUESTS, CERTIFICATES)) return
    const { spec } = attributes.object as CertificatesV1CertificateSigningRequest
    if (spec?.signerName !== CLIENT_SIGNER) return
    const groups = organizations(pemBody(spec.request ?? ''))
    if (!groups) throw refusal(attributes, 'failed to parse CSR: asn1: syntax error: data truncated')
    if (groups.includes(PRIVILEGED_GROUP))
      throw refusal(attributes, `use of ${CLIENT_SIGNER} signer with ${PRIVILEGED_GROUP} group is not allowed`)
  },
}

/** @param request base64 of a PEM text, which validation has looked at already */
function pemBody(request: string): Buffer {
  const pem = Buffer.from(request, 'base64').toString('latin1')
  const body = /-----BEGIN CERTIFICATE REQUEST-----([\s\S]*?)-----END/.exec(pem)?.[1] ?? ''
  return Buffer.from(body, 'base64')
}

const ORGANIZATION = '55040a'
const BMP_STRING = 0x1e

/** The O attributes of a PKCS #10 request's subject (RFC 2986, RFC 5280 section 4.1.2.4); undefined when it has no subject at all. */
function organizations(der: Buffer): string[] | undefined {
  const [request] = elements(der)
  const [info] = elements(request?.content)
  const [, subject] = elements(info?.content)
  if (!subject) return undefined
  const found: string[] = []
  for (const set of elements(subject.content)) {
    for (const attribute of elements(set.content)) {
      const [type, value] = elements(attribute.content)
      if (value && type?.content.toString('hex') === ORGANIZATION) found.push(textOf(value))
    }
  }
  return found
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
