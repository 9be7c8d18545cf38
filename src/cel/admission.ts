import type { Environment } from './environment.ts'
import { CostError, EvaluationError } from './errors.ts'
import { kubernetes } from './kubernetes.ts'
import { AUTHORIZER, RESOURCE_CHECK } from './library/authorizer.ts'
import { JSON_PATCH, jsonPatches } from './library/json-patches.ts'
import type { Program, Variables } from './program.ts'
import { BOOL, DYN, INT, listType, mapType, objectType, openType, STRING, TIMESTAMP, type Type } from './types.ts'
import { Instance, MapValue, type Value } from './values.ts'

const texts = (...names: string[]): Record<string, Type> => Object.fromEntries(names.map((name) => [name, STRING]))
const TEXTS = listType(STRING)
const KIND = objectType('kubernetes.GroupVersionKind', texts('group', 'version', 'kind'))
const RESOURCE = objectType('kubernetes.GroupVersionResource', texts('group', 'version', 'resource'))

/** The variable `request`: an AdmissionReview's request without the objects. */
export const ADMISSION_REQUEST: Type = objectType('kubernetes.AdmissionRequest', {
  kind: KIND,
  resource: RESOURCE,
  requestKind: KIND,
  requestResource: RESOURCE,
  ...texts('subResource', 'requestSubResource', 'name', 'namespace', 'operation'),
  userInfo: objectType('kubernetes.UserInfo', {
    ...texts('username', 'uid'),
    groups: TEXTS,
    extra: mapType(STRING, TEXTS),
  }),
  dryRun: BOOL,
  options: DYN,
})

/** The variable `namespaceObject`: what expressions may see of a Namespace. */
export const NAMESPACE: Type = objectType('kubernetes.Namespace', {
  metadata: objectType('kubernetes.NamespaceMetadata', {
    ...texts('name', 'generateName', 'namespace', 'UID', 'resourceVersion'),
    labels: mapType(STRING, STRING),
    annotations: mapType(STRING, STRING),
    creationTimestamp: TIMESTAMP,
    deletionTimestamp: TIMESTAMP,
    deletionGracePeriodSeconds: INT,
    generation: INT,
    finalizers: TEXTS,
  }),
  spec: objectType('kubernetes.NamespaceSpec', { finalizers: TEXTS }),
  status: objectType('kubernetes.NamespaceStatus', {
    phase: STRING,
    conditions: listType(
      objectType('kubernetes.NamespaceCondition', {
        ...texts('type', 'status', 'message', 'reason'),
        lastTransitionTime: TIMESTAMP,
      }),
    ),
  }),
})

export interface AdmissionScope {
  /** Whether there is `params`. */
  readonly params?: boolean
  /** Whether there is `authorizer`. */
  readonly authorizer?: boolean
  /** The policy's own variables, by name; undefined where there is no `variables`. */
  readonly variables?: Readonly<Record<string, Type>>
  /** Whether `Object{…}` and `JSONPatch{…}` can be made. */
  readonly mutating?: boolean
}

/** What the expressions of admission webhooks and policies can use. */
export function admissionEnvironment({ params, authorizer, variables, mutating }: AdmissionScope): Environment {
  return kubernetes.extend({
    functions: mutating ? jsonPatches : [],
    variables: {
      object: DYN,
      oldObject: DYN,
      request: ADMISSION_REQUEST,
      namespaceObject: NAMESPACE,
      ...(params ? { params: DYN } : {}),
      ...(authorizer ? { authorizer: AUTHORIZER, 'authorizer.requestResource': RESOURCE_CHECK } : {}),
      ...(variables ? { variables: objectType('kubernetes.variables', variables) } : {}),
    },
    types: mutating ? mutationType : {},
  })
}

/** `Object`, `Object.spec`, and so on: nothing is known of their fields. */
function mutationType(name: string): Type | undefined {
  if (name === 'JSONPatch') return JSON_PATCH
  return name === 'Object' || name.startsWith('Object.') ? openType(name) : undefined
}

/**
 * What is wrong with the types of the objects in another: each must be named for where it stands, such as `Object.spec.containers`.
 *
 * @returns one line for each
 */
export function misplacedTypes(value: Value, path = 'Object'): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => misplacedTypes(item, path))
  if (value instanceof Instance) {
    const { name } = value.type
    const own =
      name === path
        ? []
        : [`unexpected type name "${name}", expected "${path}", which matches field name path from root Object type`]
    return [...own, ...[...value.fields].flatMap(([field, item]) => misplacedTypes(item, `${path}.${field}`))]
  }
  return value instanceof MapValue ? value.keys().flatMap((key) => misplacedTypes(value.get(key)!, path)) : []
}

/** The value of `variables`: each is evaluated when it is first used, on behalf of the expression that uses it. */
export class PolicyVariables extends MapValue {
  readonly #programs: ReadonlyMap<string, Program>
  readonly #variables: Variables
  readonly #known = new Map<string, Value | EvaluationError>()
  /** What evaluating variables cost so far. */
  cost = 0

  /** @param variables what the policy's variables may use, besides one another */
  constructor(programs: ReadonlyMap<string, Program>, variables: Variables) {
    super()
    this.#programs = programs
    this.#variables = { ...variables, variables: this }
  }

  get type(): Type {
    return DYN
  }

  keys(): readonly string[] {
    return [...this.#programs.keys()]
  }

  override has(key: Value): boolean {
    return typeof key === 'string' && this.#programs.has(key)
  }

  get(key: Value): Value | undefined {
    const program = typeof key === 'string' ? this.#programs.get(key) : undefined
    if (!program) return undefined
    const name = key as string
    let known = this.#known.get(name)
    if (known === undefined) {
      known = this.#evaluate(name, program)
      this.#known.set(name, known)
    }
    if (known instanceof EvaluationError) throw known
    return known
  }

  #evaluate(name: string, program: Program): Value | EvaluationError {
    try {
      const { value, cost } = program.evaluate(this.#variables)
      this.cost += cost
      return value
    } catch (error) {
      if (!(error instanceof EvaluationError || error instanceof CostError)) throw error
      return new EvaluationError(`composited variable ${JSON.stringify(name)} fails to evaluate: ${error.message}`)
    }
  }
}
