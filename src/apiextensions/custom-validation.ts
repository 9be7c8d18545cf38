import { compileSchemaRules, skippedRules } from '../cel/schema-rules.ts'
import type { ApiextensionsV1CustomResourceSubresourceScale } from '../generated/types.ts'
import { type FieldError, invalid, invalidObject } from '../machinery/field-errors.ts'
import type { JsonObject } from '../machinery/json.ts'
import { validateEmbeddedResources } from '../machinery/json-schema/embedded-metadata.ts'
import { validateListTypes } from '../machinery/json-schema/list-types.ts'
import { type Schema, someSchema } from '../machinery/json-schema/schema.ts'
import { validateValue } from '../machinery/json-schema/values.ts'
import type { KubeObject } from '../machinery/object.ts'
import { isQualifiedName } from '../machinery/validation.ts'
import type { WriteContext } from '../registry/context.ts'
import { scaleErrors } from './scale.ts'

export interface CustomRulesInit {
  group: string
  version: string
  kind: string
  schema: Schema | undefined
  scale: ApiextensionsV1CustomResourceSubresourceScale | undefined
}

/** Those whose items can be told apart. */
const LISTS = new Set(['set', 'map'])

/** What an object of one version must be like. Metadata's own rules are checked elsewhere. */
export class CustomRules {
  readonly #init: CustomRulesInit
  readonly #expressions: ReturnType<typeof compileSchemaRules>
  /** Most schemas have nothing of either. */
  readonly #has: { embedded: boolean; lists: boolean }

  constructor(init: CustomRulesInit) {
    this.#init = init
    const { schema = {} } = init
    this.#expressions = compileSchemaRules(schema)
    this.#has = {
      embedded: someSchema(schema, (one) => one['x-kubernetes-embedded-resource'] === true),
      lists: someSchema(schema, (one) => LISTS.has(one['x-kubernetes-list-type'] ?? '')),
    }
  }

  /** Nothing else is looked at of an object that says to be something else. @throws StatusError 422 */
  checkType(object: KubeObject): void {
    const { kind, group, version } = this.#init
    const wanted = `${group}/${version}`
    const errors: FieldError[] = []
    if (object.kind !== kind) errors.push(invalid('kind', object.kind ?? '', `must be ${kind}`))
    if (object.apiVersion !== wanted) errors.push(invalid('apiVersion', object.apiVersion ?? '', `must be ${wanted}`))
    if (!errors.length) return
    const given = object.apiVersion ?? ''
    const of = { group: given.includes('/') ? given.slice(0, given.indexOf('/')) : '', kind: object.kind ?? '' }
    throw invalidObject(of, object.metadata?.name ?? '', errors)
  }

  /**
   * @param old what the object takes the place of; undefined on create
   * @param part which part a write may have changed
   */
  errors(object: KubeObject, old: KubeObject | undefined, context: WriteContext, part: 'all' | 'status' = 'all'): FieldError[] {
    const { schema, scale } = this.#init
    if (!schema) return scaleErrors(object, scale, part)
    const now = object as JsonObject
    const before = old as JsonObject | undefined
    const errors = validateValue(now, schema, '', before)
    errors.push(...scaleErrors(object, scale, part))
    if (this.#has.embedded) errors.push(...validateEmbeddedResources(now, schema, ''))
    if (this.#has.lists && !(before && validateListTypes(before, schema).length)) errors.push(...validateListTypes(now, schema))
    if (!this.#expressions) return errors
    const skipped = skippedRules(errors)
    errors.push(...(skipped ? [skipped] : this.#expressions.errors(now, before, (text) => context.warn(text))))
    return errors
  }
}

const STANDARD_FINALIZERS = new Set(['orphan', 'foregroundDeletion'])

/** Warnings about finalizers that a write adds. */
export function finalizerWarnings(object: KubeObject, old: KubeObject | undefined): string[] {
  const known = old?.metadata?.finalizers ?? []
  const added = (object.metadata?.finalizers ?? []).filter((name) => !known.includes(name))
  return [...new Set(added)].sort().flatMap((name) => {
    const at = `metadata.finalizers: ${JSON.stringify(name)}`
    const warnings = isQualifiedName(name).map((fault) => `${at}: ${fault}`)
    if (!name.includes('/') && !STANDARD_FINALIZERS.has(name)) {
      warnings.push(`${at}: prefer a domain-qualified finalizer name to avoid accidental conflicts with other finalizer writers`)
    }
    return warnings
  })
}
