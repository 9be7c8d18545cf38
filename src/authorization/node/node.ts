import type { RbacV1PolicyRule } from '../../generated/types.ts'
import { parseFieldSelector } from '../../machinery/field-selector.ts'
import { goQuote } from '../../machinery/go-text.ts'
import { nodeNameOf, type UserInfo } from '../../machinery/user.ts'
import type { Attributes } from '../attributes.ts'
import { ALLOW, type Authorizer, type Decision, NO_OPINION, NO_RULES, noOpinion, type RulesFor } from '../authorizer.ts'
import { CompiledRules, combinedResource } from '../rbac/rules.ts'
import type { NodeGraph } from './graph.ts'

export interface NodeAuthorizerDeps {
  /** What kubelets may do with whatever isn't judged by its node. */
  rules: readonly RbacV1PolicyRule[]
  /** The graph as of now. Asked for only when a kubelet wants something that depends on it. */
  graph(): NodeGraph | Promise<NodeGraph>
}

type Judge = (node: string, attributes: Attributes) => Decision | Promise<Decision>

/**
 * `--authorization-mode=Node`: kubelets may read what the pods on their node need, and write about themselves. What they write is checked
 * by the admission plugin NodeRestriction. https://kubernetes.io/docs/reference/access-authn-authz/node/
 */
export class NodeAuthorizer implements Authorizer {
  readonly name = 'Node'
  readonly #rules: CompiledRules
  readonly #graph: NodeAuthorizerDeps['graph']
  readonly #judges: Readonly<Record<string, Judge>> = {
    '/secrets': (node, attributes) => this.#read(node, attributes),
    '/configmaps': (node, attributes) => this.#read(node, attributes),
    '/persistentvolumeclaims': (node, attributes) =>
      attributes.subresource === 'status' ? this.#updateStatus(node, attributes) : this.#get(node, attributes),
    '/persistentvolumes': (node, attributes) => this.#get(node, attributes),
    '/serviceaccounts': (node, attributes) => this.#createToken(node, attributes),
    '/nodes': judgeNode,
    '/pods': (node, attributes) => this.#pod(node, attributes),
    'resource.k8s.io/resourceclaims': (node, attributes) => this.#get(node, attributes),
    'resource.k8s.io/resourceslices': (node, attributes) => this.#slice(node, attributes),
    'storage.k8s.io/volumeattachments': (node, attributes) => this.#get(node, attributes),
    'storage.k8s.io/csinodes': judgeCsiNode,
    'coordination.k8s.io/leases': judgeLease,
  }

  constructor({ rules, graph }: NodeAuthorizerDeps) {
    this.#rules = new CompiledRules(rules)
    this.#graph = graph
  }

  authorize(user: UserInfo, attributes: Attributes): Decision | Promise<Decision> {
    const node = nodeNameOf(user)
    if (node === undefined) return NO_OPINION
    if (node === '') return noOpinion(`unknown node for user ${goQuote(user.name)}`)
    const judge = attributes.isResource && this.#judges[`${attributes.apiGroup}/${attributes.resource}`]
    if (judge) return judge(node, attributes)
    return this.#rules.allows(attributes, combinedResource(attributes)) ? ALLOW : NO_OPINION
  }

  rulesFor(user: UserInfo): RulesFor {
    if (nodeNameOf(user) === undefined) return NO_RULES
    return { ...NO_RULES, incomplete: true, errors: ['node authorizer does not support user rule resolution'] }
  }

  #read(node: string, attributes: Attributes): Decision | Promise<Decision> {
    if (!READS.has(attributes.verb)) return noOpinion('can only read resources of this type')
    if (attributes.subresource) return noOpinion('cannot read subresource')
    if (!attributes.namespace) return noOpinion('can only read namespaced object of this type')
    return this.#related(node, attributes)
  }

  #get(node: string, attributes: Attributes): Decision | Promise<Decision> {
    if (attributes.verb !== 'get') return noOpinion('can only get individual resources of this type')
    if (attributes.subresource) return noOpinion('cannot get subresource')
    return this.#related(node, attributes)
  }

  #updateStatus(node: string, attributes: Attributes): Decision | Promise<Decision> {
    if (!CHANGES.has(attributes.verb)) return noOpinion('can only get/update/patch this type')
    return this.#related(node, attributes)
  }

  #createToken(node: string, attributes: Attributes): Decision | Promise<Decision> {
    if (attributes.verb !== 'create' || !attributes.name) {
      return noOpinion('can only create tokens for individual service accounts')
    }
    if (attributes.subresource !== 'token') return noOpinion('can only create token subresource of serviceaccount')
    return this.#related(node, attributes)
  }

  #pod(node: string, attributes: Attributes): Decision | Promise<Decision> {
    const { subresource, verb } = attributes
    if (subresource === 'status') return CHANGES.has(verb) ? ALLOW : NO_OPINION
    if (subresource === 'eviction') return verb === 'create' ? ALLOW : NO_OPINION
    if (subresource) return NO_OPINION
    if (verb === 'get') return this.#get(node, attributes)
    // For mirror pods; which ones is up to admission.
    if (verb === 'create' || verb === 'delete') return ALLOW
    if (verb !== 'list' && verb !== 'watch') return NO_OPINION
    if (demands(attributes, 'spec.nodeName', node)) return ALLOW
    if (attributes.name) return this.#related(node, attributes)
    return noOpinion('can only list/watch pods with spec.nodeName field selector')
  }

  #slice(node: string, attributes: Attributes): Decision | Promise<Decision> {
    if (attributes.subresource) return noOpinion('cannot authorize ResourceSlice subresources')
    switch (attributes.verb) {
      case 'create':
        return ALLOW
      case 'get':
      case 'update':
      case 'patch':
      case 'delete':
        return this.#related(node, attributes)
      case 'watch':
      case 'list':
      case 'deletecollection':
        if (demands(attributes, 'nodeName', node)) return ALLOW
        return noOpinion('can only list/watch/deletecollection resourceslices with nodeName field selector')
      default:
        return noOpinion(
          'only the following verbs are allowed for a ResourceSlice: get, watch, list, create, update, patch, delete, deletecollection',
        )
    }
  }

  #related(node: string, { resource, namespace, name }: Attributes): Decision | Promise<Decision> {
    if (!name) return noOpinion('No Object name found')
    const answer = (graph: NodeGraph): Decision =>
      graph.related(node, resource, namespace, name)
        ? ALLOW
        : noOpinion(`no relationship found between node '${node}' and this object`)
    const graph = this.#graph()
    return graph instanceof Promise ? graph.then(answer) : answer(graph)
  }
}

