import { type Mark, YamlError } from './yaml-reader.ts'
import { type Token, type TokenKind, YamlScanner } from './yaml-scanner.ts'

interface NodeBase {
  /** From 0. */
  line: number
  anchor?: string
}

export type YamlNode =
  | (NodeBase & { kind: 'scalar'; value: string; tag: string; plain: boolean })
  | (NodeBase & { kind: 'sequence'; items: YamlNode[] })
  /** Keys and values by turns. */
  | (NodeBase & { kind: 'mapping'; items: YamlNode[] })
  | (NodeBase & { kind: 'alias'; name: string })

const DEFAULT_HANDLES: ReadonlyMap<string, string> = new Map([
  ['!', '!'],
  ['!!', 'tag:yaml.org,2002:'],
])

/**
 * Reads the first document of YAML text; what follows it isn't looked at.
 *
 * @returns undefined when there is none
 * @throws YamlError
 */
export function parseYaml(text: string): YamlNode | undefined {
  try {
    return new Parser(text).document()
  } catch (error) {
    // Nested deeper than the stack goes, yet within the scanner's bound.
    if (error instanceof RangeError) throw new YamlError('exceeded max depth of 10000')
    throw error
  }
}

class Parser {
  readonly #scanner: YamlScanner
  readonly #handles = new Map(DEFAULT_HANDLES)

  constructor(text: string) {
    this.#scanner = new YamlScanner(text)
  }

