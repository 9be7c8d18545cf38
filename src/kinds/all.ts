import type { KindDefinition } from '../registry/kind.ts'
import { lease } from './coordination/lease.ts'

/** Every built-in kind. The order doesn't matter: discovery sorts as the reference does. */
export const BUILT_IN_KINDS: readonly KindDefinition[] = [
  // coordination.k8s.io
  lease,
]
