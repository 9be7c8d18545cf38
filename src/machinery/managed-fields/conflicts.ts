import { quote } from '../field-errors.ts'
import { StatusError } from '../status.ts'
import { type ManagedFieldsEntry, ownerKey } from './entries.ts'
import { printPaths } from './fields.ts'
import type { Conflict } from './update.ts'

/** One field that somebody else owns, and who. */
export interface FieldConflict {
  entry: ManagedFieldsEntry
  path: string
}

/** By owner, in the order in which messages name them. */
export function conflictsIn(found: readonly Conflict[]): FieldConflict[] {
  return found
    .toSorted((a, b) => (ownerKey(a.entry) < ownerKey(b.entry) ? -1 : 1))
    .flatMap(({ entry, fields }) => printPaths(fields).map((path) => ({ entry, path })))
}

/** `"manager" with subresource "status" using apps/v1`; only those that update are named with their version. */
function printOwner({ manager = '', subresource, operation, apiVersion = '' }: ManagedFieldsEntry): string {
  const name = subresource ? `${quote(manager)} with subresource ${quote(subresource)}` : quote(manager)
  return operation === 'Update' ? `${name} using ${apiVersion}` : name
}

/** The 409 that lists them all. */
export function asConflicts(conflicts: readonly FieldConflict[]): StatusError {
  const causes = conflicts.map(({ entry, path }) => ({
    reason: 'FieldManagerConflict',
    message: `conflict with ${printOwner(entry)}`,
    field: path,
  }))
  return new StatusError(409, 'Conflict', message(conflicts), { causes })
}

function message(conflicts: readonly FieldConflict[]): string {
  const [first] = conflicts
  if (first && conflicts.length === 1)
    return `Apply failed with 1 conflict: conflict with ${printOwner(first.entry)}: ${first.path}`
  const lines: string[] = []
  let entry: ManagedFieldsEntry | undefined
  for (const conflict of conflicts) {
    if (conflict.entry !== entry) lines.push(`conflicts with ${printOwner(conflict.entry)}:`)
    entry = conflict.entry
    lines.push(`- ${conflict.path}`)
  }
  return `Apply failed with ${conflicts.length} conflicts: ${lines.join('\n')}`
}
