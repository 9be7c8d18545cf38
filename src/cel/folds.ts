import type { Fold } from './ast.ts'
import { EvaluationError, noSuchOverload } from './errors.ts'
import { charge, type Frame, type Step } from './frame.ts'
import { EntryMap, MapValue, type Value } from './values.ts'

interface Parts {
  readonly range: Step
  /** Where the variables go. */
  readonly slots: readonly number[]
  readonly condition: Step | undefined
  readonly transform: Step
}

/** Calls `see` for each element, with the variables set, until it returns true. Costs are those of the macro's expansion. */
type Each = (frame: Frame, perElement: number, see: (frame: Frame) => boolean | undefined) => void

/** Plans a macro over a list or a map. */
export function planFold({ operation }: Fold, parts: Parts): Step {
  const each = iteration(parts)
  const { condition, transform } = parts
  switch (operation) {
    case 'all':
      return quantifier(each, condition!, false, 3)
    case 'exists':
      return quantifier(each, condition!, true, 4)
    case 'exists_one':
      return (frame) => {
        let count = 0
        each(frame, 1, () => {
          if (truth(condition!(frame))) count++
          return false
        })
        charge(frame, 2)
        return count === 1
      }
    case 'filter':
      return (frame) => {
        const found: Value[] = []
        const slot = parts.slots[0]!
        each(frame, 1, () => {
          if (truth(condition!(frame))) {
            charge(frame, 12)
            found.push(frame.slots[slot]!)
          }
          return false
        })
        charge(frame, 1)
        return found
      }
    case 'map':
      return (frame) => {
        const found: Value[] = []
        each(frame, 1, () => {
          if (condition && !truth(condition(frame))) return false
          charge(frame, 11)
          found.push(transform(frame))
          return false
        })
        charge(frame, 1)
        return found
      }
    case 'transformMap':
    case 'transformMapEntry':
      return (frame) => {
        const map = new EntryMap()
        const slot = parts.slots[0]!
        each(frame, 1, () => {
          if (condition && !truth(condition(frame))) return false
          charge(frame, 2)
          const value = transform(frame)
          if (operation === 'transformMap') insert(map, frame.slots[slot]!, value)
          else insertAll(map, value)
          return false
        })
        charge(frame, 1)
        return map
      }
  }
}

function truth(value: Value): boolean {
  if (typeof value !== 'boolean') throw noSuchOverload()
  return value
}

function insert(map: EntryMap, key: Value, value: Value): void {
  if (!map.add(key, value)) throw new EvaluationError(`insert failed: key ${String(key)} already exists`)
}

function insertAll(map: EntryMap, entry: Value): void {
  if (!(entry instanceof MapValue)) throw noSuchOverload()
  for (const key of entry.keys()) insert(map, key, entry.get(key)!)
}

/** `all` and `exists`: one decisive element makes up for the errors of others. */
function quantifier(each: Each, condition: Step, decisive: boolean, perElement: number): Step {
  return (frame) => {
    let failure: EvaluationError | undefined
    let decided = false
    each(frame, perElement, () => {
      try {
        decided = truth(condition(frame)) === decisive
      } catch (error) {
        if (!(error instanceof EvaluationError)) throw error
        failure ??= error
      }
      return decided
    })
    charge(frame, 1)
    if (decided) return decisive
    if (failure) throw failure
    return !decisive
  }
}

function iteration({ range, slots }: Parts): Each {
  const [first, second] = slots as [number, number?]
  return (frame, perElement, see) => {
    const collection = range(frame)
    if (Array.isArray(collection)) {
      for (let i = 0; i < collection.length; i++) {
        charge(frame, perElement)
        frame.slots[first] = second === undefined ? collection[i] : BigInt(i)
        if (second !== undefined) frame.slots[second] = collection[i]
        if (see(frame)) return
      }
    } else if (collection instanceof MapValue) {
      for (const key of collection.keys()) {
        charge(frame, perElement)
        frame.slots[first] = key
        if (second !== undefined) frame.slots[second] = collection.get(key)!
        if (see(frame)) return
      }
    } else throw noSuchOverload()
  }
}
