import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RbacV1PolicyRule, RbacV1Subject } from '../../generated/types.ts'
import type { UserInfo } from '../../machinery/user.ts'
import { type Attributes, resourceAttributes } from '../attributes.ts'
import type { Binding } from './grants.ts'
import { PolicyIndex } from './policy-index.ts'
import { RbacAuthorizer } from './rbac.ts'

/** Roles and bindings as a plain list, judged by walking over all of it. */
class PlainPolicy {
  readonly roles = new Map<string, RbacV1PolicyRule[]>()
  readonly bindings = new Map<string, Binding>()

  /** Why a request is allowed, by each binding that allows it. */
  allowing(user: UserInfo, asked: Attributes): { reasons: string[]; missing: Set<string> } {
    const reasons: string[] = []
    const missing = new Set<string>()
    for (const { namespace, name, roleRef, subjects } of this.bindings.values()) {
      if (namespace && namespace !== asked.namespace) continue
      const subject = subjects.find((one) => isSubject(one, user, namespace))
      if (!subject) continue
      const rules = this.roles.get(`${roleRef.kind === 'Role' ? namespace : ''}/${roleRef.name}`)
      if (!rules) missing.add(`${roleRef.kind!.toLowerCase()}.rbac.authorization.k8s.io "${roleRef.name}" not found`)
      if (!rules?.some((rule) => ruleAllows(rule, asked))) continue
      const binding = namespace ? `RoleBinding "${name}/${namespace}"` : `ClusterRoleBinding "${name}"`
      const of = subject.kind === 'ServiceAccount' ? `${subject.name}/${subject.namespace ?? namespace}` : subject.name
      reasons.push(`RBAC: allowed by ${binding} of ${roleRef.kind} "${roleRef.name}" to ${subject.kind} "${of}"`)
    }
    return { reasons, missing }
  }
}

function isSubject({ kind, name, namespace }: RbacV1Subject, user: UserInfo, bindingNamespace: string): boolean {
  if (kind === 'User') return user.name === name
  if (kind === 'Group') return user.groups.some((group) => group === name)
  const of = namespace ?? bindingNamespace
  return of !== '' && user.name === `system:serviceaccount:${of}:${name}`
}

function ruleAllows(rule: RbacV1PolicyRule, asked: Attributes): boolean {
  const lists = (values: string[] | undefined, ...wanted: string[]) => wanted.some((value) => values?.includes(value))
  if (!lists(rule.verbs, '*', asked.verb)) return false
  if (!asked.isResource) {
    return (rule.nonResourceURLs ?? []).some((url) =>
      url.endsWith('*') ? asked.path.startsWith(url.slice(0, -1)) : url === asked.path,
    )
  }
  const { resource, subresource, apiGroup, name } = asked
  if (!lists(rule.apiGroups, '*', apiGroup)) return false
  const named = subresource ? [`${resource}/${subresource}`, `*/${subresource}`] : [resource]
  if (!lists(rule.resources, '*', ...named)) return false
  return !rule.resourceNames?.length || rule.resourceNames.includes(name)
}

/** A repeatable source of random numbers (mulberry32). */
function randomFrom(seed: number) {
  let state = seed
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  const pick = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)] as T
  const some = <T>(list: readonly T[], max: number): T[] => {
    return Array.from({ length: 1 + Math.floor(next() * max) }, () => pick(list))
  }
  return { next, pick, some }
}

const NAMESPACES = ['a', 'b', 'c']
const NAMES = ['x', 'y', 'z']
const VERBS = ['get', 'list', 'create', 'delete', '*']
const GROUPS = ['', 'apps', 'batch', '*']
const RESOURCES = ['pods', 'pods/log', 'deployments', 'deployments/scale', '*/scale', 'jobs', '*']
const URLS = ['/', '/healthz', '/healthz/*', '/api', '/api/*', '*', '/metrics']
const USERS = ['ann', 'ben', 'system:serviceaccount:a:x', 'system:serviceaccount:b:y', 'system:anonymous']
const USER_GROUPS = ['devs', 'ops', 'system:authenticated', 'all']

