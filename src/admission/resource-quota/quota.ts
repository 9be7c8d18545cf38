import type { CoreV1ResourceQuota } from '../../generated/types.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { type Amounts, amountsOf, listOf } from './amounts.ts'

export interface ScopeSelector {
  readonly scope: string
  readonly operator: string
  readonly values: readonly string[]
}

/** What a quota says. What counts as its limits is what its controller has taken over into the status. */
export interface Quota {
  readonly name: string
  readonly scopes: readonly ScopeSelector[]
  readonly hard: Amounts
  readonly used: Amounts
}

export function quotaOf({ metadata, spec, status }: CoreV1ResourceQuota): Quota {
  const scopes = (spec?.scopes ?? []).map((scope) => ({ scope, operator: 'Exists', values: [] }))
  const selected = (spec?.scopeSelector?.matchExpressions ?? []).map(({ scopeName = '', operator = '', values = [] }) => ({
    scope: scopeName,
    operator,
    values,
  }))
  return {
    name: metadata?.name ?? '',
    scopes: [...scopes, ...selected],
    hard: amountsOf(status?.hard),
    used: amountsOf(status?.used),
  }
}

/** The object with other usage in its status. */
export function withUsed(object: KubeObject, used: Amounts): KubeObject {
  const status = { ...(object as CoreV1ResourceQuota).status, used: listOf(used) }
  return { ...object, status } as KubeObject
}

/** Whether what an object has (if anything) is selected. */
export function selects({ operator, values }: ScopeSelector, value: string | undefined): boolean {
  if (operator === 'In') return value !== undefined && values.includes(value)
  if (operator === 'NotIn') return value === undefined || !values.includes(value)
  return operator === 'Exists' ? value !== undefined : value === undefined
}
