import { type Authorize, Questions } from '../../cel/asking.ts'
import { fromJson } from '../../cel/json-values.ts'
import { AuthorizerValue, resourceCheck } from '../../cel/library/authorizer.ts'
import type { Variables } from '../../cel/program.ts'
import type { Value } from '../../cel/values.ts'
import type { JsonObject } from '../../machinery/json.ts'
import type { KubeObject } from '../../machinery/object.ts'
import type { AdmissionAttributes } from '../plugin.ts'
import { type Match, namespaceOf, type VersionedKind } from './rules.ts'

/** Shows an object in another version than the stored one; the kind is the one under which a rule knows it. */
export type Show = (object: KubeObject, attributes: AdmissionAttributes, kind: VersionedKind) => JsonObject

/** What expressions see of one request. */
export class RequestVariables {
  readonly questions: Questions
  readonly #attributes: AdmissionAttributes
  readonly #show: Show
  readonly #authorizer: AuthorizerValue
  readonly #requestResource: Value
  /** By the version in which the objects are shown. */
  readonly #shown = new Map<string, Variables>()

  constructor(attributes: AdmissionAttributes, show: Show, authorize: Authorize) {
    this.#attributes = attributes
    this.#show = show
    this.questions = new Questions((user, question) => authorize(user ?? attributes.user, question))
    this.#authorizer = new AuthorizerValue(this.questions.ask)
    const { resource, subresource, name } = attributes
    this.#requestResource = resourceCheck(this.#authorizer, {
      apiGroup: resource.group,
      resource: resource.resource,
      subresource,
      namespace: namespaceOf(attributes),
      name,
    })
  }

  /** `object`, `oldObject` and `request`, as a policy that fits under these names sees them. */
  under({ resource, kind }: Match): Variables {
    const key = `${resource.group}/${resource.version}`
    let known = this.#shown.get(key)
    if (!known) {
      const { object, oldObject } = this.#attributes
      known = {
        object: object ? fromJson(this.#show(object, this.#attributes, kind)) : null,
        oldObject: oldObject ? fromJson(this.#show(oldObject, this.#attributes, kind)) : null,
        request: fromJson(admissionRequest(this.#attributes, { resource, kind })),
        namespaceObject: null,
        params: null,
      }
      this.#shown.set(key, known)
    }
    return known
  }

  /** The same with `authorizer`. */
  withAuthorizer(variables: Variables): Variables {
    return { ...variables, authorizer: this.#authorizer, 'authorizer.requestResource': this.#requestResource }
  }
}

/** An AdmissionReview's request without its objects and uid: what is empty is left out, as it is there. */
function admissionRequest(attributes: AdmissionAttributes, { resource, kind }: Match): JsonObject {
  const { subresource, name, operation, user, dryRun } = attributes
  const options = operationOptions(attributes)
  const namespace = namespaceOf(attributes)
  const extra = Object.entries(user.extra).map(([key, values]) => [key, [...values]])
  return {
    kind: { group: kind.group, version: kind.version, kind: kind.kind },
    resource: { group: resource.group, version: resource.version, resource: resource.resource },
    ...(subresource ? { subResource: subresource } : {}),
    requestKind: { ...attributes.kind },
    requestResource: { ...attributes.resource },
    ...(subresource ? { requestSubResource: subresource } : {}),
    ...(name ? { name } : {}),
    ...(namespace ? { namespace } : {}),
    operation,
    userInfo: {
      ...(user.name ? { username: user.name } : {}),
      ...(user.uid ? { uid: user.uid } : {}),
      ...(user.groups.length ? { groups: [...user.groups] } : {}),
      ...(extra.length ? { extra: Object.fromEntries(extra) } : {}),
    },
    dryRun,
    ...(Object.keys(options).length ? { options } : {}),
  }
}

const OPTIONS: Readonly<Record<string, string>> = { CREATE: 'CreateOptions', UPDATE: 'UpdateOptions' }

/** The options as those of the operation: a patch is an update (or a creation) to whoever judges it, and so is a PUT that creates. */
function operationOptions({ operation, options }: AdmissionAttributes): JsonObject {
  const kind = OPTIONS[operation]
  if (!kind || !options.kind || options.kind === kind) return options
  const { force: _force, ...rest } = options
  return { ...rest, kind }
}
