import type {
  AuthenticationV1TokenRequest,
  CertificatesV1CertificateSigningRequest,
  CoreV1Node,
  CoreV1PersistentVolumeClaim,
  CoreV1Pod,
  ResourceV1ResourceSlice,
} from '../generated/types.ts'
import { goQuote } from '../machinery/go-text.ts'
import { equal } from '../machinery/json.ts'
import type { KubeObject } from '../machinery/object.ts'
import { notFound } from '../machinery/status.ts'
import { nodeNameOf } from '../machinery/user.ts'
import { requestSubject } from './certificate-request.ts'
import { type Facts, find, type ObjectReader, then } from './objects.ts'
import type { AdmissionAttributes, AdmissionPlugin } from './plugin.ts'
import { refusal } from './refusal.ts'
import { referencesSecrets } from './secret-references.ts'
import { type AudienceAccess, tokenAudiences } from './token-audiences.ts'

export interface NodeRestrictionDeps {
  objects: ObjectReader
  /** Whether kubelets may only ask for tokens of audiences that their pods name. */
  restrictAudiences: boolean
  access: AudienceAccess
}

/** What is wrong with a request; undefined when nothing is. Not finding what it is about is a 404 of its own. */
type Problem = string | undefined
type Rule = (node: string, attributes: AdmissionAttributes) => Problem | Promise<Problem>

const MIRROR_ANNOTATION = 'kubernetes.io/config.mirror'

/**
 * Kubelets only write about themselves and what runs on them: what the node authorizer can't judge without seeing the object.
 * https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#noderestriction
 */
export function nodeRestriction({ objects, restrictAudiences, access }: NodeRestrictionDeps): AdmissionPlugin {
  const pods = objects.facts({ group: '', resource: 'pods' }, (object) => object as CoreV1Pod)
  const nodes = objects.facts({ group: '', resource: 'nodes' }, ({ metadata }) => ({ uid: metadata?.uid ?? '' }))
  const audiences = tokenAudiences(objects, access)
  const rules: Readonly<Record<string, Rule>> = {
    '/pods': (node, attributes) => judgePod(node, attributes, nodes),
    '/pods/status': judgePodStatus,
    '/pods/eviction': (node, attributes) => judgeEviction(node, attributes, pods),
    '/persistentvolumeclaims/status': judgeClaimStatus,
    '/serviceaccounts/token': (node, attributes) =>
      then(judgeToken(node, attributes, pods), (problem) => problem ?? (restrictAudiences ? audiences(attributes) : undefined)),
    'coordination.k8s.io/leases': judgeLease,
    'storage.k8s.io/csinodes': judgeCsiNode,
    'resource.k8s.io/resourceslices': judgeSlice,
    'certificates.k8s.io/certificatesigningrequests': judgeCertificate,
  }
  const ruleOf = ({ resource: { group, resource }, subresource }: AdmissionAttributes): Rule | undefined => {
    const whole = `${group}/${resource}`
    if (whole === '/nodes') return judgeNode
    const rule = rules[subresource ? `${whole}/${subresource}` : whole]
    if (rule) return rule
    if (whole === '/pods') return unexpectedSubresource
    return whole === '/persistentvolumeclaims' ? () => 'may only update PVC status' : undefined
  }
  return {
    name: 'NodeRestriction',
    operations: ['CREATE', 'UPDATE', 'DELETE'],
    admit(attributes) {
      const node = nodeNameOf(attributes.user)
      if (node === undefined) return
      if (!node) throw refusal(attributes, `could not determine node from user ${goQuote(attributes.user.name)}`)
      return then(ruleOf(attributes)?.(node, attributes), (problem): void => {
        if (problem) throw refusal(attributes, problem)
      })
    },
  }
}

const unexpectedSubresource: Rule = (_node, { subresource }) =>
  `unexpected pod subresource ${goQuote(subresource)}, only 'status' and 'eviction' are allowed`

function judgePod(node: string, attributes: AdmissionAttributes, nodes: Facts<{ uid: string }>): Problem | Promise<Problem> {
  const { operation, object, oldObject } = attributes
  const who = `node ${goQuote(node)}`
  if (operation === 'DELETE') {
    const bound = (oldObject as CoreV1Pod).spec?.nodeName === node
    return bound ? undefined : `${who} can only delete pods with spec.nodeName set to itself`
  }
  if (operation !== 'CREATE') {
    return `unexpected operation ${goQuote(operation)}, ${who} can only create and delete mirror pods`
  }
  const pod = object as CoreV1Pod
  if (pod.metadata?.annotations?.[MIRROR_ANNOTATION] === undefined) {
    return `pod does not have ${goQuote(MIRROR_ANNOTATION)} annotation, ${who} can only create mirror pods`
  }
  if (pod.spec?.nodeName !== node) return `${who} can only create pods with spec.nodeName set to itself`
  const problem = ownerProblem(node, who, pod)
  if (problem) return problem
  return then(find(nodes, '', node), (found) => {
    if (!found) throw notFound({ group: '', resource: 'node' }, node)
    const uid = pod.metadata?.ownerReferences?.[0]?.uid ?? ''
    if (uid !== found.uid) return `node ${node} UID mismatch: expected ${uid} got ${found.uid}`
    return referenceProblem(who, pod)
  })
}

