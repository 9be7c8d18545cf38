import { built, unbuilt } from './flag.ts'
import { bool, int, int32Slice, ip, namedCertKeys, string, strings } from './flag-types.ts'

/**
 * OpenSSL's names of the TLS cipher suites, by the names that the command line takes. Empty for suites that OpenSSL no
 * longer has: naming one is allowed and adds nothing.
 */
export const preferredCiphers: Readonly<Record<string, string>> = {
  TLS_AES_128_GCM_SHA256: 'TLS_AES_128_GCM_SHA256',
  TLS_AES_256_GCM_SHA384: 'TLS_AES_256_GCM_SHA384',
  TLS_CHACHA20_POLY1305_SHA256: 'TLS_CHACHA20_POLY1305_SHA256',
  TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA: 'ECDHE-ECDSA-AES128-SHA',
  TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: 'ECDHE-ECDSA-AES128-GCM-SHA256',
  TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA: 'ECDHE-ECDSA-AES256-SHA',
  TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384: 'ECDHE-ECDSA-AES256-GCM-SHA384',
  TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305: 'ECDHE-ECDSA-CHACHA20-POLY1305',
  TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256: 'ECDHE-ECDSA-CHACHA20-POLY1305',
  TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA: 'ECDHE-RSA-AES128-SHA',
  TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256: 'ECDHE-RSA-AES128-GCM-SHA256',
  TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA: 'ECDHE-RSA-AES256-SHA',
  TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384: 'ECDHE-RSA-AES256-GCM-SHA384',
  TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305: 'ECDHE-RSA-CHACHA20-POLY1305',
  TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256: 'ECDHE-RSA-CHACHA20-POLY1305',
}

/** As `preferredCiphers`, for the suites that are known to be weak. */
export const insecureCiphers: Readonly<Record<string, string>> = {
  TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256: 'ECDHE-ECDSA-AES128-SHA256',
  TLS_ECDHE_ECDSA_WITH_RC4_128_SHA: '',
  TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA: '',
  TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256: 'ECDHE-RSA-AES128-SHA256',
  TLS_ECDHE_RSA_WITH_RC4_128_SHA: '',
  TLS_RSA_WITH_3DES_EDE_CBC_SHA: '',
  TLS_RSA_WITH_AES_128_CBC_SHA: 'AES128-SHA',
  TLS_RSA_WITH_AES_128_CBC_SHA256: 'AES128-SHA256',
  TLS_RSA_WITH_AES_128_GCM_SHA256: 'AES128-GCM-SHA256',
  TLS_RSA_WITH_AES_256_CBC_SHA: 'AES256-SHA',
  TLS_RSA_WITH_AES_256_GCM_SHA384: 'AES256-GCM-SHA384',
  TLS_RSA_WITH_RC4_128_SHA: '',
}

/** The TLS versions by the names that the command line takes, as Node names them. */
export const tlsVersions = {
  VersionTLS10: 'TLSv1',
  VersionTLS11: 'TLSv1.1',
  VersionTLS12: 'TLSv1.2',
  VersionTLS13: 'TLSv1.3',
} as const

/** OpenSSL's names of key exchange mechanisms, by the numbers that the command line takes. */
export const curves: Readonly<Record<number, string>> = {
  23: 'P-256',
  24: 'P-384',
  25: 'P-521',
  29: 'X25519',
  4587: 'SecP256r1MLKEM768',
  4588: 'X25519MLKEM768',
  4589: 'SecP384r1MLKEM1024',
}

export const secureServing = {
  'bind-address': built(
    ip,
    '0.0.0.0',
    'Address to listen on for the --secure-port. Blank or unspecified (0.0.0.0 or ::) means all interfaces and address families.',
  ),
  'cert-dir': built(
    string,
    '',
    'Folder for certificates that the server makes for itself, when --tls-cert-file and --tls-private-key-file are left out. Left out: pki in --data-dir.',
  ),
  'disable-http2-serving': unbuilt(bool, false, 'Serve HTTP/1.1 only.'),
  'http2-max-streams-per-connection': built(
    int,
    0,
    'Number of requests that a client may have open on one HTTP/2 connection; 0 for the usual number.',
  ),
  'permit-address-sharing': unbuilt(
    bool,
    false,
    'Bind the port with SO_REUSEADDR: addresses may overlap, and sockets in TIME_WAIT do not block it.',
  ),
  'permit-port-sharing': unbuilt(bool, false, 'Bind the port with SO_REUSEPORT, so that several servers can listen on it.'),
  'secure-port': built(int, 6443, 'Port for HTTPS. It cannot be 0.'),
  'tls-cert-file': built(
    string,
    '',
    'Serving certificate in PEM, followed by those of its authorities if there are any. Without it and --tls-private-key-file, the server makes its own.',
  ),
  'tls-cipher-suites': built(
    strings,
    [],
    [
      'Cipher suites that clients may use, comma-separated; empty for the usual ones.',
      `Preferred: ${Object.keys(preferredCiphers).join(', ')}.`,
      `Insecure: ${Object.keys(insecureCiphers).join(', ')}.`,
    ].join('\n'),
  ),
  'tls-curve-preferences': built(
    int32Slice,
    [],
    'Key exchange mechanisms that clients may use, as numbers of https://pkg.go.dev/crypto/tls#CurveID, comma-separated; empty for the usual ones. Their order says nothing.',
  ),
  'tls-min-version': built(
    string,
    '',
    `Oldest TLS version that clients may use: ${Object.keys(tlsVersions).join(', ')}. Left out: VersionTLS12.`,
  ),
  'tls-private-key-file': built(string, '', 'Key of the --tls-cert-file.'),
  'tls-sni-cert-key': built(
    namedCertKeys,
    [],
    'Another serving certificate and its key, for clients that ask for one of its names. Names after a colon, with wildcard segments if need be, stand in place of those in the certificate; exact names win over wildcards. May be repeated. Example: "web.crt,web.key:*.example.com,example.com".',
  ),
}

/** OpenSSL's names for cipher suites of the command line. */
export const opensslCiphers = (suites: readonly string[]): string[] =>
  suites
    .map((suite) => preferredCiphers[suite] || insecureCiphers[suite])
    .filter((name) => name !== undefined && name !== '') as string[]
