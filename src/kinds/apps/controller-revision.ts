import type { AppsV1ControllerRevision } from '../../generated/types.ts'
import { type FieldError, invalid, required } from '../../machinery/field-errors.ts'
import { isObject } from '../../machinery/json.ts'
import { age, column } from '../../registry/columns.ts'
import { defineKind } from '../../registry/kind.ts'
import { immutable, NOT_NEGATIVE } from '../core/rules.ts'

export const controllerRevision = defineKind<AppsV1ControllerRevision>({
  group: 'apps',
  version: 'v1',
  kind: 'ControllerRevision',
  resource: 'controllerrevisions',
  scope: 'Namespaced',
  schema: 'io.k8s.api.apps.v1.ControllerRevision',
  validate,
  validateUpdate: (revision, old) => [...immutable('data', revision.data, old.data), ...validateNumber(revision)],
  columns: [
    column('Controller', 'Controller of the object', controllerOf),
    column('Revision', '@io.k8s.api.apps.v1.ControllerRevision.revision', (revision) => revision.revision ?? 0),
    age,
  ],
})

function validate(revision: AppsV1ControllerRevision): FieldError[] {
  const { data } = revision
  const errors: FieldError[] = []
  if (data === undefined || data === null) errors.push(required('data', 'data is mandatory'))
  else if (!isObject(data)) errors.push(required('data', 'data must be a valid JSON object'))
  return [...errors, ...validateNumber(revision)]
}

function validateNumber({ revision = 0 }: AppsV1ControllerRevision): FieldError[] {
  return revision < 0 ? [invalid('revision', revision, NOT_NEGATIVE)] : []
}

function controllerOf({ metadata }: AppsV1ControllerRevision): string {
  const owner = metadata?.ownerReferences?.find((reference) => reference.controller)
  if (!owner) return '<none>'
  const { apiVersion = '', kind = '', name = '' } = owner
  const slash = apiVersion.indexOf('/')
  const group = slash < 0 ? '' : `.${apiVersion.slice(0, slash)}`
  return `${(kind + group).toLowerCase()}/${name}`
}