/** A mirror pod belongs to its node. */
function ownerProblem(node: string, who: string, { metadata }: CoreV1Pod): Problem {
  const owners = metadata?.ownerReferences ?? []
  if (owners.length > 1) return `${who} can only create pods with a single owner reference set to itself`
  const [owner] = owners
  if (owner?.apiVersion !== 'v1' || owner.kind !== 'Node' || owner.name !== node) {
    return `${who} can only create pods with an owner reference set to itself`
  }
  if (!owner.controller) return `${who} can only create pods with a controller owner reference set to itself`
  return owner.blockOwnerDeletion ? `${who} must not set blockOwnerDeletion on an owner reference` : undefined
}

/** What a pod refers to becomes readable to its node, so that a node may not choose it. */
function referenceProblem(who: string, { spec = {} }: CoreV1Pod): Problem {
  const volumes = spec.volumes ?? []
  const containers = [...(spec.initContainers ?? []), ...(spec.containers ?? []), ...(spec.ephemeralContainers ?? [])]
  const hasConfigMaps =
    volumes.some(({ configMap, projected }) => configMap?.name || projected?.sources?.some((source) => source.configMap)) ||
    containers.some(
      ({ env, envFrom }) => env?.some((one) => one.valueFrom?.configMapKeyRef) || envFrom?.some((one) => one.configMapRef),
    )
  const referred = spec.serviceAccountName
    ? 'a service account'
    : referencesSecrets(spec)
      ? 'secrets'
      : hasConfigMaps
        ? 'configmaps'
        : volumes.some(({ projected }) => projected?.sources?.some((source) => source.clusterTrustBundle))
          ? 'clustertrustbundles'
          : volumes.some((volume) => volume.persistentVolumeClaim)
            ? 'persistentvolumeclaims'
            : undefined
  return referred && `${who} can not create pods that reference ${referred}`
}

const judgePodStatus: Rule = (node, { operation, object, oldObject }) => {
  if (operation !== 'UPDATE') return `unexpected operation ${goQuote(operation)}`
  const old = oldObject as CoreV1Pod
  const pod = object as CoreV1Pod
  const who = `node ${goQuote(node)}`
  if (old.spec?.nodeName !== node) return `${who} can only update pod status for pods with spec.nodeName set to itself`
  if (!equal(old.metadata?.labels ?? {}, pod.metadata?.labels ?? {})) return `${who} cannot update labels through pod status`
  const claims = ({ status }: CoreV1Pod) => [status?.resourceClaimStatuses ?? [], status?.extendedResourceClaimStatus ?? null]
  if (!equal(claims(old)[0], claims(pod)[0])) return `${who} cannot update resource claim statues`
  return equal(claims(old)[1], claims(pod)[1]) ? undefined : `${who} cannot update extended resource claim status`
}

function judgeEviction(node: string, attributes: AdmissionAttributes, pods: Facts<CoreV1Pod>): Problem | Promise<Problem> {
  const { operation, namespace, name, object } = attributes
  if (operation !== 'CREATE') return `unexpected operation ${operation}`
  const podName = name || object?.metadata?.name || ''
  if (!podName) return 'could not determine pod from request data'
  return then(existing(pods, namespace, podName), (pod) =>
    pod.spec?.nodeName === node ? undefined : `node ${node} can only evict pods with spec.nodeName set to itself`,
  )
}

function existing(pods: Facts<CoreV1Pod>, namespace: string, name: string): CoreV1Pod | Promise<CoreV1Pod> {
  return then(find(pods, namespace, name), (pod) => {
    if (!pod) throw notFound({ group: '', resource: 'pod' }, name)
    return pod
  })
}

const judgeClaimStatus: Rule = (node, { operation, object, oldObject }) => {
  if (operation !== 'UPDATE') return `unexpected operation ${goQuote(operation)}`
  if (equal(fixedPart(object as CoreV1PersistentVolumeClaim), fixedPart(oldObject as CoreV1PersistentVolumeClaim)))
    return undefined
  return `node ${goQuote(node)} is not allowed to update fields other than status.capacity and status.conditions`
}

/** What of a claim a kubelet may not change. */
function fixedPart({ metadata = {}, status = {}, ...rest }: CoreV1PersistentVolumeClaim): object {
  const { resourceVersion, managedFields, ...meta } = metadata
  const { capacity, conditions, allocatedResources, allocatedResourceStatuses, ...fixed } = status
  return { ...rest, meta, fixed }
}

