import { constants } from 'node:crypto'
import type { SecureContextOptions, TlsOptions } from 'node:tls'
import type { NamedCertificate } from './server-names.ts'

/** The server's certificate and whom it trusts. All in PEM. */
export interface TlsMaterial {
  key: string
  /** The certificate, followed by those of its authorities if there are any. */
  cert: string
  /** Authorities of client certificates. Without any, clients aren't asked for one. */
  clientCa?: string | undefined
  /** Other certificates, for clients that ask for one of their names. */
  sni?: readonly NamedCertificate[]
  minVersion?: 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3'
  /** OpenSSL's names, the preferred ones first; empty for the usual ones. */
  cipherSuites?: readonly string[]
  /** OpenSSL's names of key exchange mechanisms; empty for the usual ones. */
  curves?: readonly string[]
}

/** Go's choice and order: the smaller AES key first, which is strong enough and a fifth faster. */
const USUAL_SUITES = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
  'ECDHE-ECDSA-AES128-SHA',
  'ECDHE-RSA-AES128-SHA',
  'ECDHE-ECDSA-AES256-SHA',
  'ECDHE-RSA-AES256-SHA',
]
const TLS13_SUITES = USUAL_SUITES.slice(0, 3)

/** The part of the options that can change while the server runs. */
export function secureContext(tls: TlsMaterial): SecureContextOptions {
  const { cipherSuites = [], curves = [] } = tls
  return {
    key: tls.key,
    cert: tls.cert,
    // Without one OpenSSL would trust the public authorities; then nobody is asked, and none is looked at.
    ca: tls.clientCa,
    minVersion: tls.minVersion ?? 'TLSv1.2',
    // As in Go, those of TLS 1.3 are not for choice.
    ciphers: (cipherSuites.length > 0 ? [...TLS13_SUITES, ...cipherSuites] : USUAL_SUITES).join(':'),
    honorCipherOrder: true,
    ...(curves.length > 0 ? { ecdhCurve: curves.join(':') } : {}),
    // A client that renegotiates could change who it is in the middle of a connection.
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
  }
}

/** Options for a TLS server that takes both protocols, and client certificates without insisting on them. */
export function tlsOptions(tls: TlsMaterial): TlsOptions {
  return {
    ...secureContext(tls),
    ALPNProtocols: ['h2', 'http/1.1'],
    requestCert: tls.clientCa !== undefined,
    rejectUnauthorized: false,
  }
}
