import type { CoreV1Binding, CoreV1Pod } from '../../generated/types.ts'
import { type FieldError, notSupported, required } from '../../machinery/field-errors.ts'
import type { JsonObject } from '../../machinery/json.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { badRequest, conflict, StatusError } from '../../machinery/status.ts'
import type { WriteContext } from '../../registry/context.ts'
import { defineKind, type Subresource } from '../../registry/kind.ts'
import { alreadyAssigned, setCondition } from './pod-prepare.ts'
import { storageConflict } from './preconditions.ts'

const BINDING = { group: '', version: 'v1', kind: 'Binding', schema: 'io.k8s.api.core.v1.Binding' }
const PODS = { group: '', resource: 'pods' }

/** What a scheduler posts to assign a pod to a node. */
export const podBinding: Subresource<CoreV1Pod> = {
  name: 'binding',
  kind: BINDING,
  verbs: ['create'],
  create: bind,
}

/** The older way to the same: the pod's name is the binding's. */
export const binding = defineKind<CoreV1Binding>({
  group: '',
  version: 'v1',
  kind: 'Binding',
  resource: 'bindings',
  scope: 'Namespaced',
  schema: 'io.k8s.api.core.v1.Binding',
  verbs: ['create'],
  virtual: {
    create: async (object, context) => {
      const { body } = await bind(object.metadata?.name ?? '', object, context)
      return body as KubeObject
    },
  },
})

async function bind(name: string, object: KubeObject, context: WriteContext): Promise<{ code: number; body: JsonObject }> {
  const { metadata = {}, target } = object as CoreV1Binding
  if (metadata.name !== name) throw badRequest('name in URL does not match name in Binding object')
  const errors = targetErrors(target)
  // The reference hands these on as they are, which makes them unknown errors.
  if (errors.length) throw new StatusError(500, '', aggregate(errors))
  const pods = context.env.objects('pods')
  await pods.update(
    context.namespace,
    name,
    (current) => {
      const pod = current as CoreV1Pod
      checkIdentity(pod, name, metadata)
      const refusal = whyNotBindable(pod)
      if (refusal) throw conflict({ group: '', resource: 'pods/binding' }, name, refusal)
      const meta = (pod.metadata ??= {})
      const spec = (pod.spec ??= {})
      const status = (pod.status ??= {})
      spec.nodeName = target?.name
      status.nominatedNodeName = undefined
      meta.annotations = { ...meta.annotations, ...metadata.annotations }
      if (metadata.labels && context.env.settings.feature('PodTopologyLabelsAdmission')) {
        meta.labels = { ...meta.labels, ...metadata.labels }
      }
      setCondition(status, { type: 'PodScheduled', status: 'True' }, context.now)
      return pod
    },
    { dryRun: context.dryRun },
  )
  return { code: 201, body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 } }
}

/** The binding may name the very pod and version that it is meant for. */
function checkIdentity(pod: CoreV1Pod, name: string, { uid, resourceVersion }: { uid?: string; resourceVersion?: string }): void {
  const is = pod.metadata ?? {}
  const key = `pods/${is.namespace}/${name}`
  if (uid && uid !== is.uid) throw storageConflict(PODS, name, key, 'UID', uid, is.uid)
  if (resourceVersion && resourceVersion !== is.resourceVersion) {
    throw storageConflict(PODS, name, key, 'ResourceVersion', resourceVersion, is.resourceVersion)
  }
}

function whyNotBindable({ metadata, spec }: CoreV1Pod): string {
  const name = metadata?.name ?? ''
  if (metadata?.deletionTimestamp) return `pod ${name} is being deleted, cannot be assigned to a host`
  if (spec?.nodeName) return alreadyAssigned(name, spec.nodeName)
  return spec?.schedulingGates?.length ? `pod ${name} has non-empty .spec.schedulingGates` : ''
}

function targetErrors(target: CoreV1Binding['target']): FieldError[] {
  const errors: FieldError[] = []
  if (target?.kind && target.kind !== 'Node') errors.push(notSupported('target.kind', target.kind, ['Node', '<empty>']))
  if (!target?.name) errors.push(required('target.name'))
  return errors
}

/** Several errors as one text. */
function aggregate(errors: readonly FieldError[]): string {
  const texts = errors.map(({ field, message }) => `${field}: ${message}`)
  return texts.length === 1 ? (texts[0] as string) : `[${texts.join(', ')}]`
}