type Random = ReturnType<typeof randomFrom>

function randomRule({ next, pick, some }: Random): RbacV1PolicyRule {
  if (next() < 0.15) return { verbs: some(VERBS, 2), nonResourceURLs: some(URLS, 2) }
  return {
    verbs: some(VERBS, 3),
    apiGroups: some(GROUPS, 3),
    resources: some(RESOURCES, 4),
    ...(next() < 0.3 ? { resourceNames: [pick(NAMES)] } : {}),
  }
}

function randomSubject({ next, pick }: Random): RbacV1Subject {
  const kind = pick(['User', 'Group', 'ServiceAccount'])
  if (kind === 'User') return { kind, name: pick(USERS) }
  if (kind === 'Group') return { kind, name: pick(USER_GROUPS) }
  return { kind, name: pick(NAMES), ...(next() < 0.5 ? { namespace: pick(NAMESPACES) } : {}) }
}

/** Changes one thing at random, in both. */
function change(random: Random, plain: PlainPolicy, index: PolicyIndex): void {
  const { next, pick, some } = random
  const namespace = next() < 0.3 ? '' : pick(NAMESPACES)
  const name = pick(['r1', 'r2', 'r3', 'r4'])
  const key = `${namespace}/${name}`
  const remove = next() < 0.15
  if (next() < 0.5) {
    if (remove) {
      plain.roles.delete(key)
      index.deleteRole(namespace, name)
      return
    }
    const rules = next() < 0.1 ? [] : some([0], 6).map(() => randomRule(random))
    plain.roles.set(key, rules)
    index.setRole(namespace, name, rules)
    return
  }
  if (remove) {
    plain.bindings.delete(key)
    index.deleteBinding(namespace, name)
    return
  }
  const kind = namespace && next() < 0.6 ? 'Role' : 'ClusterRole'
  const subjects = next() < 0.05 ? [] : some([0], 6).map(() => randomSubject(random))
  const binding = { namespace, name, roleRef: { kind, name: pick(['r1', 'r2', 'r3', 'r4']) }, subjects }
  plain.bindings.set(key, binding)
  index.setBinding(binding)
}

function randomQuestion({ next, pick, some }: Random): { user: UserInfo; asked: Attributes } {
  const user: UserInfo = { name: pick(USERS), uid: '', groups: some(USER_GROUPS, 3), extra: {} }
  if (next() < 0.15) {
    const path = pick(['/', '/healthz', '/healthz/etcd', '/api', '/api/v1', '/metrics', '/other'])
    return { user, asked: { ...resourceAttributes({ verb: pick(VERBS), resource: '' }), isResource: false, path } }
  }
  const [resource = '', subresource = ''] = pick(RESOURCES).split('/')
  const asked = resourceAttributes({
    verb: pick(VERBS),
    apiGroup: pick(GROUPS),
    resource,
    subresource,
    name: next() < 0.5 ? pick(NAMES) : '',
    namespace: next() < 0.3 ? '' : pick(NAMESPACES),
  })
  return { user, asked }
}

