/** Go's names of the control characters that have one. */
const NAMED: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
}

const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u
const SPECIAL = /["\\]|[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu

/** Quotes a text as Go's `%q` does. */
export function goQuote(text: string): string {
  return `"${text.replace(SPECIAL, escapeCharacter)}"`
}

/** Whether Go would print a character as it is. */
export function isPrintable(character: string): boolean {
  return PRINTABLE.test(character)
}

/** Quotes one byte, taken as a Latin-1 character, as Go's JSON errors do. */
export function goQuoteByte(byte: number): string {
  const character = String.fromCharCode(byte)
  if (character === "'") return "'\\''"
  if (character === '"') return `'"'`
  return `'${goQuote(character).slice(1, -1)}'`
}

function escapeCharacter(character: string): string {
  const named = NAMED[character]
  if (named) return named
  const code = character.codePointAt(0)!
  if (code < 0x20 || code === 0x7f) return `\\x${code.toString(16).padStart(2, '0')}`
  // A lone surrogate is no character at all in Go.
  if (code >= 0xd800 && code <= 0xdfff) return '\ufffd'
  return code < 0x10000 ? `\\u${code.toString(16).padStart(4, '0')}` : `\\U${code.toString(16).padStart(8, '0')}`
}

/** Text as Go sees it when it reads bytes as UTF-8: every byte that fits nowhere is one U+FFFD. */
export function decodeUtf8(bytes: Buffer): string {
  const text = bytes.toString('utf8')
  // Only where something was replaced can the two disagree.
  if (!text.includes('\ufffd')) return text
  let result = ''
  let start = 0
  let at = 0
  while (at < bytes.length) {
    const length = sequenceLength(bytes, at)
    if (length) {
      at += length
      continue
    }
    result += `${bytes.toString('utf8', start, at)}\ufffd`
    start = ++at
  }
  return result + bytes.toString('utf8', start)
}

/** The bytes of the character that starts here; 0 when none does. */
function sequenceLength(bytes: Buffer, at: number): number {
  const lead = bytes[at]!
  if (lead < 0x80) return 1
  const length = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0
  for (let i = 1; i < length; i++) {
    if (((bytes[at + i] ?? 0) & 0xc0) !== 0x80) return 0
  }
  const second = bytes[at + 1] ?? 0
  // Overlong forms, surrogates, and what lies beyond Unicode.
  if ((lead === 0xe0 && second < 0xa0) || (lead === 0xed && second > 0x9f)) return 0
  if ((lead === 0xf0 && second < 0x90) || (lead === 0xf4 && second > 0x8f)) return 0
  return length
}

/** Quotes a text as Go's errors about times and durations do: everything beyond ASCII as bytes. */
export function goTimeQuote(text: string): string {
  const inner = text.replace(/["\\]|[^ -\x7f]/gu, (character) =>
    character === '"' || character === '\\'
      ? `\\${character}`
      : [...Buffer.from(character)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join(''),
  )
  return `"${inner}"`
}
