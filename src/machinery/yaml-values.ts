import { goQuote } from './go-text.ts'
import type { Json, JsonObject } from './json.ts'
import type { YamlNode } from './yaml-parser.ts'
import { YamlError } from './yaml-reader.ts'

const PREFIX = 'tag:yaml.org,2002:'
const TRUE = new Set(['y', 'Y', 'yes', 'Yes', 'YES', 'true', 'True', 'TRUE', 'on', 'On', 'ON'])
const FALSE = new Set(['n', 'N', 'no', 'No', 'NO', 'false', 'False', 'FALSE', 'off', 'Off', 'OFF'])
const NULL = new Set(['', '~', 'null', 'Null', 'NULL'])
const SPECIAL_FLOATS = /^(?:\.(?:nan|NaN|NAN)|[-+]?\.(?:inf|Inf|INF))$/
const FLOAT = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/
const INTEGER = /^[-+]?(?:0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9][0-9]*)$/

/** What an untagged plain scalar stands for. */
export type ScalarType = 'str' | 'bool' | 'null' | 'int' | 'float' | 'timestamp' | 'merge'

type Scalar = string | number | bigint | boolean | null

/** The type that YAML 1.1 (as the reference's library has it) sees in a plain scalar. */
export function scalarType(text: string): ScalarType {
  if (NULL.has(text)) return 'null'
  if (TRUE.has(text) || FALSE.has(text)) return 'bool'
  if (text === '<<') return 'merge'
  const first = text.charCodeAt(0)
  const numeric = first === 0x2b || first === 0x2d || first === 0x2e || (first >= 0x30 && first <= 0x39)
  if (!numeric) return 'str'
  if (isTimestamp(text)) return 'timestamp'
  const plain = text.replaceAll('_', '')
  if (INTEGER.test(plain)) return 'int'
  return FLOAT.test(plain) || SPECIAL_FLOATS.test(text) ? 'float' : 'str'
}

function scalarValue(type: ScalarType, text: string): Scalar {
  switch (type) {
    case 'null':
      return null
    case 'bool':
      return TRUE.has(text)
    case 'int':
      return integer(text.replaceAll('_', ''))
    case 'float':
      return SPECIAL_FLOATS.test(text) ? specialFloat(text) : Number(text.replaceAll('_', ''))
    default:
      return text
  }
}

function integer(text: string): number | bigint {
  const digits = text.replace(/^[-+]/, '')
  // Go's octal numbers may do without the letter.
  const exact = BigInt(/^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : digits.toLowerCase())
  const value = text.startsWith('-') ? -exact : exact
  const number = Number(value)
  return Number.isSafeInteger(number) || BigInt.asIntN(64, value) !== value ? number : value
}

function specialFloat(text: string): number {
  if (/nan$/i.test(text)) return Number.NaN
  return text.startsWith('-') ? -Infinity : Infinity
}

