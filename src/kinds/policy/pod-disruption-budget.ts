import type { PolicyV1PodDisruptionBudget } from '../../generated/types.ts'
import { age, column } from '../../registry/columns.ts'
import { defineKind } from '../../registry/kind.ts'
import { validateBudget, validateBudgetStatus } from './pod-disruption-budget-rules.ts'

export const podDisruptionBudget = defineKind<PolicyV1PodDisruptionBudget>({
  group: 'policy',
  version: 'v1',
  kind: 'PodDisruptionBudget',
  resource: 'poddisruptionbudgets',
  shortNames: ['pdb'],
  categories: [],
  scope: 'Namespaced',
  schema: 'io.k8s.api.policy.v1.PodDisruptionBudget',
  names: 'pathSegment',
  generation: 'spec',
  // The reference requires a version for updates of budgets.
  unconditionalUpdate: false,
  validate: validateBudget,
  status: { validate: validateBudgetStatus },
  columns: [
    column('Min Available', 'The minimum number of pods that must be available.', ({ spec }) =>
      String(spec?.minAvailable ?? 'N/A'),
    ),
    column('Max Unavailable', 'The maximum number of pods that may be unavailable.', ({ spec }) =>
      String(spec?.maxUnavailable ?? 'N/A'),
    ),
    column(
      'Allowed Disruptions',
      'Calculated number of pods that may be disrupted at this time.',
      ({ status }) => status?.disruptionsAllowed ?? 0,
      { type: 'integer' },
    ),
    age,
  ],
})
