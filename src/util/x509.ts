import { createHash, createPublicKey, type KeyObject, randomBytes, sign } from 'node:crypto'
import { AsnConvert, OctetString } from '@peculiar/asn1-schema'
import {
  AlgorithmIdentifier,
  AttributeTypeAndValue,
  AttributeValue,
  AuthorityKeyIdentifier,
  BasicConstraints,
  Certificate,
  ExtendedKeyUsage,
  Extension,
  Extensions,
  GeneralName,
  id_ce_authorityKeyIdentifier,
  id_ce_basicConstraints,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  id_ce_subjectAltName,
  id_ce_subjectKeyIdentifier,
  id_kp_clientAuth,
  id_kp_serverAuth,
  KeyIdentifier,
  KeyUsage,
  KeyUsageFlags,
  Name,
  RelativeDistinguishedName,
  SubjectAlternativeName,
  SubjectKeyIdentifier,
  SubjectPublicKeyInfo,
  TBSCertificate,
  Validity,
  Version,
} from '@peculiar/asn1-x509'

// The only file that knows the X.509 library. It costs some 35 ms to load, so import it lazily,
// when something is to be issued: reading and checking certificates needs node:crypto alone.

const ECDSA_WITH_SHA256 = new AlgorithmIdentifier({ algorithm: '1.2.840.10045.4.3.2' })
// RFC 4055 wants the parameters there, and NULL.
const RSA_WITH_SHA256 = new AlgorithmIdentifier({ algorithm: '1.2.840.113549.1.1.11', parameters: null })

/** The attributes of a subject by their short names; any other by its dotted OID. */
const ATTRIBUTES: Readonly<Record<string, string>> = { CN: '2.5.4.3', O: '2.5.4.10' }

export interface CertificateRequest {
  /** Pairs of attribute (`CN`, `O` or a dotted OID) and value, each its own RDN, in order. */
  subject: readonly (readonly [attribute: string, value: string])[]
  /** The subject's key; a private one stands for its public half. */
  publicKey: KeyObject
  notBefore: Date
  notAfter: Date
  /** `ca` certificates sign others, `server` and `client` ones are leaves for one side of TLS. */
  usage: 'ca' | 'server' | 'client'
  dnsNames?: readonly string[]
  ips?: readonly string[]
  /** Who signs. Without it the certificate is self-signed and `publicKey` must be the private key. */
  issuer?: { certificatePem: string; privateKey: KeyObject }
}

/**
 * Issues a certificate as RFC 5280 wants it, signed with SHA-256 and the issuer's EC or RSA key.
 *
 * @returns the certificate in PEM
 * @throws when a name can't be put into a certificate, or the issuer's key is of another kind
 */
export function issueCertificate(request: CertificateRequest): string {
  const publicKey = request.publicKey.type === 'private' ? createPublicKey(request.publicKey) : request.publicKey
  const subjectKey = AsnConvert.parse(publicKey.export({ type: 'spki', format: 'der' }), SubjectPublicKeyInfo)
  const subject = distinguishedName(request.subject)
  const issuer = request.issuer ? parsePem(request.issuer.certificatePem).tbsCertificate : undefined
  const issuerKeyId = issuer ? (subjectKeyIdentifierOf(issuer) ?? keyIdentifier(issuer.subjectPublicKeyInfo)) : undefined

  const signingKey = request.issuer?.privateKey ?? request.publicKey
  const algorithm = signatureAlgorithm(signingKey)
  const body = new TBSCertificate({
    version: Version.v3,
    serialNumber: bufferOf(randomSerial()),
    signature: algorithm,
    issuer: issuer ? issuer.subject : subject,
    validity: new Validity({ notBefore: request.notBefore, notAfter: request.notAfter }),
    subject,
    subjectPublicKeyInfo: subjectKey,
    extensions: extensions(request, keyIdentifier(subjectKey), issuerKeyId),
  })
  const signature = sign('sha256', Buffer.from(AsnConvert.serialize(body)), signingKey)
  return toPem(
    AsnConvert.serialize(
      new Certificate({ tbsCertificate: body, signatureAlgorithm: algorithm, signatureValue: bufferOf(signature) }),
    ),
  )
}

