const MOST_CHARACTERS = 4096
/** Of each, once all together are more. */
const MOST_CHARACTERS_OF_ONE = 256

/**
 * The Warning headers of an answer (RFC 7234, with code 299), each text once. Those of more than 4,096 characters are cut off, and what is
 * too much even so isn't told: clients don't read headers without end.
 */
export function warningHeaders(texts: readonly string[]): string[] {
  const unique = [...new Set(texts)].filter((text) => text !== '')
  if (isWithinLimit(unique)) return unique.map(warningHeader)
  const headers: string[] = []
  let total = 0
  for (const text of unique) {
    if (total >= MOST_CHARACTERS) break
    const characters = [...text].slice(0, MOST_CHARACTERS_OF_ONE)
    total += characters.length
    headers.push(warningHeader(characters.join('')))
  }
  return headers
}

function isWithinLimit(texts: readonly string[]): boolean {
  let total = 0
  for (const text of texts) {
    total += [...text].length
    if (total > MOST_CHARACTERS) return false
  }
  return true
}

/** One of them. */
export function warningHeader(text: string): string {
  const clean = text.replace(/[\u0000-\u001f\u007f]/g, ' ')
  return `299 - "${clean.replace(/[\\"]/g, '\\$&')}"`
}
