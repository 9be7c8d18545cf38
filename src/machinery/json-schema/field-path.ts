import { propertyOf, type Schema, valuesOf } from './schema.ts'

/** A path into objects of a schema, resolved. */
export interface FieldPath {
  /** As the reference prints it: `spec.labels[a.b]`. */
  text: string
  /** Its first name. */
  root: string
  /** The schema of what it points at; undefined when nothing is known of that. */
  schema: Schema | undefined
}

const TOKEN = /'(?:[^'\\]|\\.)*'|[.[\]]|[^.[\]']+|'.*$/gs

/**
 * Resolves a path of names (`.spec.size`, `['a.b']`) in a schema.
 * @param brackets whether names may stand in brackets
 * @returns the path, or what is wrong with it
 */
export function resolveFieldPath(path: string, schema: Schema, brackets = true): FieldPath | string {
  const tokens = path.match(TOKEN) ?? []
  let text = ''
  let root = ''
  let at: Schema | undefined = schema
  let i = 0
  while (i < tokens.length) {
    const token = tokens[i++] as string
    if (token !== '.' && token !== '[') return `expected [ or . but got: ${token}`
    if (token === '[' && !brackets) return 'array notation is not allowed'
    const given = tokens[i++]
    if (given === undefined) return 'unexpected end of JSON path'
    const name: string | undefined = token === '.' ? given : unquote(given)
    if (name === undefined) return `expected single quoted string but got ${given}`
    const isField: boolean = Object.keys(at?.properties ?? {}).length > 0
    if (!isField && at?.additionalProperties === undefined) return 'does not refer to a valid field'
    const next: Schema | undefined = at && (isField ? propertyOf(at, name) : valuesOf(at))
    if (isField && !next) return 'does not refer to a valid field'
    at = next
    text += isField ? (text ? `.${name}` : name) : `[${name}]`
    root ||= name
    if (token === '.') continue
    const end = tokens[i++]
    if (end === undefined) return 'unexpected end of JSON path'
    if (end !== ']') return `expected ] but got ${end}`
  }
  return { text, root, schema: at }
}

function unquote(token: string): string | undefined {
  if (token.length < 2 || !token.startsWith("'") || !token.endsWith("'")) return undefined
  return token.slice(1, -1).replace(/\\(.)/gs, '$1')
}
