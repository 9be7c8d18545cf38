import type { ApiextensionsV1CustomResourceSubresourceScale, AutoscalingV1Scale } from '../generated/types.ts'
import { SCALE, SCALE_COLUMNS } from '../kinds/autoscaling/scale.ts'
import { type FieldError, invalid } from '../machinery/field-errors.ts'
import { stringifyJson } from '../machinery/go-json.ts'
import { clone, isObject, type Json, type JsonObject } from '../machinery/json.ts'
import type { KubeObject } from '../machinery/object.ts'
import { put } from '../machinery/patch-values.ts'
import type { KindSpec, Subresource } from '../registry/kind.ts'

type ScalePaths = ApiextensionsV1CustomResourceSubresourceScale

const MAX_REPLICAS = 2 ** 31 - 1

/** The names in `.spec.replicas`. */
export const namesIn = (path: string): string[] => path.replace(/^\./, '').split('.')

/** The `scale` subresource of a version, and the rules that go for the whole object. */
export function customScale(paths: ScalePaths, validate: KindSpec<KubeObject>['validateUpdate']): Subresource<KubeObject> {
  const { specReplicasPath = '' } = paths
  return {
    name: 'scale',
    kind: SCALE,
    verbs: ['get', 'patch', 'update'],
    columns: SCALE_COLUMNS as Subresource<KubeObject>['columns'],
    read: (object) => scaleOf(object, paths),
    unreadable: (object) =>
      read(object, specReplicasPath) === undefined ? `the spec replicas field "${specReplicasPath}" does not exist` : undefined,
    write: (object, incoming) => {
      const { spec } = incoming as AutoscalingV1Scale
      return withReplicas(object, specReplicasPath, spec?.replicas ?? 0)
    },
    validate: (object, old, context) => validate?.(object, old, context) ?? [],
  }
}

function scaleOf(object: KubeObject, paths: ScalePaths): AutoscalingV1Scale {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata ?? {}
  const replicas = integer(read(object, paths.specReplicasPath ?? ''))
  const selector = paths.labelSelectorPath ? read(object, paths.labelSelectorPath) : undefined
  return {
    kind: SCALE.kind,
    apiVersion: `${SCALE.group}/${SCALE.version}`,
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: replicas ? { replicas } : {},
    status: {
      replicas: integer(read(object, paths.statusReplicasPath ?? '')),
      ...(typeof selector === 'string' && selector ? { selector } : {}),
    },
  }
}

const integer = (value: Json | undefined): number =>
  typeof value === 'number' || typeof value === 'bigint' ? Math.trunc(Number(value)) : 0

function read(object: KubeObject, path: string): Json | undefined {
  let at: Json | undefined = object as JsonObject
  for (const name of namesIn(path)) at = isObject(at) && Object.hasOwn(at, name) ? at[name] : undefined
  return at
}

function withReplicas(object: KubeObject, path: string, replicas: number): KubeObject {
  const next = clone(object) as JsonObject
  const names = namesIn(path)
  const last = names.pop() ?? ''
  let at = next
  for (const name of names) {
    const below = at[name]
    if (isObject(below)) at = below
    else put(at, name, (at = {}))
  }
  put(at, last, replicas)
  return next as KubeObject
}

/** What is wrong with the numbers that a Scale would show. @param part which of them a write may change */
export function scaleErrors(object: KubeObject, paths: ScalePaths | undefined, part: 'all' | 'status'): FieldError[] {
  if (!paths) return []
  const { specReplicasPath = '', statusReplicasPath = '', labelSelectorPath } = paths
  const errors = part === 'all' ? replicasErrors(object, specReplicasPath) : []
  errors.push(...replicasErrors(object, statusReplicasPath))
  const selector = labelSelectorPath ? read(object, labelSelectorPath) : undefined
  if (labelSelectorPath && selector !== undefined && typeof selector !== 'string')
    errors.push(invalid(labelSelectorPath, '', wrongType(labelSelectorPath, selector, 'string')))
  return errors
}

function replicasErrors(object: KubeObject, path: string): FieldError[] {
  const value = read(object, path)
  if (value === undefined) return []
  if ((typeof value !== 'number' || !Number.isInteger(value)) && typeof value !== 'bigint')
    return [invalid(path, 0, wrongType(path, value, 'int64'))]
  if (value < 0) return [invalid(path, value, 'should be a non-negative integer')]
  if (value > MAX_REPLICAS) return [invalid(path, value, `should be less than or equal to ${MAX_REPLICAS}`)]
  return []
}

function wrongType(path: string, value: Json, wanted: string): string {
  const text = typeof value === 'string' ? value : value === null ? '<nil>' : stringifyJson(value)
  return `.${namesIn(path).join('.')} accessor error: ${text} is of the type ${goType(value)}, expected ${wanted}`
}

function goType(value: Json): string {
  if (value === null) return '<nil>'
  if (typeof value === 'boolean') return 'bool'
  if (typeof value === 'number') return Number.isInteger(value) ? 'int64' : 'float64'
  if (typeof value === 'bigint') return 'int64'
  if (typeof value === 'string') return 'string'
  return Array.isArray(value) ? '[]interface {}' : 'map[string]interface {}'
}