function signatureAlgorithm(key: KeyObject): AlgorithmIdentifier {
  if (key.asymmetricKeyType === 'ec') return ECDSA_WITH_SHA256
  if (key.asymmetricKeyType === 'rsa') return RSA_WITH_SHA256
  throw new Error(`certificates can be signed with EC and RSA keys, not with ${key.asymmetricKeyType}`)
}

function extensions(request: CertificateRequest, keyId: ArrayBuffer, issuerKeyId: ArrayBuffer | undefined): Extensions {
  const isCa = request.usage === 'ca'
  const usages = isCa
    ? KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign | KeyUsageFlags.digitalSignature
    : KeyUsageFlags.digitalSignature
  const list = [
    extension(id_ce_keyUsage, new KeyUsage(usages), true),
    extension(id_ce_basicConstraints, new BasicConstraints({ cA: isCa }), true),
    extension(id_ce_subjectKeyIdentifier, new SubjectKeyIdentifier(keyId)),
    // A self-signed certificate names its own key, which is what strict verifiers expect of a root.
    extension(
      id_ce_authorityKeyIdentifier,
      new AuthorityKeyIdentifier({ keyIdentifier: new KeyIdentifier(issuerKeyId ?? keyId) }),
    ),
  ]
  if (!isCa) {
    const purpose = request.usage === 'server' ? id_kp_serverAuth : id_kp_clientAuth
    list.push(extension(id_ce_extKeyUsage, new ExtendedKeyUsage([purpose])))
  }
  const names = [
    ...(request.dnsNames ?? []).map((name) => new GeneralName({ dNSName: asciiName(name) })),
    ...(request.ips ?? []).map((ip) => new GeneralName({ iPAddress: ip })),
  ]
  if (names.length > 0) list.push(extension(id_ce_subjectAltName, new SubjectAlternativeName(names)))
  return new Extensions(list)
}

const extension = (id: string, value: object, critical = false): Extension =>
  new Extension({ extnID: id, critical, extnValue: new OctetString(AsnConvert.serialize(value)) })

function distinguishedName(parts: CertificateRequest['subject']): Name {
  return new Name(
    parts.map(
      ([attribute, value]) =>
        new RelativeDistinguishedName([
          new AttributeTypeAndValue({
            type: ATTRIBUTES[attribute] ?? attribute,
            value: new AttributeValue({ utf8String: value }),
          }),
        ]),
    ),
  )
}

/** 126 random bits below a set one: positive, never zero, and encoded without a leading zero. */
function randomSerial(): Buffer {
  const serial = randomBytes(16)
  serial[0] = (serial[0]! & 0x7f) | 0x40
  return serial
}

/** RFC 7093, method 1: the leftmost 160 bits of the SHA-256 of the key's bits (as Go does it, too). */
function keyIdentifier(key: SubjectPublicKeyInfo): ArrayBuffer {
  return bufferOf(createHash('sha256').update(Buffer.from(key.subjectPublicKey)).digest().subarray(0, 20))
}

function subjectKeyIdentifierOf(certificate: TBSCertificate): ArrayBuffer | undefined {
  const found = certificate.extensions?.find((each) => each.extnID === id_ce_subjectKeyIdentifier)
  return found && AsnConvert.parse(found.extnValue.buffer, SubjectKeyIdentifier).buffer
}

function asciiName(name: string): string {
  // The field is an IA5String; anything else makes the whole certificate unreadable for strict parsers.
  if (!/^[\x21-\x7e]+$/.test(name)) throw new Error(`${JSON.stringify(name)} can't be put into a certificate as a DNS name`)
  return name
}

function parsePem(pem: string): Certificate {
  const base64 = /-----BEGIN CERTIFICATE-----([\s\S]+?)-----END CERTIFICATE-----/.exec(pem)?.[1]
  if (base64 === undefined) throw new Error('no certificate in PEM form')
  return AsnConvert.parse(Buffer.from(base64, 'base64'), Certificate)
}

function toPem(der: ArrayBuffer): string {
  const lines = Buffer.from(der)
    .toString('base64')
    .replace(/.{64}(?=.)/g, '$&\n')
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`
}

/** The bytes in an ArrayBuffer of their own (small Buffers share a pool). */
const bufferOf = (bytes: Buffer): ArrayBuffer => new Uint8Array(bytes).buffer
