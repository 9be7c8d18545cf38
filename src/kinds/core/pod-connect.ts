import type { CoreV1Pod } from '../../generated/types.ts'
import { type FieldError, forbiddenField, invalid, invalidObject } from '../../machinery/field-errors.ts'
import { badRequest, notFound } from '../../machinery/status.ts'
import type { WriteContext } from '../../registry/context.ts'
import type { Subresource } from '../../registry/kind.ts'
import { visitContainers } from './pod-spec-visit.ts'
import { PROXY_METHODS } from './proxy.ts'

const PODS = { group: '', resource: 'pods' }

const options = (kind: string) => ({ group: '', version: 'v1', kind, schema: `io.k8s.api.core.v1.${kind}` })

/** Streams to and from a pod's containers, through the kubelet of its node. */
export const podConnections: readonly Subresource<CoreV1Pod>[] = [
  { name: 'log', verbs: ['get'], connect: ['GET'], answer: answerLog },
  {
    name: 'attach',
    kind: options('PodAttachOptions'),
    verbs: ['create', 'get'],
    connect: ['GET', 'POST'],
    answer: locateContainer,
  },
  { name: 'exec', kind: options('PodExecOptions'), verbs: ['create', 'get'], connect: ['GET', 'POST'], answer: locateContainer },
  {
    name: 'portforward',
    kind: options('PodPortForwardOptions'),
    verbs: ['create', 'get'],
    connect: ['GET', 'POST'],
    answer: async (name, _query, context) => {
      requireHost(await podOf(name, context), name)
      return undefined
    },
  },
  {
    name: 'proxy',
    kind: options('PodProxyOptions'),
    verbs: ['create', 'delete', 'get', 'patch', 'update'],
    connect: PROXY_METHODS,
    answer: async (name, _query, context) => {
      const target = splitTarget(name)
      if (!target) throw badRequest(`invalid pod request ${JSON.stringify(name)}`)
      const pod = await podOf(target.name, context)
      if (!pod.status?.podIPs?.[0]?.ip) throw badRequest('address not allowed')
      return undefined
    },
  },
]

async function podOf(name: string, context: WriteContext): Promise<CoreV1Pod> {
  const pod = await context.env.objects('pods').get(context.namespace, name)
  if (!pod) throw notFound(PODS, name)
  return pod as CoreV1Pod
}

function requireHost(pod: CoreV1Pod, name: string): string {
  const node = pod.spec?.nodeName
  if (!node) throw badRequest(`pod ${name} does not have a host assigned`)
  return node
}

/** `name`, `name:port` or `scheme:name:port`. */
function splitTarget(text: string): { name: string } | undefined {
  const parts = text.split(':')
  if (parts.length > 3) return undefined
  const name = parts.length === 3 ? parts[1] : parts[0]
  return name ? { name } : undefined
}

async function locateContainer(name: string, query: URLSearchParams, context: WriteContext): Promise<undefined> {
  const pod = await podOf(name, context)
  checkContainer(pod, query.get('container') ?? '')
  await checkNode(requireHost(pod, name), context)
  return undefined
}

/** The container must be one of the pod's, and named when there is a choice. */
function checkContainer(pod: CoreV1Pod, container: string): void {
  const name = pod.metadata?.name ?? ''
  const names: string[] = []
  visitContainers(pod.spec, (c) => names.push(c.name ?? ''))
  if (container) {
    if (!names.includes(container)) throw badRequest(`container ${container} is not valid for pod ${name}`)
    return
  }
  const count = pod.spec?.containers?.length ?? 0
  if (count === 1) return
  const choice = count ? `, choose one of: [${names.join(' ')}]` : ''
  throw badRequest(`a container name must be specified for pod ${name}${choice}`)
}

/** A missing node is reported as if it were a pod: the reference does so. */
async function checkNode(node: string, context: WriteContext): Promise<void> {
  if (!(await context.env.objects('nodes').get('', node))) throw notFound(PODS, node)
}

/** Logs of a pod that has no node yet are empty. */
async function answerLog(name: string, query: URLSearchParams, context: WriteContext): Promise<{ code: number } | undefined> {
  const errors = logOptionErrors(query, context)
  if (errors.length) throw invalidObject({ group: '', kind: 'PodLogOptions' }, name, errors)
  const pod = await podOf(name, context)
  checkContainer(pod, query.get('container') ?? '')
  const node = pod.spec?.nodeName
  if (!node) return { code: 204 }
  await checkNode(node, context)
  return undefined
}

function logOptionErrors(query: URLSearchParams, context: WriteContext): FieldError[] {
  const errors: FieldError[] = []
  const tailLines = integerOption(query, 'tailLines')
  const sinceSeconds = integerOption(query, 'sinceSeconds')
  const limitBytes = integerOption(query, 'limitBytes')
  const sinceTime = query.get('sinceTime')
  if (sinceTime && Number.isNaN(Date.parse(sinceTime))) {
    const quoted = JSON.stringify(sinceTime)
    throw badRequest(`parsing time ${quoted} as "2006-01-02T15:04:05Z07:00": cannot parse ${quoted} as "2006"`)
  }
  if (tailLines !== undefined && tailLines < 0) errors.push(invalid('tailLines', tailLines, 'must be greater than or equal to 0'))
  if (limitBytes !== undefined && limitBytes < 1) errors.push(invalid('limitBytes', limitBytes, 'must be greater than 0'))
  if (sinceSeconds !== undefined && sinceTime) {
    errors.push(forbiddenField('[]', 'at most one of `sinceTime` or `sinceSeconds` may be specified'))
  } else if (sinceSeconds !== undefined && sinceSeconds < 1) {
    errors.push(invalid('sinceSeconds', sinceSeconds, 'must be greater than 0'))
  }
  if (query.get('stream') && !context.env.settings.feature('PodLogsQuerySplitStreams')) {
    errors.push(forbiddenField('stream', 'may not be specified'))
  }
  return errors
}

function integerOption(query: URLSearchParams, option: string): number | undefined {
  const text = query.get(option)
  if (!text) return undefined
  if (!/^[-+]?[0-9]+$/.test(text)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`)
  return Number(text)
}
