import { BudgetError, Evaluation } from '../../cel/admission-programs.ts'
import type { Authorize } from '../../cel/asking.ts'
import { COST_BUDGET, COST_BUDGET_OF_CONDITIONS } from '../../cel/program.ts'
import type { Value } from '../../cel/values.ts'
import type {
  AdmissionregistrationV1MutatingAdmissionPolicy,
  AdmissionregistrationV1MutatingAdmissionPolicyBinding,
} from '../../generated/types.ts'
import type { JsonObject } from '../../machinery/json.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { internalError, StatusError } from '../../machinery/status.ts'
import { type ObjectForms, replaceObject } from '../forms.ts'
import type { ObjectReader } from '../objects.ts'
import type { AdmissionAttributes, AdmissionPlugin } from '../plugin.ts'
import { refusal } from '../refusal.ts'
import { type PluginRounds, roundsOf } from '../reinvocation.ts'
import { Applicability, type Param } from './applicability.ts'
import { boundPolicies } from './bound-policies.ts'
import { compileMutating, type MutatingPrograms, type MutatingSpec, type Mutation } from './compile.ts'
import { evaluateConditions } from './conditions.ts'
import { ConfigurationError } from './configuration-error.ts'
import { applyConfigurationTo, jsonPatchTo, MutationError } from './mutations.ts'
import type { ParamSources } from './params.ts'
import type { Hook } from './policy-index.ts'
import { RequestVariables } from './request.ts'
import type { Equivalents, Match } from './rules.ts'
import { StoredBinding, StoredPolicy } from './stored.ts'

const NAME = 'MutatingAdmissionPolicy'

export interface MutatingPolicyDeps {
  readonly objects: ObjectReader
  readonly equivalents: Equivalents
  readonly params: ParamSources
  readonly forms: ObjectForms
  readonly authorize: Authorize
}

class Policy extends StoredPolicy<MutatingSpec, MutatingPrograms> {
  /** Whether it wants to be asked again when something changes after it. */
  readonly reinvocable: boolean

  constructor({ metadata, spec = {} }: AdmissionregistrationV1MutatingAdmissionPolicy) {
    super(metadata, spec, compileMutating)
    this.reinvocable = spec.reinvocationPolicy === 'IfNeeded'
  }
}

/** A policy that is to change a request's object. */
interface Invocation {
  readonly policy: Policy
  readonly binding: StoredBinding
  readonly param: Param
  readonly match: Match
}

/** What goes wrong with a policy: the request is refused, unless the policy's failures are to be ignored. */
interface Failure {
  readonly policy: Policy
  readonly binding: StoredBinding | undefined
  readonly message: string
  readonly reason: 'Forbidden' | 'Invalid'
}

/**
 * Lets the policies that clients have stored change objects.
 * https://kubernetes.io/docs/reference/access-authn-authz/mutating-admission-policy/
 */
export function mutatingAdmissionPolicy(deps: MutatingPolicyDeps): AdmissionPlugin {
  const applicability = new Applicability(deps)
  return {
    name: NAME,
    operations: ['CREATE', 'UPDATE', 'DELETE', 'CONNECT'],
    admit: boundPolicies<Policy, StoredBinding>({
      ...deps,
      policies: 'mutatingadmissionpolicies',
      bindings: 'mutatingadmissionpolicybindings',
      policy: (object) => new Policy(object),
      binding: ({ metadata, spec = {} }: AdmissionregistrationV1MutatingAdmissionPolicyBinding) =>
        new StoredBinding(metadata, spec),
      dispatch: (attributes, hooks) => new Dispatch(deps, applicability, attributes).run(hooks),
    }),
  }
}

/** One request's policies. */
class Dispatch {
  readonly #forms: ObjectForms
  readonly #applicability: Applicability
  readonly #attributes: AdmissionAttributes
  readonly #request: RequestVariables
  readonly #failures: Failure[] = []
  #mutated = false

  constructor(deps: MutatingPolicyDeps, applicability: Applicability, attributes: AdmissionAttributes) {
    this.#forms = deps.forms
    this.#applicability = applicability
    this.#attributes = attributes
    this.#request = new RequestVariables(attributes, deps.forms.show, deps.authorize)
  }

