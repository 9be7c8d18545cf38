import assert from 'node:assert/strict'
import { test } from 'node:test'
import type {
  AdmissionregistrationV1MutatingWebhookConfiguration,
  AdmissionregistrationV1ParamRef,
} from '../../generated/types.ts'
import { mutatingWebhookConfiguration } from './mutating-webhook-configuration.ts'
import { paramRefCell } from './rules.ts'

test('webhooks get every default', () => {
  const configuration: AdmissionregistrationV1MutatingWebhookConfiguration = {
    webhooks: [{ name: 'a.example.com', clientConfig: { service: { namespace: 'n', name: 's' } }, rules: [{}] }],
  }
  mutatingWebhookConfiguration.defaults?.(configuration)
  assert.deepEqual(configuration.webhooks?.[0], {
    name: 'a.example.com',
    clientConfig: { service: { namespace: 'n', name: 's', port: 443 } },
    rules: [{ scope: '*' }],
    failurePolicy: 'Fail',
    matchPolicy: 'Equivalent',
    namespaceSelector: {},
    objectSelector: {},
    timeoutSeconds: 10,
    reinvocationPolicy: 'Never',
  })
})

test('parameters are shown by namespace and name, or by selector', () => {
  const cell = (paramRef?: AdmissionregistrationV1ParamRef) => paramRefCell({ spec: paramRef ? { paramRef } : {} })
  assert.equal(cell(), '<unset>')
  assert.equal(cell({ name: 'p' }), '*/p')
  assert.equal(cell({ name: 'p', namespace: 'n' }), 'n/p')
  assert.equal(
    cell({ selector: { matchLabels: { a: 'b' }, matchExpressions: [{ key: 'k', operator: 'In', values: ['x', 'y'] }] } }),
    '&LabelSelector{MatchLabels:map[string]string{a: b,},MatchExpressions:[]LabelSelectorRequirement{LabelSelectorRequirement{Key:k,Operator:In,Values:[x y],},},}',
  )
})
