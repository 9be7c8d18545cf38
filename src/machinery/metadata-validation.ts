import { addMessages, type FieldError, forbiddenField, invalid, required, tooLong } from './field-errors.ts'
import { goQuote } from './go-text.ts'
import { equal, type JsonObject } from './json.ts'
import { validateAnnotations, validateLabels } from './label-validation.ts'
import {
  byteLength,
  isDns1035Label,
  isDns1123Label,
  isDns1123Subdomain,
  isPathSegmentName,
  isPathSegmentPrefix,
  isQualifiedName,
  type Messages,
} from './validation.ts'

/** Checks a name, or (prefix) what a random suffix is added to. */
export type NameValidator = (name: string, prefix: boolean) => Messages

export const nameIsDnsSubdomain: NameValidator = (name, prefix) => isDns1123Subdomain(prefix ? maskDash(name) : name)
export const nameIsDnsLabel: NameValidator = (name, prefix) => isDns1123Label(prefix ? maskDash(name) : name)
export const nameIsDns1035Label: NameValidator = (name, prefix) => isDns1035Label(prefix ? maskDash(name) : name)
export const pathSegmentName: NameValidator = (name, prefix) => (prefix ? isPathSegmentPrefix(name) : isPathSegmentName(name))

/** A prefix may end in a dash, since more follows. (One character gets lost, so that one more is allowed: as the reference does.) */
const maskDash = (name: string): string => (name.length > 1 && name.endsWith('-') ? `${name.slice(0, -2)}a` : name)

export interface OwnerReference {
  apiVersion?: string
  kind?: string
  name?: string
  uid?: string
  controller?: boolean | null
  blockOwnerDeletion?: boolean | null
}

/** What validation reads of an object's metadata. */
export interface ValidatedMetadata {
  name?: string
  generateName?: string
  namespace?: string
  uid?: string
  resourceVersion?: string
  generation?: number
  creationTimestamp?: string | null
  deletionTimestamp?: string | null
  deletionGracePeriodSeconds?: number | null
  labels?: Record<string, string> | null
  annotations?: Record<string, string> | null
  finalizers?: string[] | null
  ownerReferences?: OwnerReference[] | null
  managedFields?: JsonObject[] | null
}

export interface MetadataRules {
  namespaced: boolean
  nameValidator: NameValidator
  /** `metadata` unless given. */
  path?: string
  /** Finalizers without a domain are fine: for custom resources and the checks common to all kinds. Built-in kinds know three. */
  anyFinalizer?: boolean
}

/** Checks the metadata of an object to create, after its name was generated. */
export function validateObjectMeta(metadata: ValidatedMetadata, rules: MetadataRules): FieldError[] {
  const { namespaced, nameValidator, path = 'metadata', anyFinalizer = false } = rules
  const { name = '', generateName = '', namespace = '', finalizers } = metadata
  const errors: FieldError[] = []
  if (generateName !== '') addMessages(errors, `${path}.generateName`, generateName, nameValidator(generateName, true))
  if (name === '') errors.push(required(`${path}.name`, 'name or generateName is required'))
  else addMessages(errors, `${path}.name`, name, nameValidator(name, false))

  if (!namespaced) {
    if (namespace !== '') errors.push(forbiddenField(`${path}.namespace`, 'not allowed on this type'))
  } else if (namespace === '') errors.push(required(`${path}.namespace`))
  else addMessages(errors, `${path}.namespace`, namespace, isDns1123Label(namespace))

  if ((metadata.generation ?? 0) < 0) {
    errors.push(invalid(`${path}.generation`, metadata.generation, 'must be greater than or equal to 0'))
  }
  const { labels, annotations, ownerReferences, managedFields } = metadata
  if (labels) errors.push(...validateLabels(labels, `${path}.labels`))
  if (annotations) errors.push(...validateAnnotations(annotations, `${path}.annotations`))
  if (ownerReferences) errors.push(...validateOwnerReferences(ownerReferences, `${path}.ownerReferences`))
  if (finalizers) errors.push(...validateFinalizers(finalizers, `${path}.finalizers`))
  if (managedFields) errors.push(...validateManagedFields(managedFields, `${path}.managedFields`))
  if (finalizers && !anyFinalizer) errors.push(...knownFinalizers(finalizers, `${path}.finalizers`))
  return errors
}

/**
 * Checks what an update may do to an object's metadata.
 *
 * @param anyFinalizer as in MetadataRules
 */
export function validateObjectMetaUpdate(
  metadata: ValidatedMetadata,
  old: ValidatedMetadata,
  path = 'metadata',
  anyFinalizer = false,
): FieldError[] {
  const errors: FieldError[] = []
  const finalizers = metadata.finalizers ?? []
  if (old.deletionTimestamp) errors.push(...noNewFinalizers(finalizers, old.finalizers ?? [], `${path}.finalizers`))
  if (!metadata.resourceVersion) errors.push(invalid(`${path}.resourceVersion`, '', 'must be specified for an update'))
  if ((metadata.generation ?? 0) < (old.generation ?? 0)) {
    errors.push(invalid(`${path}.generation`, metadata.generation ?? 0, 'must not be decremented'))
  }
  for (const field of ['name', 'namespace', 'uid'] as const) {
    if ((metadata[field] ?? '') !== (old[field] ?? '')) errors.push(immutable(`${path}.${field}`, metadata[field] ?? ''))
  }
  for (const field of ['creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds'] as const) {
    if (!equal(metadata[field] ?? null, old[field] ?? null)) errors.push(immutable(`${path}.${field}`, metadata[field]))
  }
  errors.push(
    ...validateLabels(metadata.labels, `${path}.labels`),
    ...validateAnnotations(metadata.annotations, `${path}.annotations`),
    ...validateOwnerReferences(metadata.ownerReferences ?? [], `${path}.ownerReferences`),
    ...validateManagedFields(metadata.managedFields ?? [], `${path}.managedFields`),
  )
  if (!anyFinalizer) errors.push(...knownFinalizers(finalizers, `${path}.finalizers`))
  return errors
}