const READS = new Set(['get', 'list', 'watch'])
const CHANGES = new Set(['update', 'patch'])
const OWN_VERBS = new Set(['get', 'create', 'update', 'patch', 'delete'])

function judgeNode(node: string, { subresource, verb, name }: Attributes): Decision {
  if (subresource === 'status') return CHANGES.has(verb) ? ALLOW : NO_OPINION
  if (subresource) return NO_OPINION
  // Whether it is the own one is up to admission, which sees the object.
  if (verb === 'create' || CHANGES.has(verb)) return ALLOW
  if (!READS.has(verb)) return NO_OPINION
  if (name === node) return ALLOW
  if (!name) return noOpinion(`node '${node}' cannot read all nodes, only its own Node object`)
  return noOpinion(`node '${node}' cannot read '${name}', only its own Node object`)
}

function judgeLease(node: string, { verb, namespace, name }: Attributes): Decision {
  if (!OWN_VERBS.has(verb)) return noOpinion('can only get, create, update, patch, or delete a node lease')
  if (namespace !== 'kube-node-lease') return noOpinion('can only access leases in the "kube-node-lease" system namespace')
  if (verb !== 'create' && name !== node) {
    return noOpinion('can only access node lease with the same name as the requesting node')
  }
  return ALLOW
}

function judgeCsiNode(node: string, { verb, subresource, name }: Attributes): Decision {
  if (!OWN_VERBS.has(verb)) return noOpinion('can only get, create, update, patch, or delete a CSINode')
  if (subresource) return noOpinion('cannot authorize CSINode subresources')
  if (verb !== 'create' && name !== node) {
    return noOpinion('can only access CSINode with the same name as the requesting node')
  }
  return ALLOW
}

/** Whether the field selector leaves only objects with this value. */
function demands({ fieldSelector }: Attributes, field: string, value: string): boolean {
  if (!fieldSelector) return false
  if (typeof fieldSelector !== 'string') {
    return fieldSelector.some((r) => r.key === field && r.operator === 'In' && r.values.length === 1 && r.values[0] === value)
  }
  try {
    return parseFieldSelector(fieldSelector).requirements.some(
      (r) => r.field === field && r.operator !== '!=' && r.value === value,
    )
  } catch {
    return false
  }
}
