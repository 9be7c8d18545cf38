import type { CoreV1Event, EventsV1Event } from '../../generated/types.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { isPathSegmentPrefix } from '../../machinery/validation.ts'
import { ageOf, column } from '../../registry/columns.ts'
import { defineKind } from '../../registry/kind.ts'
import { validateEvent, validateEventUpdate } from './event-validation.ts'

const EVENT = '@io.k8s.api.core.v1.Event'

type Fields = Readonly<Record<string, (event: CoreV1Event) => string>>

const aboutFields = (prefix: string): Fields => ({
  [`${prefix}.kind`]: (event) => event.involvedObject?.kind ?? '',
  [`${prefix}.namespace`]: (event) => event.involvedObject?.namespace ?? '',
  [`${prefix}.name`]: (event) => event.involvedObject?.name ?? '',
  [`${prefix}.uid`]: (event) => event.involvedObject?.uid ?? '',
  [`${prefix}.apiVersion`]: (event) => event.involvedObject?.apiVersion ?? '',
  [`${prefix}.resourceVersion`]: (event) => event.involvedObject?.resourceVersion ?? '',
  [`${prefix}.fieldPath`]: (event) => event.involvedObject?.fieldPath ?? '',
  reason: (event) => event.reason ?? '',
  type: (event) => event.type ?? '',
})

export const event = defineKind<CoreV1Event>({
  group: '',
  version: 'v1',
  kind: 'Event',
  resource: 'events',
  shortNames: ['ev'],
  updateSkipsMetadata: true,
  scope: 'Namespaced',
  schema: 'io.k8s.api.core.v1.Event',
  // Which names it may have depends on the version: validation says.
  names: (name, prefix) => (prefix ? [...isPathSegmentPrefix(name)] : []),
  createOnUpdate: true,
  ttlSeconds: (_event, context) => context.env.settings.eventTtlSeconds,
  validate: (event, context) => validateEvent(event, context.apiVersion),
  validateUpdate: (event, old, context) => validateEventUpdate(event, old, context.apiVersion),
  columns: [
    column('Last Seen', `${EVENT}.lastTimestamp`, lastSeen),
    column('Type', `${EVENT}.type`, (event) => event.type ?? ''),
    column('Reason', `${EVENT}.reason`, (event) => event.reason ?? ''),
    column('Object', `${EVENT}.involvedObject`, about),
    column('Subobject', '@io.k8s.api.core.v1.ObjectReference.fieldPath', (event) => event.involvedObject?.fieldPath ?? '', {
      wide: true,
    }),
    column('Source', `${EVENT}.source`, sourceOf, { wide: true }),
    column('Message', `${EVENT}.message`, (event) => (event.message ?? '').trim()),
    column('First Seen', `${EVENT}.firstTimestamp`, firstSeen, { wide: true }),
    column('Count', `${EVENT}.count`, (event) => (event.series ? (event.series.count ?? 0) : event.count || 1), { wide: true }),
    column('Name', '@io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta.name', (event) => event.metadata?.name ?? '', {
      wide: true,
      format: 'name',
    }),
  ],
  fields: {
    ...aboutFields('involvedObject'),
    reportingComponent: (event) => event.reportingComponent ?? '',
    source: (event) => event.source?.component || (event.reportingComponent ?? ''),
  },
  alsoServed: [
    {
      group: 'events.k8s.io',
      version: 'v1',
      schema: 'io.k8s.api.events.v1.Event',
      toStorage,
      fromStorage,
      fields: { ...aboutFields('regarding'), reportingController: (event) => event.reportingComponent ?? '' },
    },
  ],
})

/** Names that differ between the two versions: of `v1`, then of `events.k8s.io/v1`. */
const RENAMED: readonly (readonly [keyof CoreV1Event, keyof EventsV1Event])[] = [
  ['involvedObject', 'regarding'],
  ['message', 'note'],
  ['reportingComponent', 'reportingController'],
  ['source', 'deprecatedSource'],
  ['firstTimestamp', 'deprecatedFirstTimestamp'],
  ['lastTimestamp', 'deprecatedLastTimestamp'],
  ['count', 'deprecatedCount'],
]

function toStorage(object: KubeObject): CoreV1Event {
  const from: Record<string, unknown> = { ...object }
  for (const [stored, served] of RENAMED) {
    from[stored] = from[served]
    from[served] = undefined
  }
  return from as CoreV1Event
}

function fromStorage(event: CoreV1Event): KubeObject {
  const to: Record<string, unknown> = { ...event }
  for (const [stored, served] of RENAMED) {
    to[served] = to[stored]
    to[stored] = undefined
  }
  return to as KubeObject
}

function firstSeen(event: CoreV1Event, now: number): string {
  return ageOf(event.firstTimestamp ?? event.eventTime, now)
}

function lastSeen(event: CoreV1Event, now: number): string {
  if (event.series) return ageOf(event.series.lastObservedTime, now)
  return event.lastTimestamp ? ageOf(event.lastTimestamp, now) : firstSeen(event, now)
}

function about(event: CoreV1Event): string {
  const { kind = '', name } = event.involvedObject ?? {}
  return name ? `${kind.toLowerCase()}/${name}` : kind.toLowerCase()
}

function sourceOf(event: CoreV1Event): string {
  const component = event.source?.component || (event.reportingComponent ?? '')
  const instance = event.source?.host || event.reportingInstance
  return instance ? `${component}, ${instance}` : component
}