const immutable = (path: string, value: unknown): FieldError => invalid(path, value, 'field is immutable')

export function validateOwnerReferences(references: readonly OwnerReference[], path: string): FieldError[] {
  const errors: FieldError[] = []
  let controller = ''
  for (const reference of references) {
    const { apiVersion = '', kind = '', name = '', uid = '' } = reference
    if (versionOf(apiVersion) === '') errors.push(invalid(`${path}.apiVersion`, apiVersion, 'version must not be empty'))
    if (kind === '') errors.push(invalid(`${path}.kind`, kind, 'must not be empty'))
    if (name === '') errors.push(invalid(`${path}.name`, name, 'must not be empty'))
    if (uid === '') errors.push(invalid(`${path}.uid`, uid, 'must not be empty'))
    if (apiVersion === 'v1' && kind === 'Event') {
      errors.push(invalid(path, printedOwner(reference), '/v1, Kind=Event is disallowed from being an owner'))
    }
    if (!reference.controller) continue
    const current = `${kind}/${name}`
    if (controller === '') controller = current
    else {
      const detail = `Only one reference can have Controller set to true. Found "true" in references for ${controller} and ${current}`
      errors.push(invalid(path, references.map(printedOwner), detail))
    }
  }
  return errors
}

function versionOf(apiVersion: string): string {
  const parts = apiVersion.split('/')
  return parts.length > 2 ? '' : parts.at(-1)!
}

/** In the order in which messages print an owner's fields. */
function printedOwner({ apiVersion = '', kind = '', name = '', uid = '', ...rest }: OwnerReference): OwnerReference {
  const printed: OwnerReference = { apiVersion, kind, name, uid }
  if (typeof rest.controller === 'boolean') printed.controller = rest.controller
  if (typeof rest.blockOwnerDeletion === 'boolean') printed.blockOwnerDeletion = rest.blockOwnerDeletion
  return printed
}

export function validateFinalizers(finalizers: readonly string[], path: string): FieldError[] {
  const errors: FieldError[] = []
  for (const name of finalizers) addMessages(errors, path, name, isQualifiedName(name))
  if (finalizers.includes('orphan') && finalizers.includes('foregroundDeletion')) {
    errors.push(invalid(path, finalizers, 'finalizer orphan and foregroundDeletion cannot be both set'))
  }
  return errors
}

const STANDARD_FINALIZERS = ['kubernetes', 'orphan', 'foregroundDeletion']

function knownFinalizers(finalizers: readonly string[], path: string): FieldError[] {
  const errors: FieldError[] = []
  finalizers.forEach((name, i) => {
    if (name.includes('/') || STANDARD_FINALIZERS.includes(name)) return
    errors.push(invalid(`${path}[${i}]`, name, 'name is neither a standard finalizer name nor is it fully qualified'))
  })
  return errors
}

function noNewFinalizers(finalizers: readonly string[], old: readonly string[], path: string): FieldError[] {
  const added = [...new Set(finalizers)].filter((name) => !old.includes(name)).sort()
  if (!added.length) return []
  const list = `[]string{${added.map(goQuote).join(', ')}}`
  const detail = `no new finalizers can be added if the object is being deleted, found new finalizers ${list}`
  return [forbiddenField(path, detail)]
}

const MAX_MANAGER_BYTES = 128
const MAX_SUBRESOURCE_BYTES = 256
const PRINTABLE_ASCII = /^[ -~]*$/

export function validateManagedFields(entries: readonly JsonObject[], path: string): FieldError[] {
  const errors: FieldError[] = []
  for (let i = 0; i < entries.length; i++) {
    const { operation = '', fieldsType = '', manager = '', subresource = '' } = entries[i]!
    const at = `${path}[${i}]`
    if (operation !== 'Apply' && operation !== 'Update') {
      errors.push(invalid(`${at}.operation`, operation, 'must be `Apply` or `Update`'))
    }
    if (fieldsType !== '' && fieldsType !== 'FieldsV1') errors.push(invalid(`${at}.fieldsType`, fieldsType, 'must be `FieldsV1`'))
    errors.push(...validateFieldManager(String(manager), `${at}.manager`))
    if (byteLength(String(subresource)) > MAX_SUBRESOURCE_BYTES) {
      errors.push(tooLong(`${at}.subresource`, MAX_SUBRESOURCE_BYTES))
    }
  }
  return errors
}

/** Also for the `fieldManager` option, with that path. */
export function validateFieldManager(manager: string, path: string): FieldError[] {
  const errors = byteLength(manager) > MAX_MANAGER_BYTES ? [tooLong(path, MAX_MANAGER_BYTES)] : []
  if (PRINTABLE_ASCII.test(manager)) return errors
  let position = 0
  for (const character of manager) {
    if (/[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.test(character)) {
      const code = character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')
      errors.push(invalid(path, manager, `invalid character U+${code} (at position ${position})`))
    }
    position += byteLength(character)
  }
  return errors
}
