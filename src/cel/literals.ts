const NAMED: Readonly<Record<string, number>> = { a: 7, b: 8, f: 12, n: 10, r: 13, t: 9, v: 11 }

/** The text between a literal's quotes, and whether it is raw. */
function inner(text: string): { body: string; raw: boolean } {
  const raw = /^[rR]/.test(text)
  const quoted = raw ? text.slice(1) : text
  const quotes = quoted.startsWith('"""') || quoted.startsWith("'''") ? 3 : 1
  return { body: quoted.slice(quotes, -quotes).replaceAll('\r\n', '\n').replaceAll('\r', '\n'), raw }
}

const ESCAPE = /\\(?:[xX]([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})|(.))/gsu

function codeOf(match: RegExpMatchArray): number {
  const [, byte, short, long, octal, character] = match
  const hex = byte ?? short ?? long
  if (hex !== undefined) return Number.parseInt(hex, 16)
  if (octal !== undefined) return Number.parseInt(octal, 8)
  return NAMED[character!] ?? character!.codePointAt(0)!
}

/** What a string literal stands for; undefined when it holds what is no character. */
export function stringLiteral(text: string): string | undefined {
  const { body, raw } = inner(text)
  if (raw || !body.includes('\\')) return body
  let wrong = false
  const result = body.replace(ESCAPE, (...match: unknown[]) => {
    const code = codeOf(match as unknown as RegExpMatchArray)
    if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) wrong = true
    return wrong ? '' : String.fromCodePoint(code)
  })
  return wrong ? undefined : result
}

/** What a bytes literal stands for; undefined when it holds Unicode escapes, which bytes can't have. */
export function bytesLiteral(text: string): Uint8Array | undefined {
  const { body, raw } = inner(text.slice(1))
  if (raw) return Buffer.from(body)
  const parts: Uint8Array[] = []
  let last = 0
  for (const match of body.matchAll(ESCAPE)) {
    if (match[2] !== undefined || match[3] !== undefined) return undefined
    parts.push(Buffer.from(body.slice(last, match.index)), Uint8Array.of(codeOf(match)))
    last = match.index + match[0].length
  }
  parts.push(Buffer.from(body.slice(last)))
  return Buffer.concat(parts)
}
