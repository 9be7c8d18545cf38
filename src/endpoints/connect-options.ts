import type { JsonObject } from '../machinery/json.ts'
import { isTrue } from '../machinery/request-info.ts'

const FLAGS = ['stdin', 'stdout', 'stderr', 'tty'] as const

/**
 * The options of a connection, read off its query and path: the object that admission judges.
 *
 * @param kind such as `PodExecOptions`
 * @param rest the path after the subresource, for proxies
 */
export function connectOptions(kind: string, query: URLSearchParams, rest: readonly string[]): JsonObject {
  const options: JsonObject = { kind, apiVersion: 'v1' }
  if (kind === 'PodExecOptions' || kind === 'PodAttachOptions') {
    for (const flag of FLAGS) if (isTrue(query.get(flag))) options[flag] = true
    const container = query.get('container')
    if (container) options.container = container
  }
  if (kind === 'PodExecOptions') {
    const command = query.getAll('command')
    options.command = command.length ? command : null
  }
  if (kind === 'PodPortForwardOptions') {
    const ports = query.getAll('ports').flatMap((list) => list.split(','))
    const known = ports.filter((port) => /^[0-9]+$/.test(port))
    if (known.length) options.ports = known.map(Number)
  }
  if (kind.endsWith('ProxyOptions')) {
    const path = rest.length ? `/${rest.join('/')}` : (query.get('path') ?? '')
    if (path) options.path = path
  }
  return options
}
