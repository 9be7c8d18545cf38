import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { required } from '../../machinery/field-errors.ts'
import type { AccessAttributes } from '../../registry/access.ts'
import type { WriteContext } from '../../registry/context.ts'
import { checkParamKind, checkParamRef } from './param-access.ts'

const POLICY = {
  kind: 'ValidatingAdmissionPolicy',
  metadata: { name: 'p' },
  spec: { paramKind: { apiVersion: 'v1', kind: 'ConfigMap' } },
}
const BINDING = {
  kind: 'ValidatingAdmissionPolicyBinding',
  metadata: { name: 'b' },
  spec: { policyName: 'p', paramRef: { name: 'x', namespace: 'n' } },
}

/** A context in which nothing is allowed, and what was asked in it. */
function context(groups: string[] = ['g'], allowed = false) {
  const asked: Partial<AccessAttributes>[] = []
  const env = {
    access: {
      authorize: async ({ user: _, ...attributes }: AccessAttributes) => {
        asked.push(attributes)
        return { allowed }
      },
    },
    resourceOf: ({ kind }: { kind: string }) => (kind === 'ConfigMap' ? 'configmaps' : undefined),
    objects: () => ({ get: async (_namespace: string, name: string) => (name === 'p' ? POLICY : undefined) }),
  }
  const user = { name: 'u', uid: '1', groups, extra: { b: ['x', 'y'], a: [] } }
  return { asked, write: { user, env } as object as WriteContext }
}

const none = () => []
const USER = 'user &{u 1 [g] map[a:[] b:[x y]]}'

suite('parameters that one may not read', () => {
  test('can not be made a kind of parameters', async () => {
    const { asked, write } = context()
    const message = `ValidatingAdmissionPolicy.admissionregistration.k8s.io "p" is invalid: spec.paramKind: Forbidden: ${USER} must have "get" permission on all objects of the referenced paramKind (kind=ConfigMap, apiVersion=v1)`
    await assert.rejects(checkParamKind(POLICY, undefined, write, none), { message })
    const question = { verb: 'get', group: '', version: 'v1', resource: 'configmaps', subresource: '', name: '*', namespace: '*' }
    assert.deepEqual(asked, [question])
  })

  test('can not be named by a binding', async () => {
    const { asked, write } = context()
    const check = (binding: typeof BINDING | object) =>
      checkParamRef('validatingadmissionpolicies', binding as typeof BINDING, undefined, write, none)
    const message = (verb: string) =>
      `ValidatingAdmissionPolicyBinding.admissionregistration.k8s.io "b" is invalid: spec.paramRef: Forbidden: ${USER} does not have "${verb}" permission on the object referenced by paramRef`
    await assert.rejects(check(BINDING), { message: message('get') })
    await assert.rejects(check({ ...BINDING, spec: { policyName: 'q', paramRef: { selector: {} } } }), {
      message: message('list'),
    })
    assert.deepEqual(asked, [
      { verb: 'get', group: '', version: 'v1', resource: 'configmaps', subresource: '', name: 'x', namespace: 'n' },
      { verb: 'list', group: '*', version: '*', resource: '*', subresource: '', name: '', namespace: '' },
    ])
  })

  test('are no matter where nothing changes, for the privileged, and beside other faults', async () => {
    const { write } = context()
    await checkParamKind(POLICY, POLICY, write, none)
    await checkParamRef('validatingadmissionpolicies', BINDING, BINDING, write, none)
    await checkParamKind(POLICY, undefined, write, () => [required('spec.x')])
    await checkParamKind(POLICY, undefined, context(['system:masters']).write, none)
    await checkParamKind(POLICY, undefined, context(['g'], true).write, none)
  })
})
