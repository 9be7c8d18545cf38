import type { CoreV1NamespaceCondition } from '../generated/types.ts'
import { timestamp } from '../registry/write-rules.ts'

/** What is left in a namespace that is being deleted. */
export interface Remaining {
  /** How many objects, by `resource.group`. */
  readonly resources: ReadonlyMap<string, number>
  /** How many objects, by the finalizer that they have. */
  readonly finalizers: ReadonlyMap<string, number>
  /** Why content could not be deleted. */
  readonly failures: readonly string[]
}

type State = Pick<CoreV1NamespaceCondition, 'status' | 'reason' | 'message'>

/**
 * The conditions of a namespace that is being deleted, under the reference's names, reasons and messages.
 * @param before those that the namespace has; others than these are kept
 * @param now ms since the epoch
 * @returns undefined when nothing changes
 */
export function conditionsAfter(
  before: readonly CoreV1NamespaceCondition[],
  remaining: Remaining,
  now: number,
): CoreV1NamespaceCondition[] | undefined {
  const after = [...before]
  let changed = false
  for (const [type, state] of statesOf(remaining)) {
    const at = after.findIndex((condition) => condition.type === type)
    const old = after[at]
    if (old && old.status === state.status && old.reason === state.reason && old.message === state.message) continue
    changed = true
    const lastTransitionTime = old?.status === state.status ? old?.lastTransitionTime : timestamp(now)
    const condition = { type, status: state.status, lastTransitionTime, reason: state.reason, message: state.message }
    if (old) after[at] = condition as CoreV1NamespaceCondition
    else after.push(condition as CoreV1NamespaceCondition)
  }
  return changed ? after : undefined
}

function statesOf({ resources, finalizers, failures }: Remaining): [type: string, state: State][] {
  const list = (parts: Iterable<string>): string => [...parts].sort().join(', ')
  const counted = (counts: ReadonlyMap<string, number>, words: string): string =>
    list([...counts].map(([name, count]) => `${name} ${words.replace('#', String(count))}`))
  return [
    [
      'NamespaceDeletionDiscoveryFailure',
      { status: 'False', reason: 'ResourcesDiscovered', message: 'All resources successfully discovered' },
    ],
    [
      'NamespaceDeletionGroupVersionParsingFailure',
      { status: 'False', reason: 'ParsedGroupVersions', message: 'All legacy kube types successfully parsed' },
    ],
    [
      'NamespaceDeletionContentFailure',
      failures.length > 0
        ? {
            status: 'True',
            reason: 'ContentDeletionFailed',
            message: `Failed to delete all resource types, ${failures.length} remaining: ${list(failures)}`,
          }
        : {
            status: 'False',
            reason: 'ContentDeleted',
            message: 'All content successfully deleted, may be waiting on finalization',
          },
    ],
    [
      'NamespaceContentRemaining',
      resources.size > 0
        ? {
            status: 'True',
            reason: 'SomeResourcesRemain',
            message: `Some resources are remaining: ${counted(resources, 'has # resource instances')}`,
          }
        : { status: 'False', reason: 'ContentRemoved', message: 'All content successfully removed' },
    ],
    [
      'NamespaceFinalizersRemaining',
      finalizers.size > 0
        ? {
            status: 'True',
            reason: 'SomeFinalizersRemain',
            message: `Some content in the namespace has finalizers remaining: ${counted(finalizers, 'in # resource instances')}`,
          }
        : { status: 'False', reason: 'ContentHasNoFinalizers', message: 'All content-preserving finalizers finished' },
    ],
  ]
}
