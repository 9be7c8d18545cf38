import { type Authorize, Questions } from '../../cel/asking.ts'
import { fromJson } from '../../cel/json-values.ts'
import { AuthorizerValue, resourceCheck } from '../../cel/library/authorizer.ts'
import type { Variables } from '../../cel/program.ts'
import type { Value } from '../../cel/values.ts'
import type { JsonObject } from '../../machinery/json.ts'
import type { Show } from '../forms.ts'
import type { AdmissionAttributes } from '../plugin.ts'
import { type Match, namespaceOf } from './rules.ts'

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
  under(match: Match): Variables | Promise<Variables> {
    const { resource, kind } = match
    const key = `${resource.group}/${resource.version}`
    const known = this.#shown.get(key)
    if (known) return known
    const { object, oldObject } = this.#attributes
    const shown = object && this.#show(object, this.#attributes, kind)
    const old = oldObject && this.#show(oldObject, this.#attributes, kind)
    if (shown instanceof Promise || old instanceof Promise)
      return Promise.all([shown, old]).then(([now, before]) => this.#keep(key, match, now, before))
    return this.#keep(key, match, shown, old)
  }

  #keep(key: string, match: Match, object: JsonObject | undefined, oldObject: JsonObject | undefined): Variables {
    const variables = {
      object: object ? fromJson(object) : null,
      oldObject: oldObject ? fromJson(oldObject) : null,
      request: fromJson(admissionRequest(this.#attributes, match)),
      namespaceObject: null,
      params: null,
    }
    this.#shown.set(key, variables)
    return variables
  }

  /** The object is another now. */
  changed(): void {
    this.#shown.clear()
  }

  /** The same with `authorizer`. */
  withAuthorizer(variables: Variables): Variables {
    return { ...variables, authorizer: this.#authorizer, 'authorizer.requestResource': this.#requestResource }
  }
}

/** An AdmissionReview's request without its objects and uid: what is empty is left out, as it is there. */
export function admissionRequest(attributes: AdmissionAttributes, { resource, kind }: Match): JsonObject {
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
