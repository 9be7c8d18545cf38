import { isObject, type Json } from '../json.ts'
import { type Atom, firstPart, type ListAtom, type MapAtom, partOf } from './atoms.ts'
import { printElement } from './elements.ts'
import { itemElement, TypingError } from './list-items.ts'

/**
 * Checks that a configuration is of its type: known fields, values of the right sort, items that can be told apart.
 * @throws TypingError that tells of all that is wrong, in the reference's words
 */
export function checkApplied(value: Json, atom: Atom): void {
  const problems: string[] = []
  check(value, atom, '', problems)
  if (problems.length === 1) throw new TypingError(problems[0])
  if (problems.length) throw new TypingError(['errors:', ...problems.map((problem) => `  ${problem}`)].join('\n'))
}

const at = (path: string, message: string): string => (path ? `${path}: ${message}` : message)

function check(value: Json, atom: Atom, path: string, problems: string[]): void {
  const part = partOf(value, atom)
  switch (part === 'none' ? firstPart(atom) : part) {
    case 'map':
      checkMap(value, atom.map as MapAtom, path, problems)
      return
    case 'list':
      checkList(value, atom.list as ListAtom, path, problems)
      return
    default:
      checkScalar(value, atom, path, problems)
  }
}

function checkScalar(value: Json, { scalar }: Atom, path: string, problems: string[]): void {
  if (value === null) return
  if (scalar === 'numeric' && typeof value !== 'number' && typeof value !== 'bigint') {
    problems.push(at(path, 'expected numeric (int or float), got *value.valueUnstructured'))
  } else if (scalar === 'string' && typeof value !== 'string') {
    problems.push(at(path, `expected string, got &value.valueUnstructured{Value:${goSyntax(value)}}`))
  } else if (scalar === 'boolean' && typeof value !== 'boolean') {
    problems.push(at(path, `expected boolean, got &{${goValue(value)}}`))
  }
}

function checkMap(value: Json, map: MapAtom, path: string, problems: string[]): void {
  if (value === null) return
  if (!isObject(value)) {
    problems.push(at(path, `expected map, got &{${goValue(value)}}`))
    return
  }
  for (const key of Object.keys(value)) {
    const atom = map.byName.get(key)?.atom ?? map.element
    if (!atom) {
      problems.push(`${path}.${key}: field not declared in schema`)
      // The rest of the members isn't looked at.
      return
    }
    check(value[key] ?? null, atom, `${path}.${key}`, problems)
  }
}

function checkList(value: Json, list: ListAtom, path: string, problems: string[]): void {
  if (value === null) return
  if (!Array.isArray(value)) {
    problems.push(at(path, `expected list, got &{${goValue(value)}}`))
    return
  }
  const seen = new Set<string>()
  for (const [i, item] of value.entries()) {
    let element = `i:${i}`
    if (list.relation !== 'atomic') {
      try {
        element = itemElement(list, item)
      } catch (error) {
        if (!(error instanceof TypingError)) throw error
        problems.push(at(path, `element ${i}: ${error.message}`))
        return
      }
      if (seen.has(element)) problems.push(at(path, `duplicate entries for key ${printElement(element)}`))
      seen.add(element)
    }
    check(item, list.item, path + printElement(element), problems)
  }
}

/** A number as Go's %v prints the double that it was read as. */
function goNumber(value: number | bigint): string {
  const number = Number(value)
  const [mantissa = '', exponent = '0'] = number.toExponential().split('e')
  const power = Number(exponent)
  if (power >= -4 && power < 21) return String(number)
  return `${mantissa}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`
}

/** A value as Go's %v prints it. */
function goValue(value: Json | undefined): string {
  if (value === null || value === undefined) return '<nil>'
  if (typeof value === 'number' || typeof value === 'bigint') return goNumber(value)
  if (Array.isArray(value)) return `[${value.map(goValue).join(' ')}]`
  if (isObject(value)) {
    const keys = Object.keys(value).sort()
    return `map[${keys.map((key) => `${key}:${goValue(value[key])}`).join(' ')}]`
  }
  return String(value)
}

/** A value as Go's %#v prints it. */
function goSyntax(value: Json | undefined): string {
  if (value === null || value === undefined) return 'interface {}(nil)'
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'number' || typeof value === 'bigint') return goNumber(value)
  if (Array.isArray(value)) return `[]interface {}{${value.map(goSyntax).join(', ')}}`
  if (isObject(value)) {
    const keys = Object.keys(value).sort()
    return `map[string]interface {}{${keys.map((key) => `${JSON.stringify(key)}:${goSyntax(value[key])}`).join(', ')}}`
  }
  return String(value)
}