test('the index decides as a walk over all rules does, whatever changes', () => {
  const random = randomFrom(20_260_601)
  let allowed = 0
  let refused = 0
  for (let policies = 0; policies < 60; policies++) {
    const plain = new PlainPolicy()
    const index = new PolicyIndex()
    const authorizer = new RbacAuthorizer(index)
    for (let changes = 0; changes < 60; changes++) {
      change(random, plain, index)
      for (let questions = 0; questions < 10; questions++) {
        const { user, asked } = randomQuestion(random)
        const { reasons, missing } = plain.allowing(user, asked)
        const { verdict, reason } = authorizer.authorize(user, asked)
        const question = JSON.stringify({ user, asked, roles: [...plain.roles], bindings: [...plain.bindings.values()] })
        assert.equal(verdict, reasons.length ? 'allow' : 'no opinion', question)
        if (reasons.length) {
          assert.ok(reasons.includes(reason), `${reason} is none of ${reasons.join(', ')}\n${question}`)
          allowed++
        } else {
          const told = new Set(reason.replace(/^RBAC: \[?|\]$/g, '').split(', '))
          assert.deepEqual(told, missing.size ? missing : new Set(['']), question)
          refused++
        }
      }
    }
  }
  assert.ok(allowed > 5000 && refused > 5000, `${allowed} allowed, ${refused} refused`)
})

const ann: UserInfo = { name: 'ann', uid: '', groups: ['system:authenticated'], extra: {} }

test('what is bound everywhere comes first, and the first subject of a binding that is the user is named', () => {
  const index = new PolicyIndex()
  index.setRole('', 'reader', [{ verbs: ['get'], apiGroups: [''], resources: ['pods'] }])
  const subjects = [
    { kind: 'Group', name: 'system:authenticated' },
    { kind: 'User', name: 'ann' },
  ]
  index.setBinding({ namespace: 'a', name: 'here', roleRef: { kind: 'ClusterRole', name: 'reader' }, subjects })
  const authorizer = new RbacAuthorizer(index)
  const asked = resourceAttributes({ verb: 'get', resource: 'pods', namespace: 'a', name: 'p' })
  const first = 'of ClusterRole "reader" to Group "system:authenticated"'
  assert.equal(authorizer.authorize(ann, asked).reason, `RBAC: allowed by RoleBinding "here/a" ${first}`)
  index.setBinding({ namespace: '', name: 'all', roleRef: { kind: 'ClusterRole', name: 'reader' }, subjects })
  assert.equal(authorizer.authorize(ann, asked).reason, `RBAC: allowed by ClusterRoleBinding "all" ${first}`)
  assert.equal(authorizer.authorize({ ...ann, name: 'ben', groups: [] }, asked).verdict, 'no opinion')
})

test('every role that is not there is told of once', () => {
  const index = new PolicyIndex()
  const subjects = [{ kind: 'User', name: 'ann' }]
  for (const [name, role] of [
    ['b1', 'one'],
    ['b2', 'two'],
    ['b3', 'one'],
  ]) {
    index.setBinding({ namespace: '', name: name!, roleRef: { kind: 'ClusterRole', name: role! }, subjects })
  }
  const { reason } = new RbacAuthorizer(index).authorize(ann, resourceAttributes({ verb: 'get', resource: 'pods' }))
  const missing = ['one', 'two'].map((name) => `clusterrole.rbac.authorization.k8s.io "${name}" not found`)
  assert.equal(reason, `RBAC: [${missing.join(', ')}]`)
})

test('rules are listed once for each binding, with what cannot be found', () => {
  const index = new PolicyIndex()
  const rule = { verbs: ['get'], apiGroups: [''], resources: ['pods'] }
  index.setRole('a', 'r', [rule, { verbs: ['get'], nonResourceURLs: ['/x'] }])
  const subjects = [
    { kind: 'User', name: 'ann' },
    { kind: 'Group', name: 'system:authenticated' },
  ]
  index.setBinding({ namespace: 'a', name: 'r', roleRef: { kind: 'Role', name: 'r' }, subjects })
  index.setBinding({ namespace: 'a', name: 'gone', roleRef: { kind: 'Role', name: 'gone' }, subjects })
  assert.deepEqual(new RbacAuthorizer(index).rulesFor(ann, 'a'), {
    resourceRules: [{ ...rule, resourceNames: [] }],
    pathRules: [{ verbs: ['get'], paths: ['/x'] }],
    incomplete: false,
    errors: ['role.rbac.authorization.k8s.io "gone" not found'],
  })
})