  document(): YamlNode | undefined {
    while (this.#at('document end')) this.#scanner.next()
    if (this.#at('end of stream')) return undefined
    const directives = this.#directives()
    if (this.#at('document start')) this.#scanner.next()
    else if (directives) this.#fail(undefined, 'did not find expected <document start>')
    if (this.#at('version', 'tag directive', 'document start', 'document end', 'end of stream')) {
      return this.#empty(this.#scanner.peek().start)
    }
    const node = this.#node(true, false)
    // What comes next is fetched, so that its errors show.
    this.#scanner.peek()
    return node
  }

  #directives(): boolean {
    let versions = 0
    let some = false
    while (this.#at('version', 'tag directive')) {
      const { kind, start, version, value = '', suffix = '' } = this.#scanner.next()
      some = true
      if (kind === 'version') {
        if (versions++) this.#fail(undefined, 'found duplicate %YAML directive', start)
        if (version![0] !== 1 || version![1] !== 1) this.#fail(undefined, 'found incompatible YAML document', start)
      } else {
        if (this.#handles.has(value) && !DEFAULT_HANDLES.has(value)) {
          this.#fail(undefined, 'found duplicate %TAG directive', start)
        }
        this.#handles.set(value, suffix)
      }
    }
    return some
  }

  /**
   * @param block whether block collections may begin here
   * @param indentless whether a sequence may begin without being further in
   */
  #node(block: boolean, indentless: boolean): YamlNode {
    const first = this.#scanner.peek()
    if (first.kind === 'alias') {
      this.#scanner.next()
      return { kind: 'alias', line: first.start.line, name: first.value! }
    }
    const { anchor, tag, start } = this.#properties()
    const token = this.#scanner.peek()
    const { line } = start ?? token.start
    const base: NodeBase = anchor === undefined ? { line } : { line, anchor }
    if (indentless && token.kind === '-') return { kind: 'sequence', ...base, items: this.#indentlessItems() }
    if (token.kind === 'scalar') {
      this.#scanner.next()
      // The tag `!` leaves open what a scalar is.
      const plain = tag === '!' || (tag === '' && token.plain === true)
      return { kind: 'scalar', ...base, value: token.value!, tag: tag === '!' ? '' : tag, plain }
    }
    if (token.kind === '[') return { kind: 'sequence', ...base, items: this.#flowSequence() }
    if (token.kind === '{') return { kind: 'mapping', ...base, items: this.#flowMapping() }
    if (block && token.kind === 'block sequence') return { kind: 'sequence', ...base, items: this.#blockSequence() }
    if (block && token.kind === 'block mapping') return { kind: 'mapping', ...base, items: this.#blockMapping() }
    if (start) return { ...this.#empty(start), ...base, tag: tag === '!' ? '' : tag } as YamlNode
    return this.#fail(token.start, 'did not find expected node content')
  }

  /** An anchor and a tag, in any order. */
  #properties(): { anchor?: string; tag: string; start?: Mark } {
    let anchor: string | undefined
    let tag: string | undefined
    let start: Mark | undefined
    while ((anchor === undefined && this.#at('anchor')) || (tag === undefined && this.#at('tag'))) {
      const token = this.#scanner.next()
      start ??= token.start
      if (token.kind === 'anchor') anchor = token.value!
      else tag = this.#resolveTag(token)
    }
    return { tag: tag ?? '', ...(anchor === undefined ? {} : { anchor }), ...(start ? { start } : {}) }
  }

  #resolveTag({ value: handle = '', suffix = '', start }: Token): string {
    if (handle === '') return suffix
    const prefix = this.#handles.get(handle)
    return prefix === undefined ? this.#fail(start, 'found undefined tag handle') : prefix + suffix
  }

  #blockSequence(): YamlNode[] {
    const { start } = this.#scanner.next()
    const items: YamlNode[] = []
    while (this.#at('-')) {
      const dash = this.#scanner.next()
      items.push(this.#at('-', 'block end') ? this.#empty(dash.start) : this.#node(true, false))
    }
    if (!this.#at('block end')) this.#fail(start, "did not find expected '-' indicator")
    this.#scanner.next()
    return items
  }

  #indentlessItems(): YamlNode[] {
    const items: YamlNode[] = []
    while (this.#at('-')) {
      const dash = this.#scanner.next()
      items.push(this.#at('-', 'key', 'value', 'block end') ? this.#empty(dash.start) : this.#node(true, false))
    }
    return items
  }

  #blockMapping(): YamlNode[] {
    const { start } = this.#scanner.next()
    const items: YamlNode[] = []
    while (this.#at('key', 'value')) {
      items.push(this.#blockMember('key'), this.#blockMember('value'))
    }
    if (!this.#at('block end')) this.#fail(start, 'did not find expected key')
    this.#scanner.next()
    return items
  }

  #blockMember(indicator: 'key' | 'value'): YamlNode {
    const { start } = this.#scanner.peek()
    if (!this.#at(indicator)) return this.#empty(start)
    this.#scanner.next()
    return this.#at('key', 'value', 'block end') ? this.#empty(start) : this.#node(true, true)
  }

  #flowSequence(): YamlNode[] {
    const { start } = this.#scanner.next()
    const items: YamlNode[] = []
    while (!this.#at(']')) {
      if (items.length) {
        this.#comma(start, ']')
        if (this.#at(']')) break
      }
      items.push(this.#at('key') ? this.#flowPair() : this.#node(false, false))
    }
    this.#scanner.next()
    return items
  }

  /** A mapping of one member, without braces, in a sequence. */
  #flowPair(): YamlNode {
    const { start } = this.#scanner.next()
    const key = this.#at('value', ',', ']') ? this.#empty(start) : this.#node(false, false)
    const value = this.#flowValue(']')
    return { kind: 'mapping', line: start.line, items: [key, value] }
  }

  #flowMapping(): YamlNode[] {
    const { start } = this.#scanner.next()
    const items: YamlNode[] = []
    while (!this.#at('}')) {
      if (items.length) {
        this.#comma(start, '}')
        if (this.#at('}')) break
      }
      if (this.#at('key')) {
        const { start: at } = this.#scanner.next()
        const key = this.#at('value', ',', '}') ? this.#empty(at) : this.#node(false, false)
        items.push(key, this.#flowValue('}'))
      } else {
        const key = this.#node(false, false)
        items.push(key, this.#empty(this.#scanner.peek().start))
      }
    }
    this.#scanner.next()
    return items
  }

  #flowValue(close: ']' | '}'): YamlNode {
    const { start } = this.#scanner.peek()
    if (!this.#at('value')) return this.#empty(start)
    this.#scanner.next()
    return this.#at(',', close) ? this.#empty(start) : this.#node(false, false)
  }

  #comma(start: Mark, close: string): void {
    if (!this.#at(',')) this.#fail(start, `did not find expected ',' or '${close}'`)
    this.#scanner.next()
  }

  #empty({ line }: Mark): YamlNode {
    return { kind: 'scalar', line, value: '', tag: '', plain: true }
  }

  #at(...kinds: TokenKind[]): boolean {
    return kinds.includes(this.#scanner.peek().kind)
  }

  /** The line in the message is that of the context or, when that is the first line, of the token; counted from 0. */
  #fail(context: Mark | undefined, problem: string, at: Mark = this.#scanner.peek().start): never {
    const line = context?.line || at.line
    throw new YamlError(line ? `line ${line}: ${problem}` : problem)
  }
}
