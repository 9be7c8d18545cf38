import assert from 'node:assert/strict'
import { test } from 'node:test'
import { conditionOf, type Definition } from '../kinds/apiextensions/conditions.ts'
import { withApproval, withStructure } from './policies.ts'
import { deprecationWarning } from './versions.ts'

const NOW = '2026-01-01T00:00:00Z'

const inGroup = (group: string, annotation?: string): Definition => ({
  metadata: annotation === undefined ? {} : { annotations: { 'api-approved.kubernetes.io': annotation } },
  spec: { group },
})

test('groups of the community say whether they were approved', () => {
  const told = (definition: Definition) => {
    const { status, reason, message } = conditionOf(withApproval(definition, NOW), 'KubernetesAPIApprovalPolicyConformant') ?? {}
    return status && `${status} ${reason}: ${message}`
  }
  assert.equal(told(inGroup('example.com')), undefined)
  assert.equal(told(inGroup('x.k8s.io', 'https://example.com/1')), 'True ApprovedAnnotation: approved in https://example.com/1')
  assert.equal(told(inGroup('x.k8s.io', 'unapproved, a test')), 'False UnapprovedAnnotation: not approved: "unapproved, a test"')
  assert.match(told(inGroup('kubernetes.io')) ?? '', /^False MissingAnnotation: protected groups must have approval annotation/)
  assert.match(told(inGroup('k8s.io', 'sure')) ?? '', /^False InvalidAnnotation: protected groups .* with either a URL or/)
  const approved = withApproval(inGroup('k8s.io', 'unapproved'), NOW)
  assert.equal(withApproval(approved, NOW), approved)
})

test('schemas that are not structural are told of until they are', () => {
  const definition: Definition = {
    spec: { preserveUnknownFields: true, versions: [{ name: 'v1', schema: { openAPIV3Schema: { properties: { a: {} } } } }] },
  }
  const told = withStructure(definition, NOW)
  const { status, reason, message = '' } = conditionOf(told, 'NonStructuralSchema') ?? {}
  assert.equal(`${status} ${reason}`, 'True Violations')
  assert.match(
    message,
    /^\[spec\.preserveUnknownFields: Invalid value: true: must be false, spec\.versions\[0\]\.schema\.openAPIV3Schema/,
  )
  const mended = withStructure(
    { ...told, spec: { versions: [{ name: 'v1', schema: { openAPIV3Schema: { type: 'object' } } }] } },
    NOW,
  )
  assert.equal(conditionOf(mended, 'NonStructuralSchema'), undefined)
  assert.equal(withStructure(mended, NOW), mended)
})

test('a deprecated version names a better one, if there is one', () => {
  const version = (name: string, more: object = {}) => ({ name, served: true, ...more })
  const old = version('v1beta1', { deprecated: true })
  const warning = (...others: object[]) => deprecationWarning({ group: 'e.com', versions: [old, ...others] }, 'Thing', old)
  assert.equal(warning(version('v1'), version('v2')), 'e.com/v1beta1 Thing is deprecated; use e.com/v2 Thing')
  assert.equal(warning(version('v2', { served: false })), 'e.com/v1beta1 Thing is deprecated')
  assert.equal(warning(version('v2', { deprecated: true }), version('v1alpha1')), 'e.com/v1beta1 Thing is deprecated')
  assert.equal(
    deprecationWarning({ group: 'e.com', versions: [] }, 'Thing', { ...old, deprecationWarning: 'gone soon' }),
    'gone soon',
  )
  assert.equal(deprecationWarning({ group: 'e.com', versions: [] }, 'Thing', version('v1')), undefined)
})
