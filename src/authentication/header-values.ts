/** Node gives header bytes as Latin-1; values are compared as what the bytes mean in UTF-8. */
export const utf8 = (value: string): string =>
  // Equal when all of it is ASCII, and far quicker to find out than by a pattern.
  Buffer.byteLength(value) === value.length ? value : Buffer.from(value, 'latin1').toString('utf8')

/**
 * Every value of a header, each time that it was sent: Node joins some of the repeated ones, and a value may have commas of
 * its own.
 *
 * @param name in lower case
 */
export function headerValues(rawHeaders: readonly string[], name: string): string[] {
  const values: string[] = []
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const header = rawHeaders[i]!
    if (header.length === name.length && header.toLowerCase() === name) values.push(utf8(rawHeaders[i + 1]!))
  }
  return values
}

/**
 * The headers that begin with a prefix, as a map: `x-remote-extra-` and `X-Remote-Extra-Acme.com%2Fproject: a` give
 * `acme.com/project`. What isn't escaped well is taken as it is.
 *
 * @param prefix in lower case
 * @param into is added to
 */
export function prefixedHeaders(rawHeaders: readonly string[], prefix: string, into: Record<string, string[]>): void {
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const header = rawHeaders[i]!.toLowerCase()
    if (!header.startsWith(prefix)) continue
    const key = unescaped(header.slice(prefix.length))
    if (!Object.hasOwn(into, key)) Object.defineProperty(into, key, { value: [], enumerable: true })
    into[key]!.push(utf8(rawHeaders[i + 1]!))
  }
}

function unescaped(key: string): string {
  try {
    return decodeURIComponent(key)
  } catch {
    return key
  }
}
