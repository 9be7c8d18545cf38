import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connectionError } from './client-errors.ts'

const error = (fields: object): Error => Object.assign(new Error('from node'), fields)

test('connections that fail are told of as Go tells of them', () => {
  const refused = { code: 'ECONNREFUSED', syscall: 'connect', address: '10.0.0.1', port: 443 }
  const cases: [object, string][] = [
    [refused, 'dial tcp 10.0.0.1:443: connect: connection refused'],
    [{ ...refused, code: 'EHOSTUNREACH', address: '::1' }, 'dial tcp [::1]:443: connect: no route to host'],
    [{ errors: [error({ ...refused, address: '::1' }), error(refused)] }, 'dial tcp 10.0.0.1:443: connect: connection refused'],
    [{ code: 'ENOTFOUND', hostname: 'x.example' }, 'dial tcp: lookup x.example: no such host'],
    [{ code: 'ECONNRESET' }, 'EOF'],
    [{ code: 'SELF_SIGNED_CERT_IN_CHAIN' }, 'tls: failed to verify certificate: x509: certificate signed by unknown authority'],
    [
      { code: 'ERR_TLS_CERT_ALTNAME_INVALID', host: 'c', cert: { subjectaltname: 'DNS:a, DNS:b, IP Address:127.0.0.1' } },
      'tls: failed to verify certificate: x509: certificate is valid for a, b, not c',
    ],
    [
      { code: 'ERR_TLS_CERT_ALTNAME_INVALID', host: '10.0.0.1', cert: { subjectaltname: 'DNS:a' } },
      "tls: failed to verify certificate: x509: cannot validate certificate for 10.0.0.1 because it doesn't contain any IP SANs",
    ],
    [{ code: 'EWHATEVER' }, 'from node'],
  ]
  for (const [fields, message] of cases) assert.equal(connectionError(error(fields)), message)
})