const judgeNode: Rule = (node, { operation, name, object, oldObject }) => {
  const who = `node ${goQuote(node)}`
  const asked = name || object?.metadata?.name || ''
  if (asked !== node) return `${who} is not allowed to modify node ${goQuote(asked)}`
  if (operation === 'DELETE') return undefined
  const now = object as CoreV1Node
  const before = oldObject as CoreV1Node | undefined
  const forbidden = forbiddenLabels(now, before)
  if (!before) {
    if (now.spec?.configSource) return `${who} is not allowed to create pods with a non-nil configSource`
    return forbidden.length ? `${who} is not allowed to set the following labels: ${forbidden.join(', ')}` : undefined
  }
  if (now.spec?.configSource && !equal(now.spec.configSource, before.spec?.configSource)) {
    return `${who} is not allowed to update configSource to a new non-nil configSource`
  }
  if (!equal(now.spec?.taints ?? [], before.spec?.taints ?? [])) return `${who} is not allowed to modify taints`
  return forbidden.length ? `is not allowed to modify labels: ${forbidden.join(', ')}` : undefined
}

/** Labels by which workloads are steered to nodes: a node may only set those that say what it is. */
function forbiddenLabels(now: KubeObject, before: KubeObject | undefined): string[] {
  const labels = now.metadata?.labels ?? {}
  const old = before?.metadata?.labels ?? {}
  const changed = Object.keys({ ...labels, ...old }).filter((key) => labels[key] !== old[key])
  return changed.filter((key) => !isNodesOwnLabel(key)).sort()
}

const OWN_LABELS = new Set([
  'kubernetes.io/hostname',
  'kubernetes.io/os',
  'kubernetes.io/arch',
  'beta.kubernetes.io/os',
  'beta.kubernetes.io/arch',
  'beta.kubernetes.io/instance-type',
  'node.kubernetes.io/instance-type',
  'topology.kubernetes.io/zone',
  'topology.kubernetes.io/region',
  'failure-domain.beta.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region',
])

function isNodesOwnLabel(key: string): boolean {
  const domain = key.includes('/') ? key.slice(0, key.indexOf('/')) : ''
  const within = (parent: string): boolean => domain === parent || domain.endsWith(`.${parent}`)
  if (within('node-restriction.kubernetes.io')) return false
  if (!within('kubernetes.io') && !within('k8s.io')) return true
  return OWN_LABELS.has(key) || within('kubelet.kubernetes.io') || within('node.kubernetes.io')
}

/** A kubelet asks for tokens of pods that run on it. */
function judgeToken(node: string, attributes: AdmissionAttributes, pods: Facts<CoreV1Pod>): Problem | Promise<Problem> {
  if (attributes.operation !== 'CREATE') return undefined
  const { apiVersion, kind, name, uid } = (attributes.object as AuthenticationV1TokenRequest).spec?.boundObjectRef ?? {}
  if (apiVersion !== 'v1' || kind !== 'Pod' || !name) return 'node requested token not bound to a pod'
  if (!uid) return 'node requested token with a pod binding without a uid'
  return then(existing(pods, attributes.namespace, name), (pod) => {
    if (pod.metadata?.uid !== uid) {
      return `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`
    }
    return pod.spec?.nodeName === node ? undefined : 'node requested token bound to a pod scheduled on a different node'
  })
}

const nameOf = ({ operation, name, object }: AdmissionAttributes): string =>
  (operation === 'CREATE' ? object?.metadata?.name : name) ?? ''

const judgeLease: Rule = (node, attributes) => {
  if (attributes.namespace !== 'kube-node-lease') return 'can only access leases in the "kube-node-lease" system namespace'
  return nameOf(attributes) === node ? undefined : 'can only access node lease with the same name as the requesting node'
}

const judgeCsiNode: Rule = (node, attributes) =>
  nameOf(attributes) === node ? undefined : 'can only access CSINode with the same name as the requesting node'

const judgeSlice: Rule = (node, { operation, object, oldObject }) => {
  if (operation === 'UPDATE') return undefined
  const slice = (operation === 'CREATE' ? object : oldObject) as ResourceV1ResourceSlice
  if (slice.spec?.nodeName === node) return undefined
  return `can only ${operation.toLowerCase()} ResourceSlice with the same NodeName as the requesting node`
}

const KUBELET_SIGNERS = new Set(['kubernetes.io/kubelet-serving', 'kubernetes.io/kube-apiserver-client-kubelet'])

const judgeCertificate: Rule = (node, { operation, object }) => {
  const { signerName = '', request = '' } = (object as CertificatesV1CertificateSigningRequest | undefined)?.spec ?? {}
  if (operation !== 'CREATE' || !KUBELET_SIGNERS.has(signerName)) return undefined
  const subject = requestSubject(request)
  if (!subject) return 'unable to parse csr: asn1: syntax error: data truncated'
  return subject.commonName === `system:node:${node}` ? undefined : `can only create a node CSR with CN=system:node:${node}`
}
