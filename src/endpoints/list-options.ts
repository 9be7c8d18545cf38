import { type FieldError, forbiddenField, notSupported } from '../machinery/field-errors.ts'
import {
  type FieldSelector,
  parseFieldSelector,
  unknownFieldSelector,
  unsupportedFieldLabel,
} from '../machinery/field-selector.ts'
import { type LabelSelector, parseLabelSelector } from '../machinery/label-selector.ts'
import { badRequest, StatusError } from '../machinery/status.ts'
import type { ServedResource } from '../registry/served.ts'
import type { CacheEntry, Selectable } from '../storage/cache-entry.ts'
import { optionsInvalid, queryBoolean, queryInteger } from './options.ts'

export interface ListOptions {
  /** Undefined when everything matches. */
  matches: ((entry: CacheEntry) => boolean) | undefined
  /** A single name, when the field selector asks for just that. */
  name: string | undefined
  limit: number
  continue: string
  resourceVersion: string
  resourceVersionMatch: string
  allowWatchBookmarks: boolean
  sendInitialEvents: boolean | undefined
  timeoutSeconds: number | undefined
}

/** Reads and checks ListOptions. @throws StatusError 400, 422 */
export function listOptions(query: URLSearchParams, served: ServedResource, watch: boolean): ListOptions {
  const limit = queryInteger(query, 'limit') ?? 0
  const timeoutSeconds = queryInteger(query, 'timeoutSeconds')
  const labels = selector(() => parseLabelSelector(query.get('labelSelector') ?? ''))
  const fields = selector(() => parseFieldSelector(query.get('fieldSelector') ?? ''))
  checkFields(fields, served)
  const options = {
    limit,
    continue: query.get('continue') ?? '',
    resourceVersion: query.get('resourceVersion') ?? '',
    resourceVersionMatch: query.get('resourceVersionMatch') ?? '',
    allowWatchBookmarks: queryBoolean(query, 'allowWatchBookmarks') ?? false,
    sendInitialEvents: queryBoolean(query, 'sendInitialEvents'),
    timeoutSeconds,
  }
  const errors = watch ? watchErrors(options) : listErrors(options)
  if (errors.length) throw optionsInvalid('ListOptions', errors)
  return { ...options, matches: matcher(labels, fields, served), name: singleName(fields) }
}

function selector<T>(parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    if (error instanceof StatusError) throw error
    throw badRequest((error as Error).message)
  }
}

function checkFields(fields: FieldSelector, served: ServedResource): void {
  const known = served.fields
  for (const { field } of fields.requirements) {
    if (field === 'metadata.name' || (field === 'metadata.namespace' && served.kind.scope === 'Namespaced') || known?.[field])
      continue
    if (field === 'metadata.namespace' && !known) continue
    throw badRequest(known ? unsupportedFieldLabel(field) : unknownFieldSelector(field))
  }
}

type Checked = Pick<ListOptions, 'resourceVersion' | 'resourceVersionMatch' | 'continue' | 'sendInitialEvents'>

function listErrors(options: Checked): FieldError[] {
  const errors: FieldError[] = []
  const { resourceVersion, resourceVersionMatch: match } = options
  if (match) {
    if (!resourceVersion)
      errors.push(forbiddenField('resourceVersionMatch', 'resourceVersionMatch is forbidden unless resourceVersion is provided'))
    if (options.continue)
      errors.push(forbiddenField('resourceVersionMatch', 'resourceVersionMatch is forbidden when continue is provided'))
    if (match !== 'Exact' && match !== 'NotOlderThan')
      errors.push(notSupported('resourceVersionMatch', match, ['Exact', 'NotOlderThan', '']))
    if (match === 'Exact' && resourceVersion === '0') {
      errors.push(forbiddenField('resourceVersionMatch', 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'))
    }
  }
  if (options.sendInitialEvents !== undefined)
    errors.push(forbiddenField('sendInitialEvents', 'sendInitialEvents is forbidden for list'))
  return errors
}

function watchErrors(options: Checked): FieldError[] {
  const errors: FieldError[] = []
  const { resourceVersionMatch: match, sendInitialEvents } = options
  if (sendInitialEvents !== undefined) {
    if (match !== 'NotOlderThan') {
      errors.push(
        forbiddenField('resourceVersionMatch', 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'),
      )
    }
  } else if (match) {
    errors.push(
      forbiddenField('resourceVersionMatch', 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided'),
    )
  }
  if (match && match !== 'NotOlderThan') errors.push(notSupported('resourceVersionMatch', match, ['NotOlderThan']))
  if (options.continue)
    errors.push(forbiddenField('resourceVersionMatch', 'resourceVersionMatch is forbidden when continue is provided'))
  return errors
}

function matcher(labels: LabelSelector, fields: FieldSelector, served: ServedResource): ListOptions['matches'] {
  const byFields = fields.requirements.length > 0
  if (labels.empty && !byFields) return undefined
  const own = served.ownFields
  if (!byFields) return byLabels(labels)
  if (own) {
    return (entry) => {
      const object = served.object(entry)
      return labels.matches(entry.labels) && fields.matches((name) => own[name]?.(object) ?? entry.selectable.field(name))
    }
  }
  if (labels.empty) return (entry) => fields.matches((name) => entry.selectable.field(name))
  return (entry) => {
    return labels.matches(entry.labels) && fields.matches((name) => entry.selectable.field(name))
  }
}

/** Objects that lie side by side mostly share their labels. */
function byLabels(selector: LabelSelector): NonNullable<ListOptions['matches']> {
  let last: Selectable['labels']
  let matched = selector.matches(last)
  return ({ labels }) => {
    if (labels !== last) {
      last = labels
      matched = selector.matches(labels)
    }
    return matched
  }
}

function singleName(fields: FieldSelector): string | undefined {
  const only = fields.requirements.length === 1 ? fields.requirements[0] : undefined
  return only?.field === 'metadata.name' && only.operator !== '!=' ? only.value : undefined
}
