import type {
  AdmissionregistrationV1MatchResources,
  AdmissionregistrationV1ParamKind,
  AdmissionregistrationV1ParamRef,
  MetaV1ObjectMeta,
} from '../../generated/types.ts'
import { MatchCriteria } from './matching.ts'

interface PolicySpec {
  failurePolicy?: string
  matchConstraints?: AdmissionregistrationV1MatchResources
  paramKind?: AdmissionregistrationV1ParamKind
}

/** A stored policy. Its expressions are compiled when they are first needed. */
export class StoredPolicy<Spec extends PolicySpec, Programs> {
  readonly name: string
  readonly criteria: MatchCriteria
  readonly ignoreErrors: boolean
  readonly paramKind: AdmissionregistrationV1ParamKind | undefined
  readonly #compile: (spec: Spec) => Programs
  #spec: Spec | undefined
  #programs: Programs | undefined

  constructor(metadata: MetaV1ObjectMeta | undefined, spec: Spec, compile: (spec: Spec) => Programs) {
    this.name = metadata?.name ?? ''
    this.criteria = new MatchCriteria(spec.matchConstraints)
    this.ignoreErrors = spec.failurePolicy === 'Ignore'
    this.paramKind = spec.paramKind
    this.#spec = spec
    this.#compile = compile
  }

  get programs(): Programs {
    if (this.#programs === undefined) {
      this.#programs = this.#compile(this.#spec as Spec)
      this.#spec = undefined
    }
    return this.#programs
  }
}

interface BindingSpec {
  policyName?: string
  matchResources?: AdmissionregistrationV1MatchResources
  paramRef?: AdmissionregistrationV1ParamRef
}

/** What puts a policy to use. */
export class StoredBinding {
  readonly name: string
  readonly policyName: string
  /** Undefined when it adds nothing to the policy's. */
  readonly criteria: MatchCriteria | undefined
  readonly paramRef: AdmissionregistrationV1ParamRef | undefined

  constructor(metadata: MetaV1ObjectMeta | undefined, spec: BindingSpec) {
    this.name = metadata?.name ?? ''
    this.policyName = spec.policyName ?? ''
    this.criteria = spec.matchResources && new MatchCriteria(spec.matchResources)
    this.paramRef = spec.paramRef
  }
}
