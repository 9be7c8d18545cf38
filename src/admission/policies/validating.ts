import type { Authorize } from '../../cel/asking.ts'
import { fromJson } from '../../cel/json-values.ts'
import type { Value } from '../../cel/values.ts'
import type {
  AdmissionregistrationV1ParamKind,
  AdmissionregistrationV1ParamRef,
  AdmissionregistrationV1ValidatingAdmissionPolicy,
  AdmissionregistrationV1ValidatingAdmissionPolicyBinding,
} from '../../generated/types.ts'
import { StatusError } from '../../machinery/status.ts'
import type { Facts, ObjectReader } from '../objects.ts'
import type { AdmissionAttributes, AdmissionPlugin } from '../plugin.ts'
import { refusal } from '../refusal.ts'
import { compileValidating, type ValidatingPrograms } from './compile.ts'
import { ConfigurationError } from './configuration-error.ts'
import { isBeyondPolicies } from './exclusions.ts'
import { MatchCriteria, type MatchDeps } from './matching.ts'
import { Namespaces } from './namespaces.ts'
import { type ParamSource, type ParamSources, Params } from './params.ts'
import { type Hook, PolicyIndex } from './policy-index.ts'
import { RequestVariables, type Show } from './request.ts'
import { type Equivalents, type Match, namespaceOf } from './rules.ts'
import { type Denial, evaluateValidating } from './validating-evaluation.ts'

const GROUP = 'admissionregistration.k8s.io'
const CODES: Readonly<Record<string, number>> = { Forbidden: 403, Invalid: 422, RequestEntityTooLarge: 413 }

export interface PolicyDeps {
  readonly objects: ObjectReader
  readonly equivalents: Equivalents
  readonly params: ParamSources
  readonly show: Show
  readonly authorize: Authorize
}

/** A stored policy. Its expressions are compiled when they are first needed. */
class Policy {
  readonly name: string
  readonly criteria: MatchCriteria
  readonly ignoreErrors: boolean
  readonly paramKind: AdmissionregistrationV1ParamKind | undefined
  #spec: AdmissionregistrationV1ValidatingAdmissionPolicy['spec']
  #programs: ValidatingPrograms | undefined

  constructor({ metadata, spec = {} }: AdmissionregistrationV1ValidatingAdmissionPolicy) {
    this.name = metadata?.name ?? ''
    this.criteria = new MatchCriteria(spec.matchConstraints)
    this.ignoreErrors = spec.failurePolicy === 'Ignore'
    this.paramKind = spec.paramKind
    this.#spec = spec
  }

  get programs(): ValidatingPrograms {
    if (!this.#programs) {
      this.#programs = compileValidating(this.#spec ?? {})
      this.#spec = undefined
    }
    return this.#programs
  }
}

class Binding {
  readonly name: string
  readonly policyName: string
  /** Undefined when it adds nothing to the policy's. */
  readonly criteria: MatchCriteria | undefined
  readonly paramRef: AdmissionregistrationV1ParamRef | undefined
  readonly denies: boolean
  readonly warns: boolean

  constructor({ metadata, spec = {} }: AdmissionregistrationV1ValidatingAdmissionPolicyBinding) {
    this.name = metadata?.name ?? ''
    this.policyName = spec.policyName ?? ''
    this.criteria = spec.matchResources && new MatchCriteria(spec.matchResources)
    this.paramRef = spec.paramRef
    this.denies = spec.validationActions?.includes('Deny') ?? false
    this.warns = spec.validationActions?.includes('Warn') ?? false
  }
}

type ValidatingHook = Hook<Policy, Binding>

/**
 * Asks the policies that clients have stored.
 * https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/
 */
export function validatingAdmissionPolicy(deps: PolicyDeps): AdmissionPlugin {
  const policies: Facts<Policy> = deps.objects.facts(
    { group: GROUP, resource: 'validatingadmissionpolicies' },
    (object) => new Policy(object),
  )
  const bindings: Facts<Binding> = deps.objects.facts(
    { group: GROUP, resource: 'validatingadmissionpolicybindings' },
    (object) => new Binding(object),
  )
  const dispatcher = new Dispatcher(deps)
  let index: PolicyIndex<Policy, Binding> | undefined
  const ask = (attributes: AdmissionAttributes, known: readonly Policy[], bound: readonly Binding[]): void | Promise<void> => {
    if (bound.length === 0 || isBeyondPolicies(attributes.resource)) return
    if (index?.policies !== known || index.bindings !== bound) index = new PolicyIndex(known, bound, deps.equivalents)
    const hooks = index.hooksFor(attributes.resource)
    if (hooks.length) return dispatcher.dispatch(attributes, hooks)
  }
  return {
    name: 'ValidatingAdmissionPolicy',
    operations: ['CREATE', 'UPDATE', 'DELETE', 'CONNECT'],
    validate(attributes) {
      const bound = bindings.all()
      if (!(bound instanceof Promise) && bound.length === 0) return
      const known = policies.all()
      if (bound instanceof Promise || known instanceof Promise)
        return Promise.all([known, bound]).then(([k, b]) => ask(attributes, k, b))
      return ask(attributes, known, bound)
    },
  }
}

/** Asks the policies that could be for a request. */
class Dispatcher {
  readonly #deps: PolicyDeps
  readonly #matching: MatchDeps
  readonly #params: Params

  constructor(deps: PolicyDeps) {
    this.#deps = deps
    this.#matching = { namespaces: new Namespaces(deps.objects), equivalents: deps.equivalents }
    this.#params = new Params(deps.objects, deps.params)
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
      const fits = await this.#configured(policy, undefined, deny, async () => {
        const match = await policy.criteria.match(attributes, this.#matching)
        return match && { match, source: policy.paramKind && this.#params.source(policy.paramKind) }
      })
      if (!fits) continue
      for (const binding of bindings) {
        const params = await this.#configured(policy, binding, deny, () => this.#paramsOf(binding, attributes, fits.source))
        if (!params?.length) continue
        const namespaceObject = await this.#namespaceObject(attributes)
        for (const param of params) {
          const { denials, annotationErrors } = await this.#evaluate(policy, request, fits.match, param, namespaceObject)
          for (const denial of denials) {
            if (binding.denies) deny(denial, binding)
            if (binding.warns) attributes.warn(warning(policy, binding, denial))
          }
          for (const error of annotationErrors) deny(error, binding)
        }
      }
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
      if (!policy.ignoreErrors) deny({ message: `failed to configure ${what}: ${error.message}`, reason: '' }, binding)
      return undefined
    }
  }

  /** Each set of parameters asks the policy once; undefined when the binding isn't for the request. */
  async #paramsOf(
    { criteria, paramRef }: Binding,
    attributes: AdmissionAttributes,
    source: ParamSource | undefined,
  ): Promise<readonly Value[] | undefined> {
    if (criteria && !(await criteria.match(attributes, this.#matching))) return undefined
    if (!source || !paramRef) return [null]
    return (await this.#params.collect(source, paramRef, namespaceOf(attributes))).map((param) => fromJson(param))
  }

  async #namespaceObject(attributes: AdmissionAttributes): Promise<Value> {
    const { namespace, kind } = attributes
    if (!namespace || (kind.kind === 'Namespace' && kind.group === '')) return null
    return (await this.#matching.namespaces.find(namespace))?.value ?? null
  }

  #evaluate(policy: Policy, request: RequestVariables, match: Match, params: Value, namespaceObject: Value) {
    const plain = { ...request.under(match), params }
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
