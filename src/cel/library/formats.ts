import { nameIsDns1035Label, nameIsDnsLabel, nameIsDnsSubdomain } from '../../machinery/metadata-validation.ts'
import { isQualifiedName, isValidLabelValue } from '../../machinery/validation.ts'
import { declare, type Overload } from '../functions.ts'
import { parseTimestamp } from '../times.ts'
import { opaqueType, type Type } from '../types.ts'
import { NONE, Optional, Special, type Value } from '../values.ts'
import { parseRequestUri, UrlError } from './go-url.ts'

const TYPE: Type = opaqueType('kubernetes.NamedFormat')

type Check = (text: string) => readonly string[]

class Format extends Special {
  readonly name: string
  readonly check: Check

  constructor(name: string, check: Check) {
    super()
    this.name = name
    this.check = check
  }

  get type(): Type {
    return TYPE
  }

  equals(other: Value): boolean {
    return other instanceof Format && this.name === other.name
  }
}

function uri(text: string): string[] {
  try {
    parseRequestUri(text)
    return []
  } catch (error) {
    if (error instanceof UrlError) return [error.message]
    throw error
  }
}

const matching =
  (pattern: RegExp, message: string): Check =>
  (text) =>
    pattern.test(text) ? [] : [message]

const isDate = (text: string): boolean =>
  /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(text) && parseTimestamp(`${text}T00:00:00Z`) !== undefined

const FORMATS: ReadonlyMap<string, Format> = new Map(
  Object.entries<Check>({
    dns1123Label: (text) => nameIsDnsLabel(text, false),
    dns1123Subdomain: (text) => nameIsDnsSubdomain(text, false),
    dns1035Label: (text) => nameIsDns1035Label(text, false),
    qualifiedName: isQualifiedName,
    dns1123LabelPrefix: (text) => nameIsDnsLabel(text, true),
    dns1123SubdomainPrefix: (text) => nameIsDnsSubdomain(text, true),
    dns1035LabelPrefix: (text) => nameIsDns1035Label(text, true),
    labelValue: isValidLabelValue,
    uri,
    uuid: matching(/^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i, 'does not match the UUID format'),
    byte: matching(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})$/, 'invalid base64'),
    date: (text) => (isDate(text) ? [] : ['invalid date']),
    datetime: (text) => (isDate(text.slice(0, 10)) && parseTimestamp(text) !== undefined ? [] : ['invalid datetime']),
  }).map(([name, check]) => [name, new Format(name, check)]),
)

/** Formats of texts by name, with what is wrong with a text. */
export const formats: readonly Overload[] = [
  ...[...FORMATS].map(([name, format]) => declare(`format.${name}(): kubernetes.NamedFormat`, () => format)),
  declare('format.named(string): optional_type(kubernetes.NamedFormat)', (name: string) => {
    const format = FORMATS.get(name)
    return format ? new Optional(format) : NONE
  }),
  declare('kubernetes.NamedFormat::validate(string): optional_type(list(string))', ({ check }: Format, text: string) => {
    const problems = check(text)
    return problems.length ? new Optional(problems) : NONE
  }),
]
