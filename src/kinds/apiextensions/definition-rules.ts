import type {
  ApiextensionsV1CustomResourceDefinition,
  ApiextensionsV1CustomResourceDefinitionNames,
  ApiextensionsV1CustomResourceDefinitionSpec,
} from '../../generated/types.ts'
import { type FieldError, invalid, notSupported, required } from '../../machinery/field-errors.ts'
import { isDns1035Label, isDns1123Subdomain } from '../../machinery/validation.ts'
import type { WriteContext } from '../../registry/context.ts'
import { immutable, printed } from '../core/rules.ts'
import { approvalErrors } from './approval-rules.ts'
import { conversionErrors, mayHaveBadCaBundle, requiresKnownReviews } from './conversion-rules.ts'
import { hasStatus, type InternalSpec, internalSpec } from './internal-spec.ts'
import { STRICT, type Strictness, schemaStrictness } from './schema-strictness.ts'
import { type SchemaRules, schemaErrors } from './schema-validation.ts'
import { storedRules } from './stored-rules.ts'
import { columnErrors, deprecationErrors, selectableFieldErrors, subresourceErrors } from './version-rules.ts'

type Definition = ApiextensionsV1CustomResourceDefinition

const VERSION = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionVersion'
const SCOPES = ['Cluster', 'Namespaced']

/** The rules of a new definition; metadata's own are checked before. */
export function validateDefinition(object: Definition, context: WriteContext): FieldError[] {
  const rules: Strictness = { ...STRICT, badCaBundle: true }
  return [
    ...nameErrors(object),
    ...specErrors(internalSpec(object), undefined, rules, context),
    ...statusErrors(object),
    ...storedVersionErrors(object),
    ...approvalErrors(object, undefined),
    ...unknownFieldErrors(object, undefined),
  ]
}

/** What is stored already may stay as it is, however rules became stricter since. */
export function validateDefinitionUpdate(object: Definition, old: Definition, context: WriteContext): FieldError[] {
  const before = internalSpec(old)
  const rules: Strictness = {
    ...schemaStrictness(before),
    knownReviews: requiresKnownReviews(before.spec.conversion),
    badCaBundle: mayHaveBadCaBundle(old),
  }
  const spec = object.spec ?? {}
  return [
    ...specErrors(internalSpec(object), before, rules, context),
    ...(isEstablished(old) ? keptErrors(spec, before.spec) : []),
    ...immutable('spec.group', spec.group ?? '', before.spec.group ?? ''),
    ...immutable('spec.names.plural', spec.names?.plural ?? '', before.spec.names?.plural ?? ''),
    ...statusErrors(object),
    ...storedVersionErrors(object),
    ...approvalErrors(object, old),
    ...unknownFieldErrors(object, old),
  ]
}

export function isEstablished({ status }: Definition): boolean {
  return status?.conditions?.some(({ type, status: is }) => type === 'Established' && is === 'True') ?? false
}

/** The name tells which resource is defined. */
function nameErrors({ metadata = {}, spec = {} }: Definition): FieldError[] {
  const wanted = `${spec.names?.plural ?? ''}.${spec.group ?? ''}`
  return (['generateName', 'name'] as const).flatMap((field) => {
    const name = metadata[field] ?? ''
    return name === '' || name === wanted ? [] : [invalid(`metadata.${field}`, name, 'must be spec.names.plural+"."+spec.group')]
  })
}

/** Where objects are stored depends on these. */
function keptErrors(
  spec: ApiextensionsV1CustomResourceDefinitionSpec,
  old: ApiextensionsV1CustomResourceDefinitionSpec,
): FieldError[] {
  return [
    ...immutable('spec.scope', spec.scope ?? '', old.scope ?? ''),
    ...immutable('spec.names.kind', spec.names?.kind ?? '', old.names?.kind ?? ''),
  ]
}

function specErrors(
  internal: InternalSpec,
  old: InternalSpec | undefined,
  rules: Strictness,
  context: WriteContext,
): FieldError[] {
  const { spec, shared } = internal
  const { names = {} } = spec
  const anyStatus = hasStatus(shared.subresources) || internal.versions.some(({ subresources }) => hasStatus(subresources))
  const stored = storedRules(internal, old)
  const structural = rules.structural || !spec.preserveUnknownFields
  const rulesOf = (version: string): SchemaRules => ({ ...rules, structural, context, stored: stored(version) })
  return [
    ...groupErrors(spec.group ?? ''),
    ...scopeErrors(spec.scope ?? ''),
    ...missingSchemas(internal, rules),
    ...versionErrors(internal, rulesOf),
    ...versionListErrors(internal, context),
    ...(['plural', 'singular', 'kind', 'listKind'] as const).flatMap((name) =>
      names[name] ? [] : [required(`spec.names.${name}`)],
    ),
    ...namesErrors('spec.names', names),
    ...schemaErrors('spec.validation', shared.schema, anyStatus, rulesOf(internal.versions[0]?.name ?? '')),
    ...subresourceErrors('spec.subresources', shared.subresources),
    ...(shared.additionalPrinterColumns ?? []).flatMap((column, i) =>
      columnErrors(`spec.additionalPrinterColumns[${i}]`, column),
    ),
    ...selectableFieldErrors('spec', shared, 'may only be set when validations.schema is included'),
    ...conversionErrors(spec, rules),
  ]
}

