import { quote } from './field-errors.ts'
import { SelectorError } from './label-selector-parser.ts'

export interface FieldRequirement {
  field: string
  operator: '=' | '!='
  value: string
}

/** All of some requirements on fields' values. */
export class FieldSelector {
  readonly requirements: readonly FieldRequirement[]
  readonly empty: boolean

  constructor(requirements: readonly FieldRequirement[]) {
    this.requirements = requirements
    this.empty = requirements.length === 0
  }

  /** @param get the text of a field; empty when it has none */
  matches(get: (field: string) => string): boolean {
    for (const { field, operator, value } of this.requirements) {
      if ((get(field) === value) !== (operator === '=')) return false
    }
    return true
  }

  /** The value that a field must have, when one requirement says so. */
  exact(field: string): string | undefined {
    return this.requirements.find((r) => r.field === field && r.operator === '=')?.value
  }

  toString(): string {
    return this.requirements.map((r) => `${r.field}${r.operator}${escapeFieldValue(r.value)}`).join(',')
  }
}

/**
 * Parses the text of a `fieldSelector` option. Whether a kind has such fields is for the caller to check.
 *
 * @throws SelectorError with the reference's message (an option's error is a 400 with just that message)
 */
export function parseFieldSelector(text: string): FieldSelector {
  const requirements: FieldRequirement[] = []
  for (const term of splitTerms(text).sort()) {
    if (term === '') continue
    const operator = /!=|==|=/.exec(term)
    if (!operator) throw new SelectorError(`invalid selector: '${text}'; can't understand '${term}'`)
    const field = term.slice(0, operator.index)
    const value = unescapeFieldValue(term.slice(operator.index + operator[0].length))
    // The reference drops the term of nothing at all (`=`), whatever its operator.
    if (field !== '' || value !== '') requirements.push({ field, operator: operator[0] === '!=' ? '!=' : '=', value })
  }
  return new FieldSelector(requirements)
}

/** The message for a field that a kind with selectable fields of its own doesn't have. */
export const unsupportedFieldLabel = (field: string): string => `field label not supported: ${field}`

/** The message for a field that a kind without selectable fields of its own doesn't have. */
export const unknownFieldSelector = (field: string): string =>
  `${quote(field)} is not a known field selector: only "metadata.name", "metadata.namespace"`

export function escapeFieldValue(value: string): string {
  return value.replace(/[\\,=]/g, '\\$&')
}

/** At commas that no backslash precedes. */
function splitTerms(text: string): string[] {
  const terms: string[] = []
  let start = 0
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '\\') at++
    else if (text[at] === ',') {
      terms.push(text.slice(start, at))
      start = at + 1
    }
  }
  terms.push(text.slice(start))
  return terms
}

function unescapeFieldValue(value: string): string {
  if (!/[\\,=]/.test(value)) return value
  let plain = ''
  const characters = [...value]
  for (let at = 0; at < characters.length; at++) {
    const character = characters[at]!
    if (character === ',' || character === '=') {
      throw new SelectorError(`invalid field selector: unescaped character in value: ${character.charCodeAt(0)}`)
    }
    if (character !== '\\') {
      plain += character
      continue
    }
    const next = characters[++at]
    if (next !== '\\' && next !== ',' && next !== '=') {
      throw new SelectorError(`invalid field selector: invalid escape sequence: \\${next ?? ''}`)
    }
    plain += next
  }
  return plain
}
