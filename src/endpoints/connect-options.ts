import type { JsonObject } from '../machinery/json.ts'
import { isTrue, type RequestInfo } from '../machinery/request-info.ts'

const FLAGS = ['stdin', 'stdout', 'stderr', 'tty'] as const

/**
 * The options of a connection, read off its query and path: the object that admission judges.
 *
 * @param kind such as `PodExecOptions`
 * @param info the rest of its path is what a proxy is asked for
 */
export function connectOptions(kind: string, query: URLSearchParams, info: Pick<RequestInfo, 'parts' | 'path'>): JsonObject {
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
    const path = proxiedPath(info)
    if (path) options.path = path
  }
  return options
}

/** What a proxy is asked for: the path after the subresource, decoded; `/` or nothing when the client named none. */
export function proxiedPath({ parts, path }: Pick<RequestInfo, 'parts' | 'path'>): string {
  const rest = parts.slice(3).join('/')
  const asked = rest && !rest.startsWith('/') ? `/${rest}` : rest
  return path.endsWith('/') && !asked.endsWith('/') ? `${asked}/` : asked
}
