import type { MetaV1ObjectMeta } from '../generated/types.ts'
import type { FieldError } from '../machinery/field-errors.ts'
import { invalidObject } from '../machinery/field-errors.ts'
import { equal, type JsonObject } from '../machinery/json.ts'
import {
  type NameValidator,
  nameIsDns1035Label,
  nameIsDnsLabel,
  nameIsDnsSubdomain,
  pathSegmentName,
  validateObjectMeta,
  validateObjectMetaUpdate,
} from '../machinery/metadata-validation.ts'
import { type KubeObject, metaOf } from '../machinery/object.ts'
import type { WriteContext } from './context.ts'
import type { KindDefinition } from './kind.ts'

const NAME_VALIDATORS: Record<string, NameValidator> = {
  subdomain: nameIsDnsSubdomain,
  label: nameIsDnsLabel,
  label1035: nameIsDns1035Label,
  pathSegment: pathSegmentName,
}

function nameValidator({ names = 'subdomain' }: KindDefinition): NameValidator {
  return typeof names === 'function' ? names : (NAME_VALIDATORS[names] as NameValidator)
}

let lastSecond = Number.NaN
let lastTimestamp = ''

/** RFC 3339 with seconds, as metadata times are written. Most of what is written in one second asks for the same. */
export function timestamp(ms: number): string {
  const second = Math.floor(ms / 1000)
  if (second !== lastSecond) {
    lastTimestamp = `${new Date(ms).toISOString().slice(0, 19)}Z`
    lastSecond = second
  }
  return lastTimestamp
}

/** Characters of generated names: no vowels and nothing easily misread, so that no words come out. */
const NAME_ALPHABET = 'bcdfghjklmnpqrstvwxz2456789'
const MAX_GENERATED_BASE = 58

/** `base` with five random characters; a long base is cut so that the name stays within 63. */
export function generatedName(base: string, random: (max: number) => number): string {
  let suffix = ''
  for (let i = 0; i < 5; i++) suffix += NAME_ALPHABET[random(NAME_ALPHABET.length)]
  return base.slice(0, MAX_GENERATED_BASE) + suffix
}

/** Metadata in the order of the Go struct, so that the encoded object has it so. */
export function orderedMeta(meta: MetaV1ObjectMeta): MetaV1ObjectMeta {
  const out: MetaV1ObjectMeta = {}
  if (meta.name) out.name = meta.name
  if (meta.generateName) out.generateName = meta.generateName
  if (meta.namespace) out.namespace = meta.namespace
  if (meta.uid) out.uid = meta.uid
  if (meta.resourceVersion) out.resourceVersion = meta.resourceVersion
  if (meta.generation) out.generation = meta.generation
  if (meta.creationTimestamp) out.creationTimestamp = meta.creationTimestamp
  if (meta.deletionTimestamp) out.deletionTimestamp = meta.deletionTimestamp
  if (meta.deletionGracePeriodSeconds !== undefined) out.deletionGracePeriodSeconds = meta.deletionGracePeriodSeconds
  if (meta.labels && Object.keys(meta.labels).length) out.labels = meta.labels
  if (meta.annotations && Object.keys(meta.annotations).length) out.annotations = meta.annotations
  if (meta.ownerReferences?.length) out.ownerReferences = meta.ownerReferences
  if (meta.finalizers?.length) out.finalizers = meta.finalizers
  if (meta.managedFields?.length) out.managedFields = meta.managedFields
  return out
}

/** The object in the form that is stored and sent: kind, apiVersion and metadata first. */
export function ordered(object: KubeObject): KubeObject {
  const { kind, apiVersion, metadata, ...rest } = object
  return { kind, apiVersion, metadata: orderedMeta(metadata ?? {}), ...rest } as KubeObject
}

/**
 * What the generic part of creation sets: identity, times, generation, an empty status. Then the kind's own preparation and its
 * validation, together with the metadata's.
 * @param emptyStatus what an absent status decodes to
 * @throws StatusError 422
 */
export function beforeCreate(
  kind: KindDefinition,
  object: KubeObject,
  context: WriteContext,
  identity: { uid: string },
  emptyStatus: () => unknown,
): void {
  const meta = metaOf(object)
  delete meta.deletionTimestamp
  delete meta.deletionGracePeriodSeconds
  delete meta.selfLink
  const keepsGeneration = !kind.generation || kind.generation === 'none'
  if (!keepsGeneration) meta.generation = 1
  if (kind.hasStatus && !(typeof kind.status === 'object' && kind.status.setOnCreate))
    (object as JsonObject).status = emptyStatus() as JsonObject
  meta.uid = identity.uid
  meta.creationTimestamp = timestamp(context.now)
  kind.prepareForCreate?.(object, context)
  const errors = validateObjectMeta(meta as JsonObject, {
    namespaced: kind.scope === 'Namespaced',
    nameValidator: nameValidator(kind),
    anyFinalizer: kind.custom !== undefined,
  })
  if (kind.validate) errors.push(...kind.validate(object, context))
  refuse(kind, meta.name ?? '', errors)
  for (const text of kind.warnings?.(object, undefined, context) ?? []) context.warn(text)
}

