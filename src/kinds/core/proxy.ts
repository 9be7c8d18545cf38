import type { CoreV1EndpointSubset, CoreV1Endpoints, CoreV1Pod, CoreV1Service } from '../../generated/types.ts'
import { parseIp } from '../../machinery/ip-address.ts'
import { badRequest, notFound, serviceUnavailable } from '../../machinery/status.ts'
import type { WriteContext } from '../../registry/context.ts'
import type { ConnectionTarget } from '../../registry/kind.ts'

/** The HTTP methods that a proxy subresource passes on. */
export const PROXY_METHODS: readonly string[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

/** The proxy subresource of nodes and services. */
export function proxySubresource(kind: 'NodeProxyOptions' | 'ServiceProxyOptions') {
  return {
    name: 'proxy',
    kind: { group: '', version: 'v1', kind, schema: `io.k8s.api.core.v1.${kind}` },
    verbs: ['create', 'delete', 'get', 'patch', 'update'] as const,
    connect: PROXY_METHODS,
    target: kind === 'ServiceProxyOptions' ? serviceTarget : nodeTarget,
  }
}

/** Whom a proxy's path names. */
export interface NamedTarget {
  readonly scheme: 'http' | 'https'
  readonly name: string
  /** A number or a name; empty when it names none. */
  readonly port: string
}

/** Reads `name`, `name:port` or `scheme:name:port`, where the scheme may be empty. @returns undefined for anything else */
export function splitTarget(text: string): NamedTarget | undefined {
  const parts = text.split(':')
  if (parts.length > 3) return undefined
  const [scheme, name, port] = parts.length === 3 ? parts : ['', parts[0], parts[1] ?? '']
  if (!name || !['', 'http', 'https'].includes(scheme!)) return undefined
  return { scheme: scheme === 'https' ? 'https' : 'http', name, port: port! }
}

/** @throws StatusError 503 when it is none: nobody listens there */
export function numericPort(port: string): number {
  const number = Number(port)
  if (/^\d+$/.test(port) && number > 0 && number < 65_536) return number
  throw serviceUnavailable(`error trying to reach service: dial tcp: lookup tcp/${port}: unknown port`)
}

/** Whether requests may be passed on to an address: not to this machine itself, to its links, or to many at once. */
export function isGlobalUnicast(ip: string): boolean {
  const bytes = parseIp(ip)?.bytes
  if (!bytes) return false
  const [a = 0, b = 0] = bytes
  if (bytes.length === 4) {
    const isUnspecified = bytes.every((byte) => byte === 0)
    const isBroadcast = bytes.every((byte) => byte === 255)
    return !isUnspecified && !isBroadcast && a !== 127 && !(a === 169 && b === 254) && (a & 0xf0) !== 0xe0
  }
  const isSmall = bytes.every((byte, at) => byte === 0 || (at === 15 && byte <= 1))
  return !isSmall && a !== 0xff && !(a === 0xfe && (b & 0xc0) === 0x80)
}

async function nodeTarget(asked: string, _query: URLSearchParams, context: WriteContext): Promise<ConnectionTarget> {
  const target = splitTarget(asked)
  if (!target) throw badRequest(`invalid node request ${JSON.stringify(asked)}`)
  const node = await context.env.objects('nodes').get('', target.name)
  if (!node) throw notFound({ group: '', resource: 'nodes' }, target.name)
  return { to: 'node', node, port: target.port, scheme: target.scheme }
}

/** A service is reached at one of its endpoints that is a pod. One without any endpoints can't be found. */
async function serviceTarget(asked: string, _query: URLSearchParams, context: WriteContext): Promise<ConnectionTarget> {
  const target = splitTarget(asked)
  if (!target) throw badRequest(`invalid service request "${asked}"`)
  const { name, scheme } = target
  const missing = notFound({ group: '', resource: 'services' }, name)
  const service = (await context.env.objects('services').get(context.namespace, name)) as CoreV1Service | undefined
  if (!service) throw missing
  let { port } = target
  if (/^[-+]?\d+$/.test(port)) {
    const declared = service.spec?.ports?.find((one) => one.port === Number(port))
    if (!declared) throw serviceUnavailable(`no service port ${Number(port)} found for service ${JSON.stringify(name)}`)
    port = declared.name ?? ''
  }
  const endpoints = (await context.env.objects('endpoints').get(context.namespace, name)) as CoreV1Endpoints | undefined
  if (!endpoints) throw missing
  const subsets = endpoints.subsets ?? []
  if (subsets.length === 0) throw serviceUnavailable(`no endpoints available for service ${JSON.stringify(name)}`)
  for (const subset of turned(subsets, context)) {
    const found = subset.ports?.find((one) => (one.name ?? '') === port)
    const host = found?.port && (await podAddress(subset, context))
    if (host) return { to: 'address', scheme, host, port: found.port }
  }
  throw serviceUnavailable(`no endpoints available for service ${JSON.stringify(asked)}`)
}

/** Any of the subset's addresses that is that of the pod which it says it is. */
async function podAddress({ addresses }: CoreV1EndpointSubset, context: WriteContext): Promise<string | undefined> {
  for (const { ip = '', targetRef } of turned(addresses ?? [], context)) {
    if (!targetRef?.name || targetRef.namespace !== context.namespace) continue
    const pod = (await context.env.objects('pods').get(context.namespace, targetRef.name)) as CoreV1Pod | undefined
    if (pod?.status?.podIPs?.some((one) => one.ip === ip)) return ip
  }
  return undefined
}

/** From another one on each time, and around: load spreads, and none is left out. */
function turned<T>(all: readonly T[], { now }: WriteContext): T[] {
  const from = all.length && now % all.length
  return [...all.slice(from), ...all.slice(0, from)]
}
