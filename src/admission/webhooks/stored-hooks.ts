import { Evaluation } from '../../cel/admission-programs.ts'
import type { Authorize } from '../../cel/asking.ts'
import { COST_BUDGET_OF_CONDITIONS } from '../../cel/program.ts'
import { forbidden } from '../../machinery/status.ts'
import type { ObjectForms } from '../forms.ts'
import type { ObjectReader } from '../objects.ts'
import { type AdmissionAttributes, isOwnCreation } from '../plugin.ts'
import { evaluateConditions } from '../policies/conditions.ts'
import type { MatchDeps } from '../policies/matching.ts'
import { Namespaces } from '../policies/namespaces.ts'
import type { RequestVariables } from '../policies/request.ts'
import { ResourceIndex } from '../policies/resource-index.ts'
import type { Equivalents, Match } from '../policies/rules.ts'
import type { WebhookTransport } from './call.ts'
import { type Hook, hooksOf } from './hooks.ts'

const GROUP = 'admissionregistration.k8s.io'

/** What no webhook is asked about, so that a bad one can be removed. */
const EXEMPT: ReadonlySet<string> = new Set([
  'mutatingadmissionpolicies',
  'mutatingadmissionpolicybindings',
  'mutatingwebhookconfigurations',
  'validatingadmissionpolicies',
  'validatingadmissionpolicybindings',
  'validatingwebhookconfigurations',
])

const isExempt = ({ group, resource }: { group: string; resource: string }): boolean => group === GROUP && EXEMPT.has(resource)

export interface WebhookDeps {
  readonly objects: ObjectReader
  readonly equivalents: Equivalents
  readonly forms: ObjectForms
  readonly authorize: Authorize
  readonly transport: WebhookTransport
  readonly uuid: () => string
  readonly metrics: WebhookMetrics
  /** Told of webhooks that failed, whether that let the request pass or not. */
  readonly onFailure: (webhook: string, error: Error, ignored: boolean) => void
}

export interface WebhookMetrics {
  /** A webhook was asked. @param type `admit` or `validating` @param code of the answer; 0 for none */
  called(call: {
    name: string
    type: WebhookType
    operation: string
    rejected: boolean
    code: number
    seconds: number
    error?: 'calling_webhook_error' | 'apiserver_internal_error' | 'no_error'
  }): void
  failedOpen(name: string, type: WebhookType): void
}

export type WebhookType = 'admit' | 'validating'

export interface PlacedHook {
  readonly hook: Hook
  /** Its place among all webhooks of its sort. */
  readonly index: number
}

/**
 * The step of a plugin that asks the webhooks of stored configurations. Where none is stored, or none could be for the request, it is
 * done at once.
 *
 * @param resource that holds the configurations
 * @param dispatch asks those that could be for a request; there is at least one
 */
export function storedHooks(
  { objects, equivalents }: Pick<WebhookDeps, 'objects' | 'equivalents'>,
  resource: string,
  dispatch: (attributes: AdmissionAttributes, hooks: readonly PlacedHook[]) => Promise<void>,
): (attributes: AdmissionAttributes) => void | Promise<void> {
  const configurations = objects.facts({ group: GROUP, resource }, hooksOf)
  let known: { of: readonly (readonly Hook[])[]; index: ResourceIndex<PlacedHook> } | undefined
  const ask = (attributes: AdmissionAttributes, stored: readonly (readonly Hook[])[]): void | Promise<void> => {
    if (stored.length === 0 || isExempt(attributes.resource) || isOwnCreation(attributes)) return
    if (known?.of !== stored) {
      const placed = stored.flat().map((hook, index) => ({ hook, index }))
      known = { of: stored, index: new ResourceIndex(placed, ({ hook }) => hook.criteria, equivalents) }
    }
    const hooks = known.index.for(attributes.resource)
    if (hooks.length) return dispatch(attributes, hooks)
  }
  return (attributes) => {
    const stored = configurations.all()
    return stored instanceof Promise ? stored.then((all) => ask(attributes, all)) : ask(attributes, stored)
  }
}

/** Finds out whether a webhook is for a request. */
export class HookMatching {
  readonly #deps: MatchDeps

  constructor({ objects, equivalents }: Pick<WebhookDeps, 'objects' | 'equivalents'>) {
    this.#deps = { namespaces: new Namespaces(objects), equivalents }
  }

  /**
   * @returns the names under which it is asked; undefined when it isn't
   * @throws (rejects) StatusError when that can't be told
   */
  async match(hook: Hook, attributes: AdmissionAttributes, request: RequestVariables): Promise<Match | undefined> {
    const match = await hook.criteria.match(attributes, this.#deps)
    if (!match || hook.conditions.length === 0) return match
    const variables = request.withAuthorizer(await request.under(match))
    const fits = await request.questions.settle(() =>
      evaluateConditions(hook.conditions, new Evaluation(new Map(), variables, COST_BUDGET_OF_CONDITIONS)),
    )
    if (fits === true) return match
    if (fits === false || hook.ignoreFailures) return undefined
    throw forbidden(attributes.resource, attributes.name, fits.error)
  }
}
