import type { CallCost } from './functions.ts'
import { characters, MapValue, Special, type Value } from './values.ts'

/** Reading ten characters costs 1. */
const PER_CHARACTER = 0.1
/** Four characters of a regular expression are taken for one state. */
const PER_REGEX_CHARACTER = 0.25

/** How much of a value there is to read. */
export function sizeOf(value: Value): number {
  if (typeof value === 'string') return characters(value)
  if (value instanceof Uint8Array || Array.isArray(value)) return value.length
  return value instanceof Special ? value.size : 1
}

/** What reading characters costs. */
export const reading = (size: number): number => Math.ceil(size * PER_CHARACTER)

export const readsFirst: CallCost = ([first]) => reading(sizeOf(first!))
export const readsTwice: CallCost = ([first]) => reading(sizeOf(first!) * 2)
export const writesResult: CallCost = (_, result) => reading(sizeOf(result) * 2)
export const comparesBoth: CallCost = ([a, b]) => reading(Math.min(sizeOf(a!), sizeOf(b!)))
export const joinsBoth: CallCost = ([a, b]) => reading(sizeOf(a!) + sizeOf(b!))
export const searches: CallCost = ([text, part]) => reading(sizeOf(text!)) * reading(sizeOf(part!))
export const matchesRegex: CallCost = ([text, pattern]) =>
  reading(sizeOf(text!) + 1) * Math.ceil(sizeOf(pattern!) * PER_REGEX_CHARACTER)
export const sizeOfSecond: CallCost = ([, list]) => sizeOf(list!)

/** One step for each element, and what it takes to read the element. */
export const traverses: CallCost = ([first]) => traversal(first!)

export function traversal(value: Value): number {
  if (typeof value === 'string' || value instanceof Uint8Array) return reading(sizeOf(value))
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + traversal(item), 0)
  if (value instanceof MapValue)
    return value.keys().reduce<number>((sum, key) => sum + traversal(key) + traversal(value.get(key)!), 0)
  return 1
}
