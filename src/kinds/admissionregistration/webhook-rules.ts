import type {
  AdmissionregistrationV1MutatingWebhook,
  AdmissionregistrationV1MutatingWebhookConfiguration,
  AdmissionregistrationV1ValidatingWebhook,
  AdmissionregistrationV1ValidatingWebhookConfiguration,
} from '../../generated/types.ts'
import { duplicate, type FieldError, invalid, required } from '../../machinery/field-errors.ts'
import { equal } from '../../machinery/json.ts'
import { validateLabelSelector } from '../../machinery/label-validation.ts'
import { isFullyQualifiedName, isValidLabelValue } from '../../machinery/validation.ts'
import type { WriteContext } from '../../registry/context.ts'
import { knowsReviewVersion, reviewVersionErrors, webhookClientErrors } from '../webhook-client-rules.ts'
import { type Expressions, textsOf } from './expression-rules.ts'
import { FAILURE_POLICIES, MATCH_POLICIES, matchConditionErrors, oneOf, ruleErrors } from './match-rules.ts'

export type WebhookConfiguration =
  | AdmissionregistrationV1MutatingWebhookConfiguration
  | AdmissionregistrationV1ValidatingWebhookConfiguration
type Webhook = AdmissionregistrationV1MutatingWebhook & AdmissionregistrationV1ValidatingWebhook

const SIDE_EFFECTS = ['None', 'NoneOnDryRun', 'Some', 'Unknown']
const NO_SIDE_EFFECTS = ['None', 'NoneOnDryRun']
const REINVOCATION_POLICIES = ['IfNeeded', 'Never']
const MAX_TIMEOUT_SECONDS = 30

const webhooksOf = (configuration: WebhookConfiguration): readonly Webhook[] => configuration.webhooks ?? []

export function validateWebhooks(configuration: WebhookConfiguration, context: WriteContext): FieldError[] {
  return webhookListErrors(configuration, undefined, context)
}

export function validateWebhooksUpdate(
  configuration: WebhookConfiguration,
  old: WebhookConfiguration,
  context: WriteContext,
): FieldError[] {
  return webhookListErrors(configuration, old, context)
}

/** Rules that came after configurations which break them, so that those that did may go on to. */
interface Strictness extends Expressions {
  knownReviews: boolean
  uniqueNames: boolean
  noSideEffects: boolean
  labelValues: boolean
  conditions: boolean
}

function strictness(
  configuration: WebhookConfiguration,
  old: WebhookConfiguration | undefined,
  context: WriteContext,
): Strictness {
  const before = old && webhooksOf(old)
  const all = (holds: (webhook: Webhook) => boolean): boolean => before?.every(holds) ?? true
  return {
    context,
    params: false,
    stored: textsOf(old),
    knownReviews: all(({ admissionReviewVersions: versions }) => !versions?.length || knowsReviewVersion(versions)),
    uniqueNames: !before || new Set(before.map(({ name }) => name)).size === before.length,
    noSideEffects: all(({ sideEffects }) => NO_SIDE_EFFECTS.includes(sideEffects ?? '')),
    labelValues: all(({ namespaceSelector, objectSelector }) =>
      [namespaceSelector, objectSelector].every((selector) =>
        (selector?.matchExpressions ?? []).every(({ values }) =>
          (values ?? []).every((value) => !isValidLabelValue(value).length),
        ),
      ),
    ),
    conditions: !before || !sameConditions(webhooksOf(configuration), before),
  }
}

const sameConditions = (now: readonly Webhook[], before: readonly Webhook[]): boolean =>
  now.length === before.length &&
  now.every(({ name, matchConditions }, i) => name === before[i]?.name && equal(matchConditions, before[i]?.matchConditions))

function webhookListErrors(
  configuration: WebhookConfiguration,
  old: WebhookConfiguration | undefined,
  context: WriteContext,
): FieldError[] {
  const rules = strictness(configuration, old, context)
  const webhooks = webhooksOf(configuration)
  return webhooks.flatMap((webhook, i) => {
    const path = `webhooks[${i}]`
    const { name = '', admissionReviewVersions } = webhook
    const repeated = rules.uniqueNames && name !== '' && webhooks.findIndex((other) => other.name === name) < i
    return [
      ...webhookErrors(path, webhook, rules),
      ...reviewVersionErrors(
        `${path}.admissionReviewVersions`,
        admissionReviewVersions,
        'must specify one of v1, v1beta1',
        rules.knownReviews,
      ),
      ...(repeated ? [duplicate(`${path}.name`, name)] : []),
    ]
  })
}

function webhookErrors(path: string, webhook: Webhook, rules: Strictness): FieldError[] {
  const { name = '', clientConfig = {}, sideEffects, timeoutSeconds } = webhook
  const allowed = rules.noSideEffects ? NO_SIDE_EFFECTS : SIDE_EFFECTS
  const selectors = { allowInvalidValues: !rules.labelValues }
  return [
    ...isFullyQualifiedName(`${path}.name`, name),
    ...(webhook.rules ?? []).flatMap((rule, i) => ruleErrors(`${path}.rules[${i}]`, rule)),
    ...oneOf(`${path}.failurePolicy`, webhook.failurePolicy, FAILURE_POLICIES),
    ...oneOf(`${path}.matchPolicy`, webhook.matchPolicy, MATCH_POLICIES),
    ...(sideEffects === undefined
      ? [required(`${path}.sideEffects`, `must specify one of ${allowed.join(', ')}`)]
      : oneOf(`${path}.sideEffects`, sideEffects, allowed)),
    ...(timeoutSeconds !== undefined && (timeoutSeconds > MAX_TIMEOUT_SECONDS || timeoutSeconds < 1)
      ? [invalid(`${path}.timeoutSeconds`, timeoutSeconds, 'the timeout value must be between 1 and 30 seconds')]
      : []),
    ...validateLabelSelector(webhook.namespaceSelector as never, `${path}.namespaceSelector`, selectors),
    ...validateLabelSelector(webhook.objectSelector as never, `${path}.objectSelector`, selectors),
    ...oneOf(`${path}.reinvocationPolicy`, webhook.reinvocationPolicy, REINVOCATION_POLICIES),
    ...webhookClientErrors(`${path}.clientConfig`, clientConfig),
    ...(rules.conditions ? matchConditionErrors(`${path}.matchConditions`, webhook.matchConditions, rules) : []),
  ]
}
