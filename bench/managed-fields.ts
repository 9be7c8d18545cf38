/**
 * What managed fields and strict decoding of a pod cost a write, in µs of CPU: `node bench/managed-fields.ts`. The pod is some 6 kB as it is
 * stored, with four managers.
 */

import { pod as podKind } from '../src/kinds/core/pod.ts'
import { TypeDecoder } from '../src/machinery/decode.ts'
import { hasDuplicateKeys } from '../src/machinery/duplicate-keys.ts'
import { clone, type JsonObject } from '../src/machinery/json.ts'
import { FactAtoms } from '../src/machinery/managed-fields/fact-atoms.ts'
import { type KubeObject, metaOf } from '../src/machinery/object.ts'
import { SchemaFacts } from '../src/machinery/schema.ts'
import type { KindEnvironment } from '../src/registry/context.ts'
import { FieldManager } from '../src/registry/managed-fields.ts'
import { RequestContext } from '../src/registry/request-context.ts'
import { ServedResource } from '../src/registry/served.ts'
import { pod as podBody } from './objects.ts'

const facts = new SchemaFacts()
const decoder = new TypeDecoder(facts)
const fields = new FieldManager(podKind, decoder, new FactAtoms(facts))
const served = new ServedResource(podKind, decoder)

const context = (fieldManager: string, subresource = '') =>
  new RequestContext({
    now: Date.UTC(2026, 0, 1),
    user: { name: 'bench', uid: '', groups: [], extra: {} },
    namespace: 'bench',
    name: 'pod',
    subresource,
    operation: 'update',
    env: {} as KindEnvironment,
    fieldManager,
    version: served,
  })

const body = podBody('pod') as JsonObject
const fresh = (): KubeObject => served.toStorage(body)

/** As it is once a controller, an operator, a user and a node have been at it. */
function stored(): KubeObject {
  const object = fresh()
  metaOf(object).uid = 'b3c6b6a0-0f0c-4a57-9b8e-0e3f5c6d7e8f'
  fields.record(undefined, object, context('controller'))
  const change = (manager: string, subresource: string, how: (pod: KubeObject & JsonObject) => void): void => {
    const before = clone(object)
    how(object as KubeObject & JsonObject)
    fields.record(before, object, context(manager, subresource))
  }
  change('operator', '', (pod) =>
    Object.assign(metaOf(pod), { annotations: { ...metaOf(pod).annotations, 'example.com/a': '1' } }),
  )
  change('kubectl-label', '', (pod) => Object.assign(metaOf(pod), { labels: { ...metaOf(pod).labels, extra: 'yes' } }))
  change('kubelet', 'status', (pod) => {
    const status = { phase: 'Running', hostIP: '10.0.0.1', podIP: '10.1.0.1', startTime: '2026-01-01T00:00:00Z' }
    pod.status = { ...(pod.status as JsonObject), ...status }
  })
  return object
}

const before = stored()
const text = Buffer.from(JSON.stringify(before))
const live = (): KubeObject => JSON.parse(text.toString()) as KubeObject
let round = 0

/** An update's object: decoded anew, so that it shares nothing with the stored one. */
function updated(): KubeObject {
  const object = live()
  metaOf(object).annotations = { ...metaOf(object).annotations, 'example.com/round': String(round++) }
  return object
}

function measure(name: string, prepare: () => KubeObject, run: (object: KubeObject) => void): void {
  const rounds = 3000
  let best = Number.POSITIVE_INFINITY
  for (let repeat = 0; repeat < 6; repeat++) {
    const objects = Array.from({ length: rounds }, prepare)
    const start = process.cpuUsage()
    for (const object of objects) run(object)
    const { user, system } = process.cpuUsage(start)
    best = Math.min(best, (user + system) / rounds)
  }
  console.log(`${name.padEnd(58)} ${best.toFixed(1).padStart(7)} µs`)
}

const current = live()
console.log(`stored pod: ${text.length} bytes, ${metaOf(current).managedFields?.length} managers`)
measure('create', fresh, (object) => fields.record(undefined, object, context('controller')))
measure('update by one of the managers, one annotation', updated, (object) => fields.record(current, object, context('operator')))
measure(
  'update by a manager, without its managed fields',
  () => {
    const object = updated()
    delete metaOf(object).managedFields
    return object
  },
  (object) => fields.record(current, object, context('operator')),
)
measure('update that changes nothing', live, (object) => fields.record(current, object, context('operator')))
measure(
  'apply by another manager',
  () => body as KubeObject,
  () => {
    fields.apply(current, body, true, context('applier'))
  },
)
const request = Buffer.from(JSON.stringify(body))
const parsed = JSON.parse(request.toString()) as JsonObject
measure(`look for duplicate keys in ${request.length} bytes`, live, () => {
  if (hasDuplicateKeys(request, parsed)) throw new Error('there are none')
})
measure(`look for duplicate keys in ${text.length} bytes`, live, (object) => {
  if (hasDuplicateKeys(text, object as JsonObject)) throw new Error('there are none')
})
measure('beside it: the native parser', live, () => {
  JSON.parse(text.toString())
})
