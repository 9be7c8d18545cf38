import assert from 'node:assert/strict'
import { test } from 'node:test'
import { podSecurityConfig } from './config.ts'

const HEAD = { kind: 'PodSecurityConfiguration', apiVersion: 'pod-security.admission.config.k8s.io/v1' }

test('says nothing by default', () => {
  const { defaults, exemptions } = podSecurityConfig({ ...HEAD })
  assert.deepEqual([defaults.enforce.text, defaults.audit.text, defaults.warn.text], Array(3).fill('privileged:latest'))
  assert.equal(exemptions.usernames.size + exemptions.namespaces.size + exemptions.runtimeClasses.size, 0)
})

test('reads defaults and exemptions', () => {
  const { defaults, exemptions } = podSecurityConfig({
    ...HEAD,
    apiVersion: 'pod-security.admission.config.k8s.io/v1beta1',
    defaults: { enforce: 'baseline', 'enforce-version': 'v1.30', audit: 'restricted' },
    exemptions: { usernames: ['system:serviceaccount:a:b'], namespaces: ['kube-system'], runtimeClasses: ['vm.example'] },
  })
  // Unlike with labels, what is enforced is not warned of.
  assert.deepEqual(
    [defaults.enforce.text, defaults.audit.text, defaults.warn.text],
    ['baseline:v1.30', 'restricted:latest', 'privileged:latest'],
  )
  assert.deepEqual(
    [...exemptions.usernames, ...exemptions.namespaces, ...exemptions.runtimeClasses],
    ['system:serviceaccount:a:b', 'kube-system', 'vm.example'],
  )
})

test('says all that is wrong', () => {
  assert.throws(() => podSecurityConfig({ ...HEAD, apiVersion: 'v1' }), /no PodSecurityConfiguration of/)
  assert.throws(() => podSecurityConfig(null), /no PodSecurityConfiguration of/)
  const wrong = {
    ...HEAD,
    defaults: { enforce: 'some', 'warn-version': '1.2', extra: 'x' },
    exemptions: { usernames: ['', 'a', 'a'], namespaces: ['A'] },
  }
  const message =
    '[defaults.extra: unknown field, ' +
    'defaults.enforce: Invalid value: "some": must be one of privileged, baseline, restricted, ' +
    'defaults.warn-version: Invalid value: "1.2": must be "latest" or "v1.x", ' +
    'exemptions.namespaces[0]: Invalid value: "A": a lowercase RFC 1123 label must consist of'
  assert.throws(
    () => podSecurityConfig(wrong),
    ({ message: thrown }: Error) => {
      assert(thrown.startsWith(message), thrown)
      assert(thrown.endsWith('exemptions.usernames[0]: Required value, exemptions.usernames[2]: Duplicate value: "a"]'), thrown)
      return true
    },
  )
})
