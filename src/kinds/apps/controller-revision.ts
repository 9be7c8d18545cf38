import type { AppsV1ControllerRevision } from '../../generated/types.ts'
import { type FieldError, required } from '../../machinery/field-errors.ts'
import { age, column } from '../../registry/columns.ts'
import { defineKind } from '../../registry/kind.ts'
import { immutable, notNegative } from '../core/rules.ts'

export const controllerRevision = defineKind<AppsV1ControllerRevision>({
  group: 'apps',
  version: 'v1',
  kind: 'ControllerRevision',
  resource: 'controllerrevisions',
  scope: 'Namespaced',
  schema: 'io.k8s.api.apps.v1.ControllerRevision',
  validate,
  validateUpdate: (revision, old) => [...validate(revision), ...immutable('data', revision.data, old.data)],
  columns: [
    column('Controller', 'Controller of the object', controllerOf),
    column('Revision', '@io.k8s.api.apps.v1.ControllerRevision.revision', (revision) => revision.revision ?? 0),
    age,
  ],
})

function validate(revision: AppsV1ControllerRevision): FieldError[] {
  const errors: FieldError[] = []
  if (revision.data === undefined || revision.data === null) errors.push(required('data', 'data is mandatory'))
  return [...errors, ...notNegative(revision, '', ['revision']).map((e) => ({ ...e, field: 'revision' }))]
}

function controllerOf({ metadata }: AppsV1ControllerRevision): string {
  const owner = metadata?.ownerReferences?.find((reference) => reference.controller)
  if (!owner) return '<none>'
  const { apiVersion = '', kind = '', name = '' } = owner
  const slash = apiVersion.indexOf('/')
  const group = slash < 0 ? '' : `.${apiVersion.slice(0, slash)}`
  return `${(kind + group).toLowerCase()}/${name}`
}
