import type {
  FlowcontrolV1FlowSchema,
  FlowcontrolV1FlowSchemaCondition,
  FlowcontrolV1PriorityLevelConfiguration,
} from '../../generated/types.ts'
import { equal } from '../../machinery/json.ts'
import { type KubeObject, metaOf } from '../../machinery/object.ts'
import { formatTime } from '../../machinery/time.ts'
import type { ObjectAccess } from '../context.ts'
import { defaultFlowSchemas, defaultPriorityLevels, MANDATORY } from './default-flow-control.ts'
import { isReason } from './ensure.ts'

const GROUP = 'flowcontrol.apiserver.k8s.io'
const AUTO_UPDATE = 'apf.kubernetes.io/autoupdate-spec'
/** Who writes the objects, and who their status. */
const PRODUCER = { fieldManager: 'api-priority-and-fairness-config-producer-v1' }
const CONSUMER = { fieldManager: 'api-priority-and-fairness-config-consumer-v1', subresource: 'status', apply: true }

type FlowObject = FlowcontrolV1FlowSchema | FlowcontrolV1PriorityLevelConfiguration
type Objects = (resource: string, group?: string) => ObjectAccess

const levelsOf = (objects: Objects): ObjectAccess => objects('prioritylevelconfigurations', GROUP)
const schemasOf = (objects: Objects): ObjectAccess => objects('flowschemas', GROUP)

/**
 * Brings the default priority levels and flow schemas to what this version has, those that are marked as kept by the server, and
 * removes defaults of other versions. What somebody else looks after (`autoupdate-spec: "false"`) stays as it is, unless a cluster
 * can't do without it.
 */
export async function ensureFlowControl(objects: Objects, clock: () => number): Promise<void> {
  await ensureAll(levelsOf(objects), defaultPriorityLevels())
  await ensureAll(schemasOf(objects), defaultFlowSchemas())
  await updateDangling(objects, clock)
}

async function ensureAll(access: ObjectAccess, wanted: readonly FlowObject[]): Promise<void> {
  const names = new Set(wanted.map((object) => metaOf(object).name ?? ''))
  const stored = await access.list('')
  const obsolete = stored.filter((object) => {
    const { name = '', annotations } = metaOf(object)
    return annotations?.[AUTO_UPDATE] === 'true' && !names.has(name)
  })
  const known = new Map(stored.map((object) => [metaOf(object).name ?? '', object as FlowObject]))
  await Promise.all([
    ...wanted.map((object) =>
      ignoring(['AlreadyExists', 'NotFound'], ensure(access, object, known.get(metaOf(object).name ?? ''))),
    ),
    ...obsolete.map((object) => ignoring(['NotFound'], access.delete('', metaOf(object).name ?? ''))),
  ])
}

async function ensure(access: ObjectAccess, wanted: FlowObject, stored: FlowObject | undefined): Promise<unknown> {
  const { name = '' } = metaOf(wanted)
  const mandatory = MANDATORY.has(name)
  if (!stored) return access.create({ ...wanted, metadata: { name, annotations: { [AUTO_UPDATE]: 'true' } } }, PRODUCER)
  if (!complete(stored, wanted, mandatory)) return undefined
  const change = (current: KubeObject) => (complete(current as FlowObject, wanted, mandatory) ? current : undefined)
  return access.update('', name, change, PRODUCER)
}

/** Changes a stored object to what it should be. Returns whether there was something to change. */
function complete(stored: FlowObject, wanted: FlowObject, mandatory: boolean): boolean {
  const meta = metaOf(stored)
  const mark = meta.annotations?.[AUTO_UPDATE]
  // Without a mark, what nobody changed since it was made is the server's own.
  const kept =
    mandatory || (mark === undefined || (mark !== 'true' && mark !== 'false') ? meta.generation === 1 : mark === 'true')
  const value = String(kept)
  let changed = mark !== value
  if (changed) meta.annotations = { ...meta.annotations, [AUTO_UPDATE]: value }
  if (kept && !equal(fixedPart(stored), fixedPart(wanted))) {
    const exempt = (stored.spec as FlowcontrolV1PriorityLevelConfiguration['spec'])?.exempt
    stored.spec = exempt && mandatory ? { ...wanted.spec, exempt } : wanted.spec!
    changed = true
  }
  return changed
}

/** How many requests an exempt level stands for is anybody's to say. */
function fixedPart({ metadata, spec = {} }: FlowObject): object {
  return MANDATORY.has(metadata?.name ?? '') ? { ...spec, exempt: undefined } : spec
}

/** Says in the status of each flow schema whether its priority level is there. */
export async function updateDangling(objects: Objects, clock: () => number): Promise<void> {
  const [levels, schemas] = await Promise.all([levelsOf(objects).list(''), schemasOf(objects).list('')])
  const names = new Set(levels.map((level) => metaOf(level).name ?? ''))
  const now = formatTime(clock())
  await Promise.all(
    schemas
      .filter((schema) => dangling(schema, names, now))
      .map((schema) => {
        const change = (current: KubeObject) => withDangling(current, names, now)
        return ignoring(['NotFound'], schemasOf(objects).update('', metaOf(schema).name ?? '', change, CONSUMER))
      }),
  )
}

/** The configuration to apply; undefined when there is nothing to change. */
function withDangling(schema: KubeObject, levels: ReadonlySet<string>, now: string): KubeObject | undefined {
  const condition = dangling(schema, levels, now)
  if (!condition) return undefined
  const { name } = metaOf(schema)
  const status = { conditions: [condition] }
  return { apiVersion: `${GROUP}/v1`, kind: 'FlowSchema', metadata: { name }, status } as KubeObject
}

/** The condition that a flow schema should have; undefined when it has it. */
function dangling(
  schema: FlowcontrolV1FlowSchema,
  levels: ReadonlySet<string>,
  now: string,
): FlowcontrolV1FlowSchemaCondition | undefined {
  const level = schema.spec?.priorityLevelConfiguration?.name ?? ''
  const found = levels.has(level)
  const what = `This FlowSchema references the PriorityLevelConfiguration object named ${JSON.stringify(level)}`
  const wanted = {
    type: 'Dangling',
    status: found ? 'False' : 'True',
    reason: found ? 'Found' : 'NotFound',
    message: `${what} ${found ? 'and it exists' : 'but there is no such object'}`,
  }
  const conditions = schema.status?.conditions ?? []
  const { lastTransitionTime: since, ...known } = conditions.find(({ type }) => type === 'Dangling') ?? {}
  if (equal(known, wanted)) return undefined
  const lastTransitionTime = known.status === wanted.status && since ? since : now
  const { type, status, ...rest } = wanted
  return { type, status, lastTransitionTime, ...rest }
}

async function ignoring(reasons: readonly string[], work: Promise<unknown>): Promise<void> {
  try {
    await work
  } catch (error) {
    if (!reasons.some((reason) => isReason(error, reason))) throw error
  }
}
