import type { CoreV1Event, CoreV1ObjectReference } from '../../generated/types.ts'
import { type FieldError, invalid, required } from '../../machinery/field-errors.ts'
import { equal } from '../../machinery/json.ts'
import { byteLength, isDns1123Subdomain, isPathSegmentName, isQualifiedName } from '../../machinery/validation.ts'

const STRICT_VERSION = 'events.k8s.io/v1'
const MAX_SHORT = 128
const MAX_MESSAGE = 1024

/** The core version takes events as they always were; `events.k8s.io` asks for more. */
export function validateEvent(event: CoreV1Event, apiVersion: string): FieldError[] {
  const errors = validateCommon(event, apiVersion)
  const { name = '' } = event.metadata ?? {}
  const wrongName = apiVersion === STRICT_VERSION ? isDns1123Subdomain(name) : isPathSegmentName(name)
  if (name) errors.push(...wrongName.map((message) => invalid('metadata.name', name, message)))
  if (apiVersion !== STRICT_VERSION) return errors
  errors.push(...validateSeries(event))
  if (!event.eventTime) errors.push(required('eventTime'))
  const type = event.type ?? ''
  if (type !== 'Normal' && type !== 'Warning') errors.push(invalid('type', '', `has invalid value: ${type}`))
  const unset = 'needs to be unset'
  if (event.firstTimestamp) errors.push(invalid('firstTimestamp', '', unset))
  if (event.lastTimestamp) errors.push(invalid('lastTimestamp', '', unset))
  if (event.count) errors.push(invalid('count', '', unset))
  if (event.source?.component || event.source?.host) errors.push(invalid('source', '', unset))
  return errors
}

/** Once created, an event of `events.k8s.io` changes in its series only. */
export function validateEventUpdate(event: CoreV1Event, old: CoreV1Event, apiVersion: string): FieldError[] {
  const errors = validateCommon(event, apiVersion)
  if (apiVersion !== STRICT_VERSION) return errors
  if (!equal(event.series, old.series)) errors.push(...validateSeries(event))
  const kept = (field: string, now: unknown, before: unknown, shown: unknown = now): void => {
    if (!equal(now, before)) errors.push(invalid(field, shown, 'field is immutable'))
  }
  const text = (field: string, now = '', before = ''): void => kept(field, now, before)
  kept('involvedObject', event.involvedObject, old.involvedObject, goReference(event.involvedObject))
  text('reason', event.reason, old.reason)
  text('message', event.message, old.message)
  const { component = '', host = '' } = event.source ?? {}
  kept('source', event.source ?? {}, old.source ?? {}, { Component: component, Host: host })
  kept('firstTimestamp', event.firstTimestamp ?? null, old.firstTimestamp ?? null)
  kept('lastTimestamp', event.lastTimestamp ?? null, old.lastTimestamp ?? null)
  kept('count', event.count ?? 0, old.count ?? 0)
  // Checked twice by the reference, which shows in the number of causes.
  text('reason', event.reason, old.reason)
  text('type', event.type, old.type)
  kept('eventTime', event.eventTime ?? null, old.eventTime ?? null)
  text('action', event.action, old.action)
  kept('related', event.related, old.related, event.related && goReference(event.related))
  text('reportingController', event.reportingComponent, old.reportingComponent)
  text('reportingInstance', event.reportingInstance, old.reportingInstance)
  return errors
}

/** An object reference as messages print it. */
function goReference(reference: CoreV1ObjectReference | undefined): object {
  const {
    kind = '',
    namespace = '',
    name = '',
    uid = '',
    apiVersion = '',
    resourceVersion = '',
    fieldPath = '',
  } = reference ?? {}
  return {
    Kind: kind,
    Namespace: namespace,
    Name: name,
    UID: uid,
    APIVersion: apiVersion,
    ResourceVersion: resourceVersion,
    FieldPath: fieldPath,
  }
}

function validateSeries(event: CoreV1Event): FieldError[] {
  if (!event.series) return []
  const errors: FieldError[] = []
  if ((event.series.count ?? 0) < 2) errors.push(invalid('series.count', '', 'should be at least 2'))
  if (!event.series.lastObservedTime) errors.push(required('series.lastObservedTime'))
  return errors
}

function validateCommon(event: CoreV1Event, apiVersion: string): FieldError[] {
  const errors: FieldError[] = []
  const namespace = event.metadata?.namespace ?? ''
  const about = event.involvedObject?.namespace ?? ''
  const otherNamespace = invalid('involvedObject.namespace', about, 'does not match event.namespace')
  if (!event.eventTime) {
    const matches = about === '' ? namespace === '' || namespace === 'default' : namespace === about
    if (!matches) errors.push(otherNamespace)
  } else {
    if (about === '' && namespace !== 'default' && namespace !== 'kube-system') errors.push(otherNamespace)
    const controller = event.reportingComponent ?? ''
    const field = apiVersion === STRICT_VERSION ? 'reportingController' : 'reportingComponent'
    if (controller === '') errors.push(required(field))
    errors.push(...isQualifiedName(controller).map((message) => invalid(field, controller, message)))
    errors.push(...shortText('reportingInstance', event.reportingInstance))
    errors.push(...shortText('action', event.action))
    errors.push(...shortText('reason', event.reason))
    if (byteLength(event.message ?? '') > MAX_MESSAGE) {
      errors.push(invalid('message', '', `can have at most ${MAX_MESSAGE} characters`))
    }
  }
  errors.push(...isDns1123Subdomain(namespace).map((message) => invalid('namespace', namespace, message)))
  return errors
}

function shortText(field: string, text = ''): FieldError[] {
  if (text === '') return [required(field)]
  return byteLength(text) > MAX_SHORT ? [invalid(field, '', `can have at most ${MAX_SHORT} characters`)] : []
}