  /** @throws StatusError */
  async run(hooks: readonly Hook<Policy, StoredBinding>[]): Promise<void> {
    // All are chosen by the object as it came, before the first of them changes it.
    const invocations = await this.#invocations(hooks)
    if (invocations.length) {
      const namespaceObject = await this.#applicability.namespaceObject(this.#attributes)
      const rounds = roundsOf(this.#attributes, NAME)
      rounds.begin(this.#attributes.object)
      for (const invocation of invocations) await this.#invoke(invocation, namespaceObject, rounds)
      // All that want it are asked again, also who made the only change, and also when nothing is different.
      if (this.#mutated) rounds.changed()
      rounds.end(this.#attributes.object)
    }
    const counting = this.#failures.filter(({ policy }) => !policy.ignoreErrors)
    if (counting.length) throw denied(this.#attributes, counting)
  }

  async #invocations(hooks: readonly Hook<Policy, StoredBinding>[]): Promise<Invocation[]> {
    const found: Invocation[] = []
    for (const { policy, bindings } of hooks) {
      const fits = await this.#configured(policy, undefined, () => this.#applicability.fitting(policy, this.#attributes))
      if (!fits) continue
      for (const binding of bindings) {
        const params = await this.#configured(policy, binding, () =>
          this.#applicability.params(binding, this.#attributes, fits.source),
        )
        for (const param of params ?? []) found.push({ policy, binding, param, match: fits.match })
      }
    }
    return found
  }

  async #configured<T>(policy: Policy, binding: StoredBinding | undefined, find: () => Promise<T>): Promise<T | undefined> {
    try {
      return await find()
    } catch (error) {
      if (!(error instanceof ConfigurationError || error instanceof StatusError)) throw error
      const message = `failed to configure ${binding ? 'binding' : 'policy'}: ${error.message}`
      this.#failures.push({ policy, binding, message, reason: 'Forbidden' })
      return undefined
    }
  }

  async #invoke(invocation: Invocation, namespaceObject: Value, rounds: PluginRounds): Promise<void> {
    const { policy, binding, param, match } = invocation
    const key = `${policy.name} ${binding.name} ${param.key}`
    const { conditions, variables, mutations } = policy.programs
    const inputs = async () => this.#request.withAuthorizer({ ...(await this.#request.under(match)), params: param.value })
    if (conditions.length) {
      const seen = await inputs()
      const fits = await this.#request.questions.settle(() =>
        evaluateConditions(conditions, new Evaluation(variables, seen, COST_BUDGET_OF_CONDITIONS)),
      )
      if (fits === false) return
      if (fits !== true) {
        this.#failures.push({ policy, binding, message: fits.error, reason: 'Invalid' })
        return
      }
    }
    if (!rounds.mayAsk(key)) return
    if (this.#attributes.object) {
      for (const mutation of mutations) {
        try {
          const seen = { ...(await inputs()), namespaceObject }
          const made = await this.#request.questions.settle(() =>
            valueOfMutation(mutation, new Evaluation(variables, seen, COST_BUDGET)),
          )
          await this.#mutate(mutation, made, match)
          this.#mutated = true
        } catch (error) {
          if (!(error instanceof MutationError)) throw error
          this.#failures.push({ policy, binding, message: error.message, reason: 'Invalid' })
        }
      }
    }
    if (policy.reinvocable) rounds.asked(key)
  }

  /** @throws MutationError; StatusError 500 for a result that isn't of the object's type */
  async #mutate({ patchType }: Mutation, made: Value, { kind }: Match): Promise<void> {
    const attributes = this.#attributes
    const shown = await this.#forms.show(attributes.object as never, attributes, kind)
    const isPatch = patchType === 'JSONPatch'
    const next = isPatch ? jsonPatchTo(made, shown) : applyConfigurationTo(made, shown, this.#forms.atom(attributes, kind))
    replaceObject(attributes, await this.#read(next, kind, isPatch))
    this.#request.changed()
  }

  async #read(next: JsonObject, kind: Match['kind'], strict: boolean): Promise<KubeObject> {
    try {
      return await this.#forms.read(next, this.#attributes, kind, strict)
    } catch (error) {
      throw error instanceof StatusError ? error : internalError((error as Error).message)
    }
  }
}

/** @throws MutationError */
function valueOfMutation({ expression }: Mutation, evaluation: Evaluation): Value {
  try {
    const result = evaluation.evaluate(expression)
    if ('error' in result) throw new MutationError(result.error)
    return result.value
  } catch (error) {
    throw error instanceof BudgetError ? new MutationError(error.message) : error
  }
}

/** The 403 of those that failed, in the words of the first. */
function denied(attributes: AdmissionAttributes, failures: readonly Failure[]): StatusError {
  const messages = failures.map(({ policy, binding, message }) =>
    binding
      ? `policy '${policy.name}' with binding '${binding.name}' denied request: ${message}`
      : `policy "${policy.name}" denied request: ${message}`,
  )
  const [first] = failures
  return new StatusError(403, (first as Failure).reason, messages[0] as string, {
    ...refusal(attributes, '').status.details,
    causes: messages.map((message) => ({ message })),
  })
}
