/** A pattern that Go doesn't take, in its words. */
class GoPatternError extends Error {
  constructor(code: string, fragment: string) {
    super(`error parsing regexp: ${code}: \`${fragment}\``)
  }
}

/** What is wrong with a pattern, as Go's `regexp` says it; undefined when nothing is. */
export function regexpFault(pattern: string): string | undefined {
  try {
    compileGoRegexp(pattern)
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/**
 * Compiles a pattern in Go's syntax (RE2, https://github.com/google/re2/wiki/Syntax) to one that matches the same.
 * @throws Error with Go's message when Go wouldn't take the pattern
 */
export function compileGoRegexp(pattern: string): RegExp {
  const { source, flags } = new Translation(pattern).run()
  try {
    return new RegExp(source, flags)
  } catch {
    throw new GoPatternError('invalid character class', pattern)
  }
}

const SPACE = '\\t\\n\\f\\r '
const POSIX: Readonly<Record<string, string>> = {
  alnum: '0-9A-Za-z',
  alpha: 'A-Za-z',
  ascii: '\\x00-\\x7f',
  blank: '\\t ',
  cntrl: '\\x00-\\x1f\\x7f',
  digit: '0-9',
  graph: '!-~',
  lower: 'a-z',
  print: ' -~',
  punct: '!-\\/:-@\\[-`\\{-~',
  space: '\\t\\n\\v\\f\\r ',
  upper: 'A-Z',
  word: '0-9A-Za-z_',
  xdigit: '0-9A-Fa-f',
}
const CATEGORY = /^(?:C[cfnos]?|L[lmotu]?|M[cen]?|N[dlo]?|P[cdefios]?|S[ckmo]?|Z[lps]?)$/
const REPEAT = /^\{(\d+)(,(\d*))?\}/
const MAX_REPEAT = 1000
const GROUP = /^\(\?(?:P?<(\w+)>|([imsU]*)(?:-([imsU]+))?(:|\)))/

/** One pass over a pattern, which writes JavaScript's form of it. */
class Translation {
  readonly #pattern: string
  #at = 0
  #out = ''
  /** For each open group, how many closing parentheses its end takes. */
  readonly #open: number[] = []
  #dotAll = false
  /** How many groups the end of the pattern closes. */
  #trailing = 0

  constructor(pattern: string) {
    this.#pattern = pattern
  }

  run(): { source: string; flags: string } {
    let repeatable = false
    let repeated: string | undefined
    while (this.#at < this.#pattern.length) {
      const start = this.#at
      const c = this.#pattern[start] as string
      const repeat = this.#repetition(c)
      if (repeat) {
        if (repeated !== undefined) throw new GoPatternError('invalid nested repetition operator', repeated + repeat)
        if (!repeatable) throw new GoPatternError('missing argument to repetition operator', repeat)
        this.#at += repeat.length
        this.#out += repeat
        repeated = repeat
        continue
      }
      repeated = undefined
      repeatable = this.#item(c)
    }
    if (this.#open.length) throw new GoPatternError('missing closing )', this.#pattern)
    return { source: this.#out + ')'.repeat(this.#trailing), flags: 'u' }
  }

  /** The repetition operator at the current place, with a `?` that makes it lazy. */
  #repetition(c: string): string | undefined {
    const rest = this.#pattern.slice(this.#at)
    if ('*+?'.includes(c)) return /^[*+?]\??/.exec(rest)![0]
    const braces = c === '{' ? REPEAT.exec(rest) : null
    if (!braces) return undefined
    const [text, low = '', , high] = braces
    if (Number(low) > MAX_REPEAT || Number(high ?? 0) > MAX_REPEAT || (high && Number(high) < Number(low))) {
      throw new GoPatternError('invalid repeat count', text)
    }
    return rest[text.length] === '?' ? `${text}?` : text
  }

  /** Anything but a repetition; returns whether it can be repeated. */
  #item(c: string): boolean {
    switch (c) {
      case '(':
        return this.#group()
      case ')':
        return this.#close()
      case '[':
        this.#class()
        return true
      case '|':
        this.#write('|')
        return false
      case '.':
        this.#write(this.#dotAll ? '[^]' : '[^\\n]')
        return true
      case '^':
      case '$':
        this.#write(c)
        return true
      case '{':
      case '}':
      case ']':
        this.#write(`\\${c}`)
        return true
      case '\\':
        this.#out += this.#escape(false)
        return true
      default: {
        const character = String.fromCodePoint(this.#pattern.codePointAt(this.#at) as number)
        this.#out += character === '/' ? '\\/' : character
        this.#at += character.length
        return true
      }
    }
  }

  #write(text: string): void {
    this.#out += text
    this.#at++
  }

  #group(): boolean {
    const rest = this.#pattern.slice(this.#at)
    if (!rest.startsWith('(?')) {
      this.#open.push(1)
      this.#write('(')
      return false
    }
    const group = GROUP.exec(rest)
    if (!group) throw new GoPatternError('invalid or unsupported Perl syntax', /^\(\?(?:P?[<=!>]|[^)]?)/.exec(rest)![0])
    this.#at += group[0].length
    const [, name, on = '', off = '', end] = group
    if (name) {
      this.#open.push(1)
      this.#out += `(?<${name}>`
      return false
    }
    const modifiers = `${on.replace('U', '')}${off ? `-${off.replace('U', '')}` : ''}`
    if (on.includes('s')) this.#dotAll = true
    if (off.includes('s')) this.#dotAll = false
    if (end === ':') {
      this.#open.push(1)
      this.#out += `(?${modifiers}:`
    } else if (modifiers) {
      // Applies up to the end of the group around it, or of the pattern.
      this.#out += `(?${modifiers}:`
      if (this.#open.length) this.#open[this.#open.length - 1]!++
      else this.#trailing++
    }
    return false
  }

  #close(): boolean {
    const depth = this.#open.pop()
    if (depth === undefined) throw new GoPatternError('unexpected )', this.#pattern)
    this.#out += ')'.repeat(depth)
    this.#at++
    return true
  }

  #class(): void {
    const start = this.#at
    let out = '['
    this.#at++
    if (this.#pattern[this.#at] === '^') {
      out += '^'
      this.#at++
    }
    let first = true
    for (;;) {
      const c = this.#pattern[this.#at]
      if (c === undefined) throw new GoPatternError('missing closing ]', this.#pattern.slice(start))
      if (c === ']' && !first) break
      first = false
      const posix = /^\[:(\^?)(\w+):\]/.exec(this.#pattern.slice(this.#at))
      if (posix) {
        const set = POSIX[posix[2] as string]
        if (!set || posix[1]) throw new GoPatternError('invalid character class range', posix[0])
        out += set
        this.#at += posix[0].length
      } else if (c === '\\') out += this.#escape(true)
      else {
        const character = String.fromCodePoint(this.#pattern.codePointAt(this.#at) as number)
        out += '[]{}()/|'.includes(character) ? `\\${character}` : character
        this.#at += character.length
      }
      this.#checkRange(out)
    }
    this.#at++
    this.#out += `${out}]`
  }

  #checkRange(out: string): void {
    const range = /([^\\[\]])-([^\\[\]])$/u.exec(out)
    if (range && (range[1] as string) > (range[2] as string)) throw new GoPatternError('invalid character class range', range[0])
  }

  #escape(inClass: boolean): string {
    const rest = this.#pattern.slice(this.#at)
    if (rest.length < 2) throw new GoPatternError('trailing backslash at end of expression', '')
    const c = rest[1] as string
    const take = (length: number, text: string): string => {
      this.#at += length
      return text
    }
    const property = /^\\([pP])(?:\{(\^?)(\w+)\}|([A-Z]))/.exec(rest)
    if (property) {
      const name = property[3] ?? (property[4] as string)
      const negated = (property[1] === 'P') !== (property[2] === '^')
      return take(property[0].length, `\\${negated ? 'P' : 'p'}{${CATEGORY.test(name) ? name : `Script=${name}`}}`)
    }
    if (c === 's') return take(2, inClass ? SPACE : `[${SPACE}]`)
    if (c === 'S') return take(2, inClass ? '\\S' : `[^${SPACE}]`)
    if ('dDwW'.includes(c) || (!inClass && 'bB'.includes(c)) || 'fnrtv'.includes(c)) return take(2, `\\${c}`)
    if (c === 'a') return take(2, '\\x07')
    if (!inClass && c === 'A') return take(2, '(?<![^])')
    if (!inClass && c === 'z') return take(2, '(?![^])')
    const quoted = inClass ? null : /^\\Q(.*?)(?:\\E|$)/s.exec(rest)
    if (quoted) return take(quoted[0].length, (quoted[1] as string).replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'))
    const hex = /^\\x(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]+)\})/.exec(rest)
    if (hex) return take(hex[0].length, `\\u{${hex[1] ?? hex[2]}}`)
    const octal = /^\\0[0-7]{0,2}|^\\[1-7][0-7]{1,2}/.exec(rest)
    if (octal) return take(octal[0].length, `\\u{${Number.parseInt(octal[0].slice(1), 8).toString(16)}}`)
    if (c < '\x80' && !/[0-9A-Za-z]/.test(c)) return take(2, `\\u{${c.charCodeAt(0).toString(16)}}`)
    throw new GoPatternError('invalid escape sequence', rest.slice(0, 2))
  }
}
