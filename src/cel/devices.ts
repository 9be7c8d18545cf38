import { isObject, type Json, type JsonObject } from '../machinery/json.ts'
import { CompileError } from './errors.ts'
import { estimateCost } from './estimate.ts'
import { fromJson } from './json-values.ts'
import { kubernetes } from './kubernetes.ts'
import { quantityValue } from './library/quantities.ts'
import { semverValue } from './library/semver.ts'
import type { Program } from './program.ts'
import { BOOL, DYN, mapType, objectType, parseType, STRING, sameType, type Type } from './types.ts'
import { EntryMap, Instance, NO_ENTRIES, type Value } from './values.ts'

/** What a selector may cost. */
export const DEVICE_SELECTOR_COST = 1_000_000

const MAX_NAME = 63
const MAX_ID = 32
const MAX_VALUE = 64
const MAX_ENTRIES = 32

const byDomain = (of: Type): Type =>
  mapType(STRING.within(MAX_NAME), mapType(STRING.within(MAX_ID), of, MAX_ENTRIES), MAX_ENTRIES)

const DEVICE = objectType('kubernetes.DRADevice', {
  driver: STRING.within(MAX_NAME),
  attributes: byDomain(DYN.within(MAX_VALUE)),
  capacity: byDomain(parseType('kubernetes.Quantity')),
  allowMultipleAllocations: BOOL,
})

const environment = kubernetes.extend({ variables: { device: DEVICE }, binding: true })

/**
 * Compiles a selector of devices (resource.k8s.io).
 *
 * @returns what is wrong with it, in the reference's words, if anything is; and the most that it may cost
 */
export function compileDeviceSelector(expression: string): { program: Program; maxCost: number } | string {
  let program: Program
  try {
    program = environment.compile(expression)
  } catch (error) {
    if (error instanceof CompileError) return `compilation failed: ${error.message}`
    throw error
  }
  if (!sameType(program.type, BOOL) && program.type.kind !== 'dyn')
    return `must evaluate to bool or the unknown type, not ${program.type}`
  return { program, maxCost: estimateCost(program, DEVICE, true).max }
}

/** A device as selectors see it. @param device the `basic` part, with attributes and capacity */
export function deviceValue(driver: string, device: JsonObject): Value {
  return new Instance(
    DEVICE,
    new Map<string, Value>([
      ['driver', driver],
      ['attributes', grouped(driver, device.attributes, attributeValue)],
      [
        'capacity',
        grouped(driver, device.capacity, (capacity) => quantityValue(String(isObject(capacity) ? capacity.value : capacity))),
      ],
      ['allowMultipleAllocations', device.allowMultipleAllocations === true],
    ]),
  )
}

/** By domain and name: those without a domain are the driver's. Where there is nothing, there is an empty map. */
function grouped(driver: string, entries: Json | undefined, value: (json: Json) => Value): EntryMap {
  const domains = new EntryMap(NO_ENTRIES)
  for (const [name, json] of Object.entries(isObject(entries) ? entries : {})) {
    if (json === undefined) continue
    const slash = name.indexOf('/')
    const domain = slash < 0 ? driver : name.slice(0, slash)
    if (domains.get(domain) === NO_ENTRIES) domains.add(domain, new EntryMap())
    ;(domains.get(domain) as EntryMap).add(name.slice(slash + 1), value(json))
  }
  return domains
}

function attributeValue(json: Json): Value {
  const { int, bool, string, version } = isObject(json) ? json : {}
  if (typeof version === 'string') return semverValue(version)
  return fromJson(int ?? bool ?? string)
}
