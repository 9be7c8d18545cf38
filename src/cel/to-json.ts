import type { Json, JsonObject } from '../machinery/json.ts'
import { EvaluationError } from './errors.ts'
import { JsonMap, JsonStruct } from './json-values.ts'
import { textOf } from './library/standard.ts'
import { formatDouble } from './numbers.ts'
import { runtimeName } from './types.ts'
import { Duration, MapValue, Timestamp, typeOf, Uint, type Value } from './values.ts'

/** A value as JSON. @throws EvaluationError when it has no JSON form */
export function toJson(value: Value): Json {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'bigint') return number(value)
  if (value instanceof Uint) return number(value.value)
  if (typeof value === 'number') {
    if (Number.isFinite(value)) return value
    throw new EvaluationError(`json: unsupported value: ${formatDouble(value)}`)
  }
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  if (Array.isArray(value)) return value.map(toJson)
  if (value instanceof JsonMap || value instanceof JsonStruct) return value.json
  if (value instanceof MapValue) {
    const object: JsonObject = {}
    for (const key of value.keys()) {
      if (typeof key !== 'string') throw new EvaluationError(`map key is of type ${runtimeName(typeOf(key))}, not string`)
      object[key] = toJson(value.get(key)!)
    }
    return object
  }
  if (value instanceof Timestamp || value instanceof Duration) return textOf(value)
  throw new EvaluationError(`unable to convert ${runtimeName(typeOf(value))} to JSON`)
}

const number = (value: bigint): Json =>
  BigInt(Number(value)) === value && Number.isSafeInteger(Number(value)) ? Number(value) : value
