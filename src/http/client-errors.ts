import type { TLSSocket } from 'node:tls'

/** What the operating system says of a connection, by Node's codes. */
const CONNECT: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  EHOSTUNREACH: 'no route to host',
  ENETUNREACH: 'network is unreachable',
  ETIMEDOUT: 'connection timed out',
  EADDRNOTAVAIL: 'cannot assign requested address',
  EACCES: 'permission denied',
}

const UNTRUSTED: ReadonlySet<string> = new Set([
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_SIGNATURE_FAILURE',
])

interface NodeError extends Error {
  code?: string
  syscall?: string
  address?: string
  port?: number
  hostname?: string
  /** Of a certificate that is for other names. */
  host?: string
  cert?: ReturnType<TLSSocket['getPeerCertificate']>
  errors?: readonly NodeError[]
}

/** Why another server could not be asked, in the words of Go's HTTP client, which is what clients of the reference see. */
export function connectionError(error: Error): string {
  const { errors } = error as NodeError
  // Several addresses were tried; the last one's failure is as good as any.
  const last = (errors?.at(-1) ?? error) as NodeError
  const { code = '', syscall, address, port, hostname, message } = last
  const cause = CONNECT[code]
  if (cause && syscall === 'connect' && address !== undefined)
    return `dial tcp ${address.includes(':') ? `[${address}]` : address}:${port}: connect: ${cause}`
  if (code === 'ENOTFOUND') return `dial tcp: lookup ${hostname}: no such host`
  if (code === 'EAI_AGAIN') return `dial tcp: lookup ${hostname}: Temporary failure in name resolution`
  if (code === 'ECONNRESET') return syscall === 'read' ? 'read: connection reset by peer' : 'EOF'
  if (code === 'EPIPE') return 'write: broken pipe'
  if (code === 'EPROTO' && message.includes('wrong version number')) return 'http: server gave HTTP response to HTTPS client'
  const certificate = certificateError(last)
  return certificate ? `tls: failed to verify certificate: x509: ${certificate}` : message
}

function certificateError({ code = '', host = '', cert }: NodeError): string | undefined {
  if (UNTRUSTED.has(code)) return 'certificate signed by unknown authority'
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') return 'certificate has expired or is not yet valid'
  if (code !== 'ERR_TLS_CERT_ALTNAME_INVALID') return undefined
  const isIp = /^[\d.]+$|:/.test(host)
  const prefix = isIp ? 'IP Address:' : 'DNS:'
  const names = (cert?.subjectaltname ?? '')
    .split(', ')
    .flatMap((name) => (name.startsWith(prefix) ? name.slice(prefix.length) : []))
  if (isIp && names.length === 0) return `cannot validate certificate for ${host} because it doesn't contain any IP SANs`
  if (names.length === 0) return `certificate is not valid for any names, but wanted to match ${host}`
  return `certificate is valid for ${names.join(', ')}, not ${host}`
}
