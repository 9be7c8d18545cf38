import type { CoreV1Pod } from '../../generated/types.ts'
import { type FieldError, forbiddenField, invalid, invalidObject } from '../../machinery/field-errors.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { isTrue } from '../../machinery/request-info.ts'
import { badRequest, notFound } from '../../machinery/status.ts'
import type { WriteContext } from '../../registry/context.ts'
import type { ConnectionTarget, Subresource } from '../../registry/kind.ts'
import { visitContainers } from './pod-spec-visit.ts'
import { isGlobalUnicast, numericPort, PROXY_METHODS, splitTarget } from './proxy.ts'

const PODS = { group: '', resource: 'pods' }

const options = (kind: string) => ({ group: '', version: 'v1', kind, schema: `io.k8s.api.core.v1.${kind}` })

/** Streams to and from a pod's containers, through the kubelet of its node; and requests to what listens in it. */
export const podConnections: readonly Subresource<CoreV1Pod>[] = [
  { name: 'log', verbs: ['get'], connect: ['GET'], target: logTarget },
  command('attach', 'PodAttachOptions'),
  command('exec', 'PodExecOptions'),
  {
    name: 'portforward',
    kind: options('PodPortForwardOptions'),
    verbs: ['create', 'get'],
    connect: ['GET', 'POST'],
    connectsAsCreate: true,
    target: portsTarget,
  },
  {
    name: 'proxy',
    kind: options('PodProxyOptions'),
    verbs: ['create', 'delete', 'get', 'patch', 'update'],
    connect: PROXY_METHODS,
    target: podTarget,
  },
]

function command(name: 'attach' | 'exec', kind: string): Subresource<CoreV1Pod> {
  return {
    name,
    kind: options(kind),
    verbs: ['create', 'get'],
    connect: ['GET', 'POST'],
    connectsAsCreate: true,
    target: (pod, query, context) => commandTarget(name, pod, query, context),
  }
}

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

async function podTarget(asked: string, _query: URLSearchParams, context: WriteContext): Promise<ConnectionTarget> {
  const target = splitTarget(asked)
  if (!target) throw badRequest(`invalid pod request ${JSON.stringify(asked)}`)
  const pod = await podOf(target.name, context)
  const ip = pod.status?.podIPs?.[0]?.ip ?? ''
  if (!isGlobalUnicast(ip)) throw badRequest('address not allowed')
  const declared = pod.spec?.containers?.find(({ ports }) => ports?.length)?.ports?.[0]?.containerPort
  const port = target.port === '' ? declared : numericPort(target.port)
  return { to: 'address', scheme: target.scheme, host: ip, port }
}

async function commandTarget(
  action: 'attach' | 'exec',
  name: string,
  query: URLSearchParams,
  context: WriteContext,
): Promise<ConnectionTarget> {
  const pod = await podOf(name, context)
  const container = containerOf(pod, query.get('container') ?? '')
  const node = await nodeOf(requireHost(pod, name), context)
  const [stdin, stdout, stderr, tty] = ['stdin', 'stdout', 'stderr', 'tty'].map((flag) => isTrue(query.get(flag)))
  const asked: [string, string][] = []
  if (action === 'exec') for (const word of query.getAll('command')) asked.push(['command', word])
  if (stderr) asked.push(['error', '1'])
  if (stdin) asked.push(['input', '1'])
  if (stdout) asked.push(['output', '1'])
  if (tty) asked.push(['tty', '1'])
  const path = withQuery(`/${action}/${context.namespace}/${name}/${container}`, asked)
  return { to: 'kubelet', node, path, stream: { kind: 'command', stdin: stdin!, stdout: stdout!, stderr: stderr!, tty: tty! } }
}

async function portsTarget(name: string, query: URLSearchParams, context: WriteContext): Promise<ConnectionTarget> {
  const node = await nodeOf(requireHost(await podOf(name, context), name), context)
  const ports = query.getAll('ports').flatMap((list) => list.split(','))
  const known = ports.filter((port) => /^[0-9]+$/.test(port))
  const path = withQuery(`/portForward/${context.namespace}/${name}`, known.length ? [['port', known.join(',')]] : [])
  return { to: 'kubelet', node, path, stream: { kind: 'ports' } }
}

const withQuery = (path: string, query: [string, string][]): string =>
  query.length ? `${path}?${new URLSearchParams(query)}` : path

/** The container must be one of the pod's, and named when there is a choice. */
function containerOf(pod: CoreV1Pod, container: string): string {
  const name = pod.metadata?.name ?? ''
  const names: string[] = []
  visitContainers(pod.spec, (c) => names.push(c.name ?? ''))
  if (container) {
    if (!names.includes(container)) throw badRequest(`container ${container} is not valid for pod ${name}`)
    return container
  }
  const count = pod.spec?.containers?.length ?? 0
  if (count === 1) return pod.spec?.containers?.[0]?.name ?? ''
  const choice = count ? `, choose one of: [${names.join(' ')}]` : ''
  throw badRequest(`a container name must be specified for pod ${name}${choice}`)
}

/** A missing node is reported as if it were a pod: the reference does so. */
async function nodeOf(name: string, context: WriteContext): Promise<KubeObject> {
  const node = await context.env.objects('nodes').get('', name)
  if (!node) throw notFound(PODS, name)
  return node
}

/** Logs of a pod that has no node yet are empty. */
async function logTarget(name: string, query: URLSearchParams, context: WriteContext): Promise<ConnectionTarget> {
  const errors = logOptionErrors(query, context)
  if (errors.length) throw invalidObject({ group: '', kind: 'PodLogOptions' }, name, errors)
  const pod = await podOf(name, context)
  const container = containerOf(pod, query.get('container') ?? '')
  const host = pod.spec?.nodeName
  if (!host) return { to: 'answer', code: 204 }
  const node = await nodeOf(host, context)
  const path = withQuery(`/containerLogs/${context.namespace}/${name}/${container}`, logQuery(query, context))
  return { to: 'kubelet', node, path, stream: { kind: 'log', insecure: isTrue(query.get('insecureSkipTLSVerifyBackend')) } }
}

/** What the kubelet is asked for, by names in order. */
function logQuery(query: URLSearchParams, context: WriteContext): [string, string][] {
  const asked: [string, string][] = []
  const add = (option: string, value: string | undefined): void => {
    if (value !== undefined) asked.push([option, value])
  }
  const flag = (option: string): string | undefined => (isTrue(query.get(option)) ? 'true' : undefined)
  const sinceTime = query.get('sinceTime')
  add('follow', flag('follow'))
  add('limitBytes', integerOption(query, 'limitBytes')?.toString())
  add('previous', flag('previous'))
  add('sinceSeconds', integerOption(query, 'sinceSeconds')?.toString())
  add('sinceTime', sinceTime ? new Date(sinceTime).toISOString().replace(/\.\d+Z$/, 'Z') : undefined)
  if (context.env.settings.feature('PodLogsQuerySplitStreams')) add('stream', query.get('stream') || 'All')
  add('tailLines', integerOption(query, 'tailLines')?.toString())
  add('timestamps', flag('timestamps'))
  return asked
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
