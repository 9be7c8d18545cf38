import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { JsonObject } from '../machinery/json.ts'
import { certificateApproval } from './certificate-approval.ts'
import { certificateSigning } from './certificate-signing.ts'
import { certificateSubjectRestriction } from './certificate-subject-restriction.ts'
import type { SignerAccess } from './signers.ts'
import { admitted, asked, refused } from './testing.ts'

const REQUESTS = 'certificatesigningrequests.certificates.k8s.io'
const request = (status: JsonObject = {}): JsonObject => ({
  metadata: { name: 'r' },
  spec: { signerName: 'example.com/mine' },
  status,
})
const granting = (...rights: string[]): SignerAccess => ({
  allowed: async (_user, verb, name) => rights.includes(`${verb} ${name}`),
})
const update = (subresource: string, object: JsonObject) =>
  asked(`${REQUESTS}/${subresource}`, { operation: 'UPDATE', object, oldObject: request() })

suite('CertificateApproval', () => {
  const approved = request({ conditions: [{ type: 'Approved', status: 'True' }] })

  test('asks for the right to approve for the signer or its domain', async () => {
    await admitted(certificateApproval(granting('approve example.com/mine')), update('approval', approved))
    await admitted(certificateApproval(granting('approve example.com/*')), update('approval', approved))
    await admitted(certificateApproval(granting()), update('status', approved))
    const others = granting('sign example.com/mine', 'approve example.com')
    assert.equal(
      (await refused(certificateApproval(others), update('approval', approved))).message,
      `${REQUESTS} "r" is forbidden: user not permitted to approve requests with signerName "example.com/mine"`,
    )
  })
})

suite('CertificateSigning', () => {
  test('asks for the right to sign where a certificate or a condition changes', async () => {
    const signed = request({ certificate: 'AAAA' })
    await admitted(certificateSigning(granting('sign example.com/mine')), update('status', signed))
    await admitted(certificateSigning(granting()), update('status', request()))
    const message = `${REQUESTS} "r" is forbidden: user not permitted to sign requests with signerName "example.com/mine"`
    assert.equal((await refused(certificateSigning(granting()), update('status', signed))).message, message)
    const failed = request({ conditions: [{ type: 'Failed', status: 'True' }] })
    assert.equal((await refused(certificateSigning(granting()), update('status', failed))).message, message)
  })
})

suite('CertificateSubjectRestriction', () => {
  /** A DER element; @param content a text or elements, in hex */
  const der = (tag: string, ...content: string[]): string => {
    const all = content.join('')
    const length = all.length / 2
    return `${tag}${length < 128 ? length.toString(16).padStart(2, '0') : `81${length.toString(16)}`}${all}`
  }
  const attribute = (oid: string, text: string) =>
    der('31', der('30', der('06', oid), der('0c', Buffer.from(text).toString('hex'))))
  const pem = (...organizations: string[]) => {
    const names = [...organizations.map((o) => attribute('55040a', o)), attribute('550403', 'system:masters')]
    const bytes = Buffer.from(der('30', der('30', '020100', der('30', ...names))), 'hex')
    const text = `-----BEGIN CERTIFICATE REQUEST-----\n${bytes.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`
    return Buffer.from(text).toString('base64')
  }
  const create = (encoded: string, signerName = 'kubernetes.io/kube-apiserver-client') =>
    asked(REQUESTS, { object: { metadata: { name: 'r' }, spec: { signerName, request: encoded } } })

  test('refuses the privileged group', async () => {
    assert.equal(
      (await refused(certificateSubjectRestriction, create(pem('devs', 'system:masters')))).message,
      `${REQUESTS} "r" is forbidden: use of kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed`,
    )
    await admitted(certificateSubjectRestriction, create(pem('devs')))
    await admitted(certificateSubjectRestriction, create(pem('x'.repeat(60), 'system:mastersx')))
    await admitted(certificateSubjectRestriction, create(pem('system:masters'), 'example.com/mine'))
  })

  test('refuses what it cannot read', async () => {
    const { code, message } = await refused(certificateSubjectRestriction, create('AAAA'))
    assert.equal(code, 403)
    assert.match(message ?? '', /failed to parse CSR/)
  })
})
