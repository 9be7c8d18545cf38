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
  /** The path's parts after the version, the `watch` prefix and the namespace taken off. */
  parts: string[]
}

const VERBS: Record<string, string> = { POST: 'create', GET: 'get', HEAD: 'get', PUT: 'update', PATCH: 'patch', DELETE: 'delete' }
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
  if (all[at] === 'watch' && all.length > at + 1) {
    verb = 'watch'
    at++
  } else if (all[at] === 'watch') {
    info.isResource = false
    info.verb = method.toLowerCase()
    return info
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
  info.subresource = info.parts[2] ?? ''
  if (info.name === '' && verb === 'get') {
    verb = isTrue(query().get('watch')) ? 'watch' : 'list'
    const name = nameOf(query().get('fieldSelector'))
    if (name) info.name = name
  }
  if (info.name === '' && verb === 'delete') verb = 'deletecollection'
  info.verb = verb
  return info
}

/** A list or watch by name is authorized for that name. */
function nameOf(fieldSelector: string | null): string {
  if (!fieldSelector) return ''
  const match = /(?:^|,)metadata\.name==?([^,!=]+)(?:,|$)/.exec(fieldSelector)
  return match?.[1] ?? ''
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
