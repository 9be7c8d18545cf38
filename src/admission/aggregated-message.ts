/** Several errors in one text, as Go's aggregates print: each once, in brackets when there are several. */
export function aggregatedMessage(messages: readonly string[]): string {
  const different = [...new Set(messages)]
  return different.length === 1 ? different[0]! : `[${different.join(', ')}]`
}
