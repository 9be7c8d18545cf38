import { isObject, type JsonObject } from '../../machinery/json.ts'
import { ALL_AUTHENTICATED } from '../../machinery/user.ts'

/** One line of a policy file; empty fields match nothing, `*` matches all. */
export interface AbacPolicy {
  readonly user: string
  readonly group: string
  readonly readonly: boolean
  readonly apiGroup: string
  readonly resource: string
  readonly namespace: string
  readonly path: string
}

const VERSION = 'abac.authorization.kubernetes.io/v1beta1'

/**
 * Reads a policy file: a JSON object a line, comments and empty lines aside.
 * https://kubernetes.io/docs/reference/access-authn-authz/abac/
 *
 * @throws Error that names the line which can't be understood
 */
export function parsePolicyFile(text: string, file: string): AbacPolicy[] {
  return text.split('\n').flatMap((raw, i) => {
    const line = raw.trim()
    if (line === '' || line.startsWith('#')) return []
    try {
      const value: unknown = JSON.parse(line)
      if (!isObject(value)) throw new Error('not an object')
      return [value.apiVersion === undefined ? unversioned(value) : versioned(value)]
    } catch (error) {
      throw new Error(`${file}:${i + 1}: ${(error as Error).message}`)
    }
  })
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '')

/** A star is whoever has a name, not whoever there is. */
const groupOf = (user: string, group: string): string => (user === '*' || group === '*' ? ALL_AUTHENTICATED : group)

function versioned({ apiVersion, kind, spec }: JsonObject): AbacPolicy {
  if (apiVersion !== VERSION || kind !== 'Policy') throw new Error(`no kind "${kind}" is registered for version "${apiVersion}"`)
  const given = isObject(spec) ? spec : {}
  const user = text(given.user)
  return {
    user: user === '*' ? '' : user,
    group: groupOf(user, text(given.group)),
    readonly: given.readonly === true,
    apiGroup: text(given.apiGroup),
    resource: text(given.resource),
    namespace: text(given.namespace),
    path: text(given.nonResourcePath),
  }
}

/** The oldest form: what is left out matches all. */
function unversioned(given: JsonObject): AbacPolicy {
  const user = text(given.user)
  const group = text(given.group)
  const resource = text(given.resource)
  const namespace = text(given.namespace)
  return {
    user: user === '*' ? '' : user,
    group: user === '' && group === '' ? ALL_AUTHENTICATED : groupOf(user, group),
    readonly: given.readonly === true,
    apiGroup: '*',
    resource: resource || '*',
    namespace: namespace || '*',
    path: resource === '' && namespace === '' ? '*' : '',
  }
}