const TIMESTAMP =
  /^[0-9]{4}-([0-9]{1,2})-([0-9]{1,2})(?:[Tt]([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:[.,][0-9]+)?(?:Z|[-+][0-9]{2}:[0-9]{2})| ([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:[.,][0-9]+)?)?$/

function isTimestamp(text: string): boolean {
  const match = TIMESTAMP.exec(text)
  if (!match) return false
  const [month, day] = [Number(match[1]), Number(match[2])]
  const [hour, minute, second] = [3, 4, 5].map((i) => Number(match[i] ?? match[i + 3] ?? 0)) as [number, number, number]
  const days = new Date(Date.UTC(2000 + (Number(text.slice(0, 4)) % 400), month, 0)).getUTCDate()
  return month >= 1 && month <= 12 && day >= 1 && day <= days && hour < 24 && minute < 60 && second < 60
}

/** What a document holds, as JSON. */
export interface YamlContent {
  value: Json
  /** `line 7: key "a" already set in map`, … : the last one counts. */
  duplicates: string[]
}

/**
 * Turns nodes into JSON: keys become strings, aliases are expanded, merges done.
 *
 * @throws YamlError also for more expansion than a document of its size may have
 */
export function yamlContent(root: YamlNode | undefined): YamlContent {
  const builder = new Builder()
  if (root) builder.collect(root)
  const value = root ? builder.value(root) : null
  return { value, duplicates: builder.duplicates }
}

class Builder {
  readonly duplicates: string[] = []
  readonly #anchors = new Map<string, YamlNode>()
  /** Which node an alias means: the last of its name before it. */
  readonly #targets = new Map<YamlNode, YamlNode>()
  readonly #open = new Set<YamlNode>()
  #count = 0
  #aliasCount = 0
  #aliasDepth = 0

  collect(node: YamlNode): void {
    if (node.kind === 'alias') {
      const target = this.#anchors.get(node.name)
      if (!target) throw new YamlError(`unknown anchor '${node.name}' referenced`)
      this.#targets.set(node, target)
      return
    }
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, node)
    if (node.kind !== 'scalar') for (const item of node.items) this.collect(item)
  }

  value(node: YamlNode): Json {
    this.#step()
    switch (node.kind) {
      case 'alias':
        return this.#expand(node, (target) => this.value(target))
      case 'scalar':
        return this.#scalar(node)
      case 'sequence':
        return node.items.map((item) => this.value(item))
      case 'mapping': {
        const object: JsonObject = {}
        this.#fill(object, node.items)
        return object
      }
    }
  }

  #step(): void {
    this.#count++
    if (this.#aliasDepth) this.#aliasCount++
    if (this.#aliasCount > 100 && this.#count > 1000 && this.#aliasCount / this.#count > allowedRatio(this.#count)) {
      throw new YamlError('document contains excessive aliasing')
    }
  }

  #expand<T>(alias: YamlNode & { kind: 'alias' }, build: (target: YamlNode) => T): T {
    if (this.#open.has(alias)) throw new YamlError(`anchor '${alias.name}' value contains itself`)
    this.#open.add(alias)
    this.#aliasDepth++
    const value = build(this.#targets.get(alias)!)
    this.#aliasDepth--
    this.#open.delete(alias)
    return value
  }

  #fill(object: JsonObject, items: readonly YamlNode[]): void {
    for (let i = 0; i < items.length; i += 2) {
      const keyNode = items[i]!
      const valueNode = items[i + 1]!
      if (isMerge(keyNode)) this.#merge(object, valueNode)
      else {
        const key = this.#key(keyNode)
        if (Object.hasOwn(object, key.text)) {
          const printed = key.isText ? goQuote(key.text) : key.text
          this.duplicates.push(`line ${valueNode.line + 1}: key ${printed} already set in map`)
        }
        set(object, key.text, this.value(valueNode))
      }
    }
  }

  #merge(object: JsonObject, node: YamlNode): void {
    this.#step()
    if (node.kind === 'mapping') this.#fill(object, node.items)
    else if (node.kind === 'alias') {
      if (this.#targets.get(node)!.kind !== 'mapping') throw new YamlError(WRONG_MERGE)
      this.#expand(node, (target) => this.#merge(object, target))
    } else if (node.kind === 'sequence') {
      // Earlier ones take precedence, so they come last.
      for (const item of node.items.toReversed()) {
        const target = item.kind === 'alias' ? this.#targets.get(item)! : item
        if (target.kind !== 'mapping') throw new YamlError(WRONG_MERGE)
        this.#merge(object, item)
      }
    } else throw new YamlError(WRONG_MERGE)
  }

  #key(node: YamlNode): { text: string; isText: boolean } {
    const target = node.kind === 'alias' ? this.#targets.get(node)! : node
    if (target.kind !== 'scalar') {
      throw new YamlError(
        `invalid map key: ${target.kind === 'mapping' ? 'map[interface {}]interface {}{}' : '[]interface {}{}'}`,
      )
    }
    this.#step()
    const value = this.#scalar(target, true)
    if (typeof value === 'string') return { text: value, isText: true }
    if (value === null) throw new YamlError('unsupported map key of type: %!s(<nil>), key: <nil>')
    const text = typeof value === 'number' && !Number.isInteger(value) ? shortFloat(value) : String(value)
    return { text, isText: false }
  }

  #scalar(node: YamlNode & { kind: 'scalar' }, isKey = false): Json {
    const { tag, value: text } = node
    if (tag === '' && !node.plain) return text
    const short = tag.startsWith(PREFIX) ? tag.slice(PREFIX.length) : tag
    if (short === 'binary') return fromBase64(text)
    if (tag !== '' && !['bool', 'int', 'float', 'null', 'timestamp'].includes(short)) return text
    const found = scalarType(text)
    if (tag !== '' && short !== found && !(short === 'float' && found === 'int')) {
      throw new YamlError(`cannot decode !!${found} \`${text}\` as a !!${short}`)
    }
    const value = scalarValue(found, text)
    if (!isKey && typeof value === 'number' && !Number.isFinite(value)) {
      throw new YamlError(`json: unsupported value: ${Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'}`)
    }
    // A bigint, as in JSON read by `parseJson`.
    return value as Json
  }
}

const WRONG_MERGE = 'map merge requires map or sequence of maps as the value'

function isMerge(node: YamlNode): boolean {
  return node.kind === 'scalar' && node.value === '<<' && (node.plain || node.tag === `${PREFIX}merge`)
}

function set(object: JsonObject, key: string, value: Json): void {
  // An assignment would set the prototype instead.
  if (key === '__proto__') Object.defineProperty(object, key, { value, enumerable: true, writable: true, configurable: true })
  else object[key] = value
}

function fromBase64(text: string): string {
  const clean = text.replace(/[\r\n]/g, '')
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(clean)) {
    throw new YamlError('!!binary value contains invalid base64 data')
  }
  return Buffer.from(clean, 'base64').toString('utf8')
}

/** The shortest text for a number of 32 bits, which is what keys are printed with. */
function shortFloat(value: number): string {
  if (Number.isNaN(value)) return '.nan'
  if (!Number.isFinite(value)) return value > 0 ? '.inf' : '-.inf'
  const single = Math.fround(value)
  for (let digits = 1; digits < 10; digits++) {
    const text = single.toPrecision(digits)
    if (Math.fround(Number(text)) === single) return String(Number(text))
  }
  return String(single)
}

const SMALL = 400_000
const LARGE = 4_000_000

/** Small documents may consist of aliases nearly altogether, large ones hardly. */
function allowedRatio(count: number): number {
  if (count <= SMALL) return 0.99
  if (count >= LARGE) return 0.1
  return 0.99 - 0.89 * ((count - SMALL) / (LARGE - SMALL))
}
