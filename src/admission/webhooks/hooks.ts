import type { Expression } from '../../cel/admission-programs.ts'
import type {
  AdmissionregistrationV1MatchCondition,
  AdmissionregistrationV1MutatingWebhook,
  AdmissionregistrationV1ValidatingWebhook,
  AdmissionregistrationV1WebhookClientConfig,
  MetaV1ObjectMeta,
} from '../../generated/types.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { compileWebhookConditions } from '../policies/compile.ts'
import { MatchCriteria } from '../policies/matching.ts'

export type ReviewVersion = 'v1' | 'v1beta1'

/** A webhook as it is configured, ready to be asked. */
export class Hook {
  readonly name: string
  readonly configuration: string
  /** Tells it from all others. */
  readonly key: string
  readonly criteria: MatchCriteria
  readonly client: AdmissionregistrationV1WebhookClientConfig
  readonly ignoreFailures: boolean
  readonly timeoutMs: number
  /** Whether a dry run may ask it. */
  readonly dryRun: boolean
  /** Undefined when it speaks none that we do. */
  readonly version: ReviewVersion | undefined
  /** Whether it wants to be asked again when something changes after it. */
  readonly reinvocable: boolean
  #uncompiled: readonly AdmissionregistrationV1MatchCondition[]
  #conditions: readonly Expression[] | undefined

  constructor(
    configuration: string,
    index: number,
    hook: AdmissionregistrationV1ValidatingWebhook & AdmissionregistrationV1MutatingWebhook,
  ) {
    this.name = hook.name ?? ''
    this.configuration = configuration
    this.key = `${configuration}/${index}/${this.name}`
    this.criteria = new MatchCriteria({
      resourceRules: hook.rules ?? [],
      ...(hook.matchPolicy ? { matchPolicy: hook.matchPolicy } : {}),
      ...(hook.namespaceSelector ? { namespaceSelector: hook.namespaceSelector } : {}),
      ...(hook.objectSelector ? { objectSelector: hook.objectSelector } : {}),
    })
    this.client = hook.clientConfig ?? {}
    this.ignoreFailures = hook.failurePolicy === 'Ignore'
    this.timeoutMs = (hook.timeoutSeconds ?? 10) * 1000
    this.dryRun = hook.sideEffects === 'None' || hook.sideEffects === 'NoneOnDryRun'
    this.version = hook.admissionReviewVersions?.find((version) => version === 'v1' || version === 'v1beta1') as
      | ReviewVersion
      | undefined
    this.reinvocable = hook.reinvocationPolicy === 'IfNeeded'
    this.#uncompiled = hook.matchConditions ?? []
  }

  get conditions(): readonly Expression[] {
    this.#conditions ??= compileWebhookConditions(this.#uncompiled)
    return this.#conditions
  }
}

/** The webhooks of a stored configuration. Those without rules are for no request. */
export function hooksOf(object: KubeObject): readonly Hook[] {
  const { metadata, webhooks = [] } = object as {
    metadata?: MetaV1ObjectMeta
    webhooks?: AdmissionregistrationV1ValidatingWebhook[]
  }
  return webhooks.map((hook, i) => new Hook(metadata?.name ?? '', i, hook)).filter(({ criteria }) => criteria.rules.length > 0)
}
