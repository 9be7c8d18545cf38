import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RbacV1RoleBinding } from '../../generated/types.ts'
import { writeContext } from '../../testing/write-context.ts'
import { roleBinding } from './role-binding.ts'

const binding = (name: string): RbacV1RoleBinding => ({
  metadata: { name: 'b', namespace: 'n' },
  roleRef: { kind: 'Role', name },
  subjects: [
    { kind: 'User', name: 'u' },
    { kind: 'ServiceAccount', name: 's', namespace: 'n' },
  ],
})

test('users and roles are of the RBAC group, service accounts of the core group', () => {
  const given = binding('r')
  roleBinding.defaults?.(given)
  assert.equal(given.roleRef?.apiGroup, 'rbac.authorization.k8s.io')
  assert.deepEqual(
    given.subjects?.map((subject) => subject.apiGroup),
    ['rbac.authorization.k8s.io', undefined],
  )
  assert.deepEqual(roleBinding.validate?.(given, writeContext()), [])
})

test('a binding never changes its role', () => {
  const old = binding('r')
  const changed = binding('other')
  roleBinding.defaults?.(old)
  roleBinding.defaults?.(changed)
  assert.deepEqual(
    roleBinding.validateUpdate?.(changed, old, writeContext()).map((e) => `${e.field}: ${e.message}`),
    ['roleRef: Invalid value: {"APIGroup":"rbac.authorization.k8s.io","Kind":"Role","Name":"other"}: cannot change roleRef'],
  )
})

test('the columns name subjects by kind', () => {
  const cells = Object.fromEntries((roleBinding.columns ?? []).map((c) => [c.name, c.cell(binding('r'), 0)]))
  assert.equal(cells.Role, 'Role/r')
  assert.equal(cells.Users, 'u')
  assert.equal(cells.Groups, '')
  assert.equal(cells.ServiceAccounts, 'n/s')
})
