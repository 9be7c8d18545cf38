import { clone } from '../machinery/json.ts'
import { type KubeObject, metaOf } from '../machinery/object.ts'
import type { KindDefinition } from './kind.ts'
import type { RequestContext } from './request-context.ts'
import type { Change } from './store.ts'
import { timestamp } from './write-rules.ts'

export interface DeleteOptions {
  gracePeriodSeconds?: number
  preconditions?: { uid?: string; resourceVersion?: string }
  orphanDependents?: boolean
  propagationPolicy?: string
  dryRun?: string[]
  ignoreStoreReadErrorWithClusterBreakingPotential?: boolean
}

export const ORPHAN = 'orphan'
export const FOREGROUND = 'foregroundDeletion'

/**
 * What a delete does to an object: removes it, marks it as being deleted (finalizers or grace are left), or leaves it as it is.
 * See "Finalizers" and "Garbage Collection" in the API concepts.
 */
export function deletionOf(
  kind: KindDefinition,
  current: KubeObject,
  options: DeleteOptions,
  context: RequestContext,
  garbageCollection: boolean,
): Change {
  const object = clone(current)
  const meta = metaOf(object)
  if (kind.termination) return terminationOf(kind, object, current, options, context, garbageCollection)
  const grace = graceOf(kind, object, options, context)
  if (grace === 'pending') return 'keep'
  const finalizers = garbageCollection ? finalizersAfter(kind, object, options) : (meta.finalizers ?? [])
  const changed = finalizers.length !== (meta.finalizers ?? []).length || finalizers.some((f, i) => f !== meta.finalizers?.[i])
  if (finalizers.length) meta.finalizers = finalizers
  else delete meta.finalizers
  if (grace > 0) {
    mark(object, context.now, grace)
    return { store: object }
  }
  if (finalizers.length) {
    if (meta.deletionTimestamp && !changed && meta.deletionGracePeriodSeconds === 0) return 'keep'
    if (!meta.deletionTimestamp || meta.deletionGracePeriodSeconds !== 0) mark(object, context.now, 0)
    return { store: object }
  }
  if (!kind.gracePeriod || (meta.deletionTimestamp && meta.deletionGracePeriodSeconds === 0)) return { remove: current }
  // What can go gracefully is marked even if there is nothing to wait for: watchers see the mark, then the deletion.
  shorten(object, context.now)
  return context.dryRun ? { remove: object } : { store: object, again: true }
}

/** The first delete marks, later ones remove what nothing holds any more. */
function terminationOf(
  kind: KindDefinition,
  object: KubeObject,
  current: KubeObject,
  options: DeleteOptions,
  context: RequestContext,
  garbageCollection: boolean,
): Change {
  const meta = metaOf(object)
  if (!meta.deletionTimestamp) {
    const finalizers = garbageCollection ? finalizersAfter(kind, object, options) : (meta.finalizers ?? [])
    if (finalizers.length) meta.finalizers = finalizers
    meta.deletionTimestamp = timestamp(context.now)
    kind.termination?.begin(object)
    return { store: object }
  }
  return kind.termination?.held(object) || meta.finalizers?.length ? 'keep' : { remove: current }
}

/** Sets the deletion's time and grace; a marked object's time only ever moves nearer. */
function mark(object: KubeObject, now: number, graceSeconds: number): void {
  const meta = metaOf(object)
  const at = timestamp(now + graceSeconds * 1000)
  if (!meta.deletionTimestamp && meta.generation) meta.generation++
  if (!meta.deletionTimestamp || meta.deletionTimestamp > at) meta.deletionTimestamp = at
  meta.deletionGracePeriodSeconds = graceSeconds
}

/** An object that goes now: one that waited goes earlier by what was left of its grace. */
function shorten(object: KubeObject, now: number): void {
  const meta = metaOf(object)
  if (!meta.deletionTimestamp) {
    mark(object, now, 0)
    return
  }
  const left = meta.deletionGracePeriodSeconds ?? 0
  meta.deletionTimestamp = timestamp(Date.parse(meta.deletionTimestamp) - left * 1000)
  meta.deletionGracePeriodSeconds = 0
}

/** Seconds until the object goes; `pending` when an earlier delete waits already and this one doesn't shorten it. */
function graceOf(kind: KindDefinition, object: KubeObject, options: DeleteOptions, context: RequestContext): number | 'pending' {
  if (!kind.gracePeriod) return 0
  const meta = metaOf(object)
  const requested =
    options.gracePeriodSeconds === undefined ? undefined : options.gracePeriodSeconds < 0 ? 1 : options.gracePeriodSeconds
  if (meta.deletionTimestamp) {
    const left = meta.deletionGracePeriodSeconds
    if (left === 0) return 0
    if (requested === undefined || (left !== undefined && requested >= left)) return 'pending'
    return requested
  }
  return kind.gracePeriod(object, requested, context) ?? 0
}

/** The finalizers after the propagation policy has been taken into account. */
function finalizersAfter(kind: KindDefinition, object: KubeObject, options: DeleteOptions): string[] {
  const existing = metaOf(object).finalizers ?? []
  const kept = existing.filter((f) => f !== ORPHAN && f !== FOREGROUND)
  if (orphans(kind, existing, options)) kept.push(ORPHAN)
  if (foreground(existing, options)) kept.push(FOREGROUND)
  return kept.length === existing.length && kept.every((f) => existing.includes(f)) ? existing : kept
}

function orphans(kind: KindDefinition, existing: string[], options: DeleteOptions): boolean {
  if (options.orphanDependents !== undefined) return options.orphanDependents
  if (options.propagationPolicy) return options.propagationPolicy === 'Orphan'
  if (existing.includes(ORPHAN)) return true
  return kind.defaultPropagation === 'orphan'
}

function foreground(existing: string[], options: DeleteOptions): boolean {
  if (options.orphanDependents !== undefined) return false
  if (options.propagationPolicy) return options.propagationPolicy === 'Foreground'
  return existing.includes(FOREGROUND)
}
