import { isObject, type Json } from '../../machinery/json.ts'
import type { Atom } from '../../machinery/managed-fields/atoms.ts'

/**
 * The paths of an apply configuration's lists, maps and objects that can only be set as a whole: whoever names one field of such a thing
 * would drop all others.
 */
export function atomicFields(value: Json | undefined, atom: Atom, path = ''): string[] {
  if (Array.isArray(value)) {
    const { list } = atom
    if (!list) return []
    const own = list.relation === 'atomic' ? [path] : []
    return [...own, ...value.flatMap((item, i) => atomicFields(item, list.item, `${path}[${i}]`))]
  }
  const { map } = atom
  if (!isObject(value) || !map) return []
  const own = map.atomic ? [path] : []
  const below = Object.keys(value).flatMap((key) => {
    const field = map.byName.get(key)
    return field ? atomicFields(value[key], field.atom, `${path}.${key}`) : []
  })
  return [...own, ...below]
}