/**
 * What the generic part of an update keeps from the stored object. `subresource` tells which hooks apply.
 * @throws StatusError 422
 */
export function beforeUpdate(kind: KindDefinition, object: KubeObject, old: KubeObject, context: WriteContext): void {
  const meta = metaOf(object)
  const before = metaOf(old)
  keepSystemMetadata(meta, before)
  if (kind.hasStatus) keepStatus(object, old)
  kind.prepareForUpdate?.(object, old, context)
  if (generationCounts(kind, object, old)) meta.generation = (before.generation ?? 0) + 1
  const errors = updateMetaErrors(kind, meta, before)
  if (kind.validateUpdate) errors.push(...kind.validateUpdate(object, old, context))
  else if (kind.validate) errors.push(...kind.validate(object, context))
  refuse(kind, meta.name ?? '', errors)
  for (const text of kind.warnings?.(object, old, context) ?? []) context.warn(text)
}

/** An update of the status subresource: everything but status and some metadata comes from the stored object. */
export function beforeStatusUpdate(kind: KindDefinition, object: KubeObject, old: KubeObject, context: WriteContext): KubeObject {
  const meta = metaOf(object)
  const before = metaOf(old)
  keepSystemMetadata(meta, before)
  const next = { ...old, metadata: meta, status: (object as JsonObject).status } as KubeObject
  const strategy = typeof kind.status === 'object' ? kind.status : undefined
  strategy?.prepare?.(next, old, context)
  const errors = updateMetaErrors(kind, metaOf(next), before)
  if (strategy?.validate) errors.push(...strategy.validate(next, old, context))
  refuse(kind, before.name ?? '', errors)
  return next
}

/**
 * What is wrong with the metadata of an update. The reference checks the same things in its common part and again in the kind's own
 * validation, and tells of each as often; that only matters when there is something to tell.
 */
export function updateMetaErrors(kind: KindDefinition, meta: MetaV1ObjectMeta, before: MetaV1ObjectMeta): FieldError[] {
  const rules = {
    namespaced: kind.scope === 'Namespaced',
    nameValidator: nameValidator(kind),
    anyFinalizer: kind.custom !== undefined,
  }
  const now = meta as JsonObject
  const changed = validateObjectMetaUpdate(now, before as JsonObject, 'metadata', true)
  const own = validateObjectMeta(now, rules)
  if (changed.length === 0 && own.length === 0) return []
  const common = validateObjectMeta(now, { ...rules, nameValidator: pathSegmentName, anyFinalizer: true })
  const again = validateObjectMetaUpdate(now, before as JsonObject, 'metadata', rules.anyFinalizer)
  return [...common, ...changed, ...again, ...(kind.updateSkipsMetadata ? [] : own)]
}

export function refuse(kind: KindDefinition, name: string, errors: readonly FieldError[]): void {
  if (errors.length) throw invalidObject({ group: kind.group, kind: kind.kind }, name, errors)
}

export function keepSystemMetadata(meta: MetaV1ObjectMeta, before: MetaV1ObjectMeta): void {
  if (before.generation === undefined) delete meta.generation
  else meta.generation = before.generation
  if (!meta.uid) meta.uid = before.uid
  if (before.creationTimestamp) meta.creationTimestamp = before.creationTimestamp
  if (before.deletionTimestamp) meta.deletionTimestamp = before.deletionTimestamp
  if (before.deletionGracePeriodSeconds !== undefined) meta.deletionGracePeriodSeconds ??= before.deletionGracePeriodSeconds
  delete meta.selfLink
}

function keepStatus(object: KubeObject, old: KubeObject): void {
  const status = (old as JsonObject).status
  if (status === undefined) delete (object as JsonObject).status
  else (object as JsonObject).status = status
}

function generationCounts(kind: KindDefinition, object: KubeObject, old: KubeObject): boolean {
  const rule = kind.generation
  if (!rule || rule === 'none') return false
  if (typeof rule === 'function') return rule(object, old)
  if (!equal((object as JsonObject).spec, (old as JsonObject).spec)) return true
  return rule === 'annotations' && !equal(object.metadata?.annotations ?? {}, old.metadata?.annotations ?? {})
}
