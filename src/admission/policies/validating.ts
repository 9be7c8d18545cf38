import type { Authorize } from '../../cel/asking.ts'
import type { Value } from '../../cel/values.ts'
import type {
  AdmissionregistrationV1ValidatingAdmissionPolicy,
  AdmissionregistrationV1ValidatingAdmissionPolicyBinding,
} from '../../generated/types.ts'
import { StatusError } from '../../machinery/status.ts'
import type { Show } from '../forms.ts'
import type { ObjectReader } from '../objects.ts'
import type { AdmissionAttributes, AdmissionPlugin } from '../plugin.ts'
import { refusal } from '../refusal.ts'
import { Applicability } from './applicability.ts'
import { boundPolicies } from './bound-policies.ts'
import { compileValidating, type ValidatingPrograms, type ValidatingSpec } from './compile.ts'
import { ConfigurationError } from './configuration-error.ts'
import type { ParamSources } from './params.ts'
import { PolicyAnnotations } from './policy-annotations.ts'
import type { Hook } from './policy-index.ts'
import { RequestVariables } from './request.ts'
import type { Equivalents, Match } from './rules.ts'
import { StoredBinding, StoredPolicy } from './stored.ts'
import { type Denial, evaluateValidating } from './validating-evaluation.ts'

const CODES: Readonly<Record<string, number>> = { Forbidden: 403, Invalid: 422, RequestEntityTooLarge: 413 }

export interface PolicyDeps {
  readonly objects: ObjectReader
  readonly equivalents: Equivalents
  readonly params: ParamSources
  readonly show: Show
  readonly authorize: Authorize
}

type Policy = StoredPolicy<ValidatingSpec, ValidatingPrograms>

class Binding extends StoredBinding {
  readonly denies: boolean
  readonly warns: boolean
  readonly audits: boolean
  readonly actions: readonly string[]

  constructor({ metadata, spec = {} }: AdmissionregistrationV1ValidatingAdmissionPolicyBinding) {
    super(metadata, spec)
    this.denies = spec.validationActions?.includes('Deny') ?? false
    this.warns = spec.validationActions?.includes('Warn') ?? false
    this.audits = spec.validationActions?.includes('Audit') ?? false
    this.actions = spec.validationActions ?? []
  }
}

type ValidatingHook = Hook<Policy, Binding>

/**
 * Asks the policies that clients have stored.
 * https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/
 */
export function validatingAdmissionPolicy(deps: PolicyDeps): AdmissionPlugin {
  const dispatcher = new Dispatcher(deps)
  return {
    name: 'ValidatingAdmissionPolicy',
    operations: ['CREATE', 'UPDATE', 'DELETE', 'CONNECT'],
    validate: boundPolicies<Policy, Binding>({
      ...deps,
      policies: 'validatingadmissionpolicies',
      bindings: 'validatingadmissionpolicybindings',
      policy: ({ metadata, spec }: AdmissionregistrationV1ValidatingAdmissionPolicy) =>
        new StoredPolicy(metadata, spec ?? {}, compileValidating),
      binding: (object) => new Binding(object),
      dispatch: (attributes, hooks) => dispatcher.dispatch(attributes, hooks),
    }),
  }
}

/** Asks the policies that could be for a request. */
class Dispatcher {
  readonly #deps: PolicyDeps
  readonly #applicability: Applicability

  constructor(deps: PolicyDeps) {
    this.#deps = deps
    this.#applicability = new Applicability(deps)
  }

  /** @throws StatusError of the first denial */
  async dispatch(attributes: AdmissionAttributes, hooks: readonly ValidatingHook[]): Promise<void> {
    const request = new RequestVariables(attributes, this.#deps.show, this.#deps.authorize)
    let refused: StatusError | undefined
    // Warnings are given for all of them, so that the first denial doesn't end it.
    for (const { policy, bindings } of hooks) {
      const deny = (denial: Denial, binding?: Binding): void => {
        refused ??= denied(attributes, policy, denial, binding)
      }
      const annotations = attributes.audited ? new PolicyAnnotations(policy.name) : undefined
      const fits = await this.#configured(policy, undefined, deny, () => this.#applicability.fitting(policy, attributes))
      if (!fits) continue
      for (const binding of bindings) {
        const params = await this.#configured(policy, binding, deny, () =>
          this.#applicability.params(binding, attributes, fits.source),
        )
        if (!params?.length) continue
        const namespaceObject = await this.#applicability.namespaceObject(attributes)
        for (const { value: param } of params) {
          const verdict = await this.#evaluate(policy, request, fits.match, param, namespaceObject)
          const { denials, annotationErrors } = verdict
          for (const denial of denials) {
            if (binding.denies) deny(denial, binding)
            if (binding.audits) attributes.annotate(FAILURE_KEY, failure(policy, binding, denial))
            if (binding.warns) attributes.warn(warning(policy, binding, denial))
          }
          for (const error of annotationErrors) deny(error, binding)
          annotations?.add(verdict.annotations)
        }
      }
      annotations?.publish(attributes)
    }
    if (refused) throw refused
  }

  /** What can't be found out about a policy or binding refuses the request, or doesn't count, as its failure policy says. */
  async #configured<T>(
    policy: Policy,
    binding: Binding | undefined,
    deny: (denial: Denial, binding?: Binding) => void,
    find: () => Promise<T>,
  ): Promise<T | undefined> {
    try {
      return await find()
    } catch (error) {
      if (!(error instanceof ConfigurationError || error instanceof StatusError)) throw error
      const what = binding ? 'binding' : 'policy'
      if (!policy.ignoreErrors) deny({ message: `failed to configure ${what}: ${error.message}`, reason: '', index: 0 }, binding)
      return undefined
    }
  }

  async #evaluate(policy: Policy, request: RequestVariables, match: Match, params: Value, namespaceObject: Value) {
    const plain = { ...(await request.under(match)), params }
    const asking = request.withAuthorizer(plain)
    const { programs, ignoreErrors } = policy
    return request.questions.settle(() => evaluateValidating(programs, { plain, asking, namespaceObject }, ignoreErrors))
  }
}

function denied(attributes: AdmissionAttributes, policy: Policy, denial: Denial, binding: Binding | undefined): StatusError {
  const by = binding ? ` with binding '${binding.name}'` : ''
  const cause = `ValidatingAdmissionPolicy '${policy.name}'${by} denied request: ${denial.message}`
  const { message, status } = refusal(attributes, cause)
  const reason = denial.reason || 'Invalid'
  return new StatusError(CODES[reason] ?? 422, reason, message, { ...status.details, causes: [{ message: cause }] })
}

function warning(policy: Policy, binding: Binding, { message }: Denial): string {
  return `Validation failed for ValidatingAdmissionPolicy '${policy.name}' with binding '${binding.name}': ${message}`
}

const FAILURE_KEY = 'validation.policy.admission.k8s.io/validation_failure'

/** What the audit annotation says of a validation that failed where the binding only audits it, among other things. */
function failure(policy: Policy, binding: Binding, { message, index }: Denial): string {
  const value = {
    message,
    policy: policy.name,
    binding: binding.name,
    expressionIndex: index,
    validationActions: binding.actions,
  }
  return JSON.stringify([value])
}
