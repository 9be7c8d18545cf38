import type {
  AdmissionregistrationV1MatchResources,
  AdmissionregistrationV1MutatingWebhook,
  AdmissionregistrationV1ParamKind,
  AdmissionregistrationV1RuleWithOperations,
  AdmissionregistrationV1ValidatingWebhook,
  MetaV1LabelSelector,
} from '../../generated/types.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { age, type Column, column } from '../../registry/columns.ts'

/** What API groups that configure admission share. */
export const ADMISSION_GROUP = {
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  scope: 'Cluster',
  categories: ['api-extensions'],
  unconditionalUpdate: false,
} as const

function defaultScopes(rules: readonly AdmissionregistrationV1RuleWithOperations[] | undefined): void {
  for (const rule of rules ?? []) rule.scope ??= '*'
}

export function defaultMatchResources(match: AdmissionregistrationV1MatchResources | undefined): void {
  if (!match) return
  match.matchPolicy ??= 'Equivalent'
  match.namespaceSelector ??= {}
  match.objectSelector ??= {}
  defaultScopes(match.resourceRules)
  defaultScopes(match.excludeResourceRules)
}

export function defaultWebhook(webhook: AdmissionregistrationV1MutatingWebhook | AdmissionregistrationV1ValidatingWebhook): void {
  webhook.failurePolicy ??= 'Fail'
  webhook.matchPolicy ??= 'Equivalent'
  webhook.namespaceSelector ??= {}
  webhook.objectSelector ??= {}
  webhook.timeoutSeconds ??= 10
  if (webhook.clientConfig?.service) webhook.clientConfig.service.port ??= 443
  defaultScopes(webhook.rules)
}

interface Parameters {
  paramRef?: { name?: string; namespace?: string; selector?: MetaV1LabelSelector }
}

/** What the ParamRef column of bindings shows: `ns/name`, with `*` for an unknown namespace, a selector as Go prints it, or `<unset>`. */
export function paramRefCell(binding: KubeObject & { spec?: Parameters }): string {
  const ref = binding.spec?.paramRef
  if (ref?.name) return `${ref.namespace || '*'}/${ref.name}`
  return ref?.selector ? goSelector(ref.selector) : '<unset>'
}

function goSelector(selector: MetaV1LabelSelector): string {
  const labels = Object.entries(selector.matchLabels ?? {}).map(([key, value]) => `${key}: ${value},`)
  const expressions = (selector.matchExpressions ?? []).map(
    ({ key, operator, values }) =>
      `LabelSelectorRequirement{Key:${key},Operator:${operator},Values:[${(values ?? []).join(' ')}],},`,
  )
  return `&LabelSelector{MatchLabels:map[string]string{${labels.join('')}},MatchExpressions:[]LabelSelectorRequirement{${expressions.join('')}},}`
}

/** What the ParamKind column of policies shows. */
export function paramKindCell(policy: KubeObject & { spec?: { paramKind?: AdmissionregistrationV1ParamKind } }): string {
  const kind = policy.spec?.paramKind
  return kind ? `${kind.apiVersion ?? ''}/${kind.kind ?? ''}` : '<unset>'
}

/** The columns of both kinds of policy bindings. */
export const bindingColumns: readonly Column<KubeObject & { spec?: Parameters & { policyName?: string } }>[] = [
  column(
    'PolicyName',
    'PolicyName indicates the policy definition which the policy binding binded to',
    (binding) => binding.spec?.policyName ?? '',
  ),
  column('ParamRef', 'ParamRef indicates the param resource which sets the configuration param', paramRefCell),
  age,
]

/** The columns of both kinds of webhook configurations. */
export const webhookColumns: readonly Column<KubeObject & { webhooks?: readonly unknown[] }>[] = [
  column(
    'Webhooks',
    'Webhooks indicates the number of webhooks registered in this configuration',
    (configuration) => configuration.webhooks?.length ?? 0,
    { type: 'integer' },
  ),
  age,
]

export const PARAM_KIND_COLUMN = 'ParamKind specifies the kind of resources used to parameterize this policy'
