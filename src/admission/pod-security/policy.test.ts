import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chosenText, isEquivalent, levelVersion, PRIVILEGED, policyOf } from './policy.ts'

const texts = (labels: Record<string, string>): string[] => {
  const prefixed = Object.fromEntries(Object.entries(labels).map(([key, value]) => [`pod-security.kubernetes.io/${key}`, value]))
  const { enforce, audit, warn } = policyOf({ other: 'label', ...prefixed })
  return [enforce.text, audit.text, warn.text]
}

const ANY = 'privileged:latest'

test('namespaces that say nothing have the default policy itself', () => {
  assert.equal(policyOf(undefined), PRIVILEGED)
  assert.equal(policyOf({ a: 'b', 'pod-security.kubernetes.io/other': 'baseline' }), PRIVILEGED)
  const defaults = { ...PRIVILEGED, enforce: levelVersion('baseline', 30) }
  assert.equal(policyOf({ a: 'b' }, defaults), defaults)
  assert.equal(policyOf({ 'pod-security.kubernetes.io/warn': 'restricted' }, defaults).enforce.text, 'baseline:v1.30')
})

test('labels choose level and version of each mode', () => {
  assert.deepEqual(texts({ audit: 'baseline' }), [ANY, 'baseline:latest', ANY])
  assert.deepEqual(texts({ warn: 'restricted', 'warn-version': 'v1.21' }), [ANY, ANY, 'restricted:v1.21'])
  assert.deepEqual(texts({ 'enforce-version': 'v1.20' }), ['privileged:v1.20', ANY, ANY])
})

test('what is enforced is also warned of, unless there is a level to warn of', () => {
  assert.deepEqual(texts({ enforce: 'baseline' }), ['baseline:latest', ANY, 'baseline:latest'])
  assert.deepEqual(texts({ enforce: 'baseline', 'enforce-version': 'v1.22' }), ['baseline:v1.22', ANY, 'baseline:v1.22'])
  assert.deepEqual(texts({ enforce: 'baseline', 'warn-version': 'v1.23' }), ['baseline:latest', ANY, 'baseline:v1.23'])
  assert.deepEqual(texts({ enforce: 'baseline', warn: 'privileged' }), ['baseline:latest', ANY, ANY])
  assert.deepEqual(texts({ enforce: 'baseline', warn: 'restricted' }), ['baseline:latest', ANY, 'restricted:latest'])
})

test('what cannot be read enforces the strictest and neither audits nor warns', () => {
  assert.deepEqual(texts({ enforce: 'x', audit: 'x' }), ['restricted:latest', 'privileged:latest', ANY])
  assert.deepEqual(texts({ enforce: 'baseline', warn: 'x' }), ['baseline:latest', ANY, ANY])
  assert.deepEqual(texts({ enforce: 'baseline', 'enforce-version': 'v2.0' }), ['baseline:latest', ANY, 'baseline:latest'])
})

test('says what is wrong, mode by mode', () => {
  const { errors } = policyOf({
    'pod-security.kubernetes.io/warn': '',
    'pod-security.kubernetes.io/audit-version': 'v1.01',
    'pod-security.kubernetes.io/enforce': 'Baseline',
  })
  assert.deepEqual(
    errors.map(({ field, message }) => `${field}: ${message}`),
    [
      'metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: "Baseline": must be one of privileged, baseline, restricted',
      'metadata.labels[pod-security.kubernetes.io/audit-version]: Invalid value: "v1.01": must be "latest" or "v1.x"',
      'metadata.labels[pod-security.kubernetes.io/warn]: Invalid value: "": must be one of privileged, baseline, restricted',
    ],
  )
})

test('versions are v1 with a minor version, or latest', () => {
  for (const version of ['', 'v1', 'v1.', '1.20', 'v1.-1', 'v2.0', 'latest ', 'v1.99999999999999999999'])
    assert.equal(policyOf({ 'pod-security.kubernetes.io/warn-version': version }).errors.length, 1, version)
  for (const version of ['v1.0', 'v1.9', 'v1.10', 'v1.999', 'latest'])
    assert.equal(policyOf({ 'pod-security.kubernetes.io/warn-version': version }).errors.length, 0, version)
})

test('prints the modes that labels chose', () => {
  const labels = { 'pod-security.kubernetes.io/enforce': 'baseline', 'pod-security.kubernetes.io/audit': 'restricted' }
  assert.equal(chosenText(labels, policyOf(labels)), 'enforce=baseline:latest, audit=restricted:latest')
  assert.equal(isEquivalent(PRIVILEGED, { ...PRIVILEGED, warn: levelVersion('privileged', 3) }), true)
  assert.equal(isEquivalent(PRIVILEGED, policyOf(labels)), false)
})