function groupErrors(group: string): FieldError[] {
  if (group === '') return [required('spec.group')]
  const faults = isDns1123Subdomain(group)
  if (faults.length) return [invalid('spec.group', group, faults.join(','))]
  return group.includes('.') ? [] : [invalid('spec.group', group, 'should be a domain with at least one dot')]
}

function scopeErrors(scope: string): FieldError[] {
  if (scope === '') return [required('spec.scope')]
  return SCOPES.includes(scope) ? [] : [notSupported('spec.scope', scope, SCOPES)]
}

function missingSchemas({ spec, shared, versions }: InternalSpec, rules: Strictness): FieldError[] {
  if (shared.schema?.openAPIV3Schema) return []
  return versions.flatMap(({ schema, served }, i) => {
    if (schema?.openAPIV3Schema) return []
    const field = `spec.versions[${i}].schema.openAPIV3Schema`
    if (rules.schemas) return [required(field)]
    return served && !spec.preserveUnknownFields ? [required(field, 'because otherwise all fields are pruned')] : []
  })
}

function versionErrors({ shared, versions }: InternalSpec, rulesOf: (version: string) => SchemaRules): FieldError[] {
  const own = versions.some(({ subresources }) => subresources !== undefined)
  return versions.flatMap((version, i) => {
    const field = `spec.versions[${i}]`
    const { name = '', subresources } = version
    const faults = isDns1035Label(name)
    return [
      ...(faults.length ? [invalid(`${field}.name`, name, faults.join(','))] : []),
      ...deprecationErrors(`${field}.deprecationWarning`, version),
      ...schemaErrors(`${field}.schema`, version.schema, hasStatus(own ? subresources : shared.subresources), rulesOf(name)),
      ...subresourceErrors(`${field}.subresources`, subresources),
      ...(version.additionalPrinterColumns ?? []).flatMap((column, j) =>
        columnErrors(`${field}.additionalPrinterColumns[${j}]`, column),
      ),
      ...selectableFieldErrors(field, version, 'may only be set when version.schema.openAPIV3Schema is not included'),
    ]
  })
}

function versionListErrors({ spec, versions }: InternalSpec, context: WriteContext): FieldError[] {
  const value = spec.versions ? versions.map((version) => printed(version, VERSION, context)) : null
  const errors: FieldError[] = []
  if (new Set(versions.map(({ name }) => name ?? '')).size < versions.length) {
    errors.push(invalid('spec.versions', value, 'must contain unique version names'))
  }
  if (versions.filter(({ storage }) => storage).length !== 1) {
    errors.push(invalid('spec.versions', value, 'must have exactly one version marked as storage version'))
  }
  const [first] = versions
  if (first?.name) {
    const faults = isDns1035Label(first.name)
    if (faults.length) errors.push(invalid('spec.version', first.name, faults.join(',')))
  }
  return errors
}

/** What names are like, in the spec and, as accepted, in the status. */
function namesErrors(path: string, names: ApiextensionsV1CustomResourceDefinitionNames): FieldError[] {
  const { plural = '', singular = '', kind = '', listKind = '', shortNames, categories } = names
  const label = (field: string, value: string): FieldError[] => {
    const faults = isDns1035Label(value)
    return faults.length ? [invalid(`${path}.${field}`, value, faults.join(','))] : []
  }
  const mixedCase = (field: string, value: string): FieldError[] => {
    const faults = value === '' ? [] : isDns1035Label(value.toLowerCase())
    if (!faults.length) return []
    return [invalid(`${path}.${field}`, value, `may have mixed case, but should otherwise match: ${faults.join(',')}`)]
  }
  return [
    ...(plural ? label('plural', plural) : []),
    ...(singular ? label('singular', singular) : []),
    ...mixedCase('kind', kind),
    ...mixedCase('listKind', listKind),
    ...(shortNames ?? []).flatMap((name, i) => label(`shortNames[${i}]`, name)),
    ...(kind && kind === listKind ? [invalid(`${path}.listKind`, listKind, 'kind and listKind may not be the same')] : []),
    ...(categories ?? []).flatMap((name, i) => label(`categories[${i}]`, name)),
  ]
}

export function statusErrors({ status }: Definition): FieldError[] {
  return namesErrors('status.acceptedNames', status?.acceptedNames ?? {})
}

/** A version stays as long as objects may be stored in it. */
function storedVersionErrors({ status, spec }: Definition): FieldError[] {
  const field = 'status.storedVersions'
  const stored = status?.storedVersions
  if (!stored?.length) return [invalid(field, stored ?? null, 'must have at least one stored version')]
  const errors: FieldError[] = []
  const left = new Map(stored.map((name, i) => [name, i]))
  for (const { name = '', storage } of spec?.versions ?? []) {
    if (storage && !left.has(name)) errors.push(invalid(field, stored, `must have the storage version ${name}`))
    left.delete(name)
  }
  for (const [name, i] of left) {
    const detail = `missing from spec.versions; ${name} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${name} and removes ${name} from status.storedVersions`
    errors.push(invalid(`${field}[${i}]`, name, detail))
  }
  return errors
}

function unknownFieldErrors({ spec }: Definition, old: Definition | undefined): FieldError[] {
  if (!spec?.preserveUnknownFields || old?.spec?.preserveUnknownFields) return []
  const detail = 'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead'
  return [invalid('spec.preserveUnknownFields', true, detail)]
}
