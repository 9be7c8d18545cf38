import { parseFieldSelector } from './field-selector.ts'

/** What a request asks for, read off its method and path as the reference's RequestInfo does. */
export interface RequestInfo {
  /** True for paths under /api/v1 or /apis/<group>/<version> that name a resource. */
  isResource: boolean
  path: string
  /** get, list, watch, create, update, patch, delete, deletecollection; for other paths the method in lower case. */
  verb: string
  /** `api`, `apis`, or empty. */
  apiPrefix: string
  apiGroup: string
  apiVersion: string
  namespace: string
  resource: string
  subresource: string
  name: string
  /** What narrows a list, a watch or a deletecollection, as sent; empty when nothing does. */
  fieldSelector: string
  labelSelector: string
  /** The path's parts after the version, the `watch` prefix and the namespace taken off. */
  parts: string[]
}

const LONG_SUBRESOURCES = new Set(['attach', 'exec', 'log', 'portforward', 'proxy'])

/** Whether a request may last as long as it likes: watches, connections to pods and the like, and profiles. */
export function isLongRunning({ verb, subresource, isResource, path }: RequestInfo): boolean {
  if (verb === 'watch' || verb === 'proxy') return true
  return isResource ? LONG_SUBRESOURCES.has(subresource) : path.startsWith('/debug/pprof/')
}

const VERBS: Record<string, string> = { POST: 'create', GET: 'get', HEAD: 'get', PUT: 'update', PATCH: 'patch', DELETE: 'delete' }
/** The first part of old paths that name their verb. */
const PATH_VERBS = new Set(['watch', 'proxy'])
/** Subresources of a namespace itself: other parts after its name are resources in it. */
const NAMESPACE_SUBRESOURCES = new Set(['status', 'finalize'])

/**
 * @param path decoded, without the query
 * @param query only looked at for `watch` and `fieldSelector`
 */
export function requestInfo(method: string, path: string, query: () => URLSearchParams): RequestInfo {
  const info: RequestInfo = {
    isResource: false,
    path,
    verb: method.toLowerCase(),
    apiPrefix: '',
    apiGroup: '',
    apiVersion: '',
    namespace: '',
    resource: '',
    subresource: '',
    name: '',
    fieldSelector: '',
    labelSelector: '',
    parts: [],
  }
  const all = splitPath(path)
  const prefix = all[0]
  if (prefix !== 'api' && prefix !== 'apis') return info
  const versionAt = prefix === 'api' ? 1 : 2
  // Paths that name no resource keep the method as their verb: they are discovery.
  if (all.length < versionAt + 2) return info
  info.apiPrefix = prefix
  if (prefix === 'apis') info.apiGroup = all[1] as string
  info.apiVersion = all[versionAt] as string
  info.isResource = true
  let at = versionAt + 1
  let verb = VERBS[method] ?? ''
  const verbInPath = PATH_VERBS.has(all[at] as string)
  if (verbInPath) {
    if (all.length === at + 1) {
      info.isResource = false
      return info
    }
    verb = all[at] as string
    at++
  }
  if (all[at] === 'namespaces') {
    if (all.length > at + 1) {
      info.namespace = all[at + 1] as string
      if (all.length > at + 2 && !NAMESPACE_SUBRESOURCES.has(all[at + 2] as string)) at += 2
    }
  }
  info.parts = all.slice(at)
  info.resource = info.parts[0] ?? ''
  info.name = info.parts[1] ?? ''
  if (verb !== 'proxy') info.subresource = info.parts[2] ?? ''
  if (info.name === '') {
    if (verb === 'get') verb = isTrue(query().get('watch')) ? 'watch' : 'list'
    else if (verb === 'delete') verb = 'deletecollection'
    if (verb === 'list' || verb === 'watch' || verb === 'deletecollection') {
      info.fieldSelector = query().get('fieldSelector') ?? ''
      info.labelSelector = query().get('labelSelector') ?? ''
      if (verb !== 'deletecollection' && !verbInPath) info.name = nameOf(info.fieldSelector)
    }
  }
  info.verb = verb
  return info
}

/** A list or watch by name is authorized for that name. */
function nameOf(fieldSelector: string): string {
  if (!fieldSelector) return ''
  try {
    const name = parseFieldSelector(fieldSelector).exact('metadata.name') ?? ''
    return name === '.' || name === '..' || /[/%]/.test(name) ? '' : name
  } catch {
    // What can't be understood is refused later, by whoever lists.
    return ''
  }
}

/** Booleans in queries: absent, `0` and `false` are false, anything else true. */
export function isTrue(value: string | null): boolean {
  return value !== null && !/^(0|false)$/i.test(value)
}

function splitPath(path: string): string[] {
  let start = 0
  let end = path.length
  while (path.charCodeAt(start) === 47) start++
  while (end > start && path.charCodeAt(end - 1) === 47) end--
  return start >= end ? [] : path.slice(start, end).split('/')
}
