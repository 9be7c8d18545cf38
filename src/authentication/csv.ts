/**
 * Reads comma-separated values by the rules of Go's encoding/csv with its defaults, as the reference does: blank lines
 * are skipped, there are no comments, records may differ in length, a quote opens its field or is an error, and is doubled
 * inside one, a quoted field may span lines, CR LF counts as LF.
 *
 * @throws Error with Go's text for a misplaced quote; lines and columns (in bytes) count from 1
 */
export function parseCsv(text: string): string[][] {
  // Go drops a CR before LF, or as the very last byte. Each line keeps its LF.
  const lines =
    text
      .replace(/\r\n/g, '\n')
      .replace(/\r$/, '')
      .match(/[^\n]*\n|[^\n]+$/g) ?? []
  const records: string[][] = []
  for (let row = 0; row < lines.length; ) {
    if (lines[row] === '\n') row++
    else row = readRecord(lines, row, records)
  }
  return records
}

/** Adds the record that starts on a line. @returns the index of the line after the record */
function readRecord(lines: readonly string[], start: number, records: string[][]): number {
  const record: string[] = []
  let row = start
  let line = lines[row]!
  let at = 0

  const failure = (position: number, what: string): Error => {
    const column = Buffer.byteLength(line.slice(0, position)) + 1
    const record = row === start ? '' : `record on line ${start + 1}; `
    return new Error(`${record}parse error on line ${row + 1}, column ${column}: ${what}`)
  }
  const atEndOfLine = (): boolean => at === line.length || line[at] === '\n'

  /** Reads a field up to the comma or the line's end. */
  const plainField = (): string => {
    const comma = line.indexOf(',', at)
    const field = line.slice(at, comma >= 0 ? comma : line.endsWith('\n') ? -1 : undefined)
    const quote = field.indexOf('"')
    if (quote >= 0) throw failure(at + quote, 'bare " in non-quoted-field')
    at += field.length
    return field
  }

  /** Reads a field from its opening quote to behind the closing one, maybe lines later. */
  const quotedField = (): string => {
    let field = ''
    at++
    for (;;) {
      const quote = line.indexOf('"', at)
      if (quote >= 0) {
        field += line.slice(at, quote)
        at = quote + 1
        if (line[at] !== '"') break
        field += '"'
        at++
      } else {
        field += line.slice(at)
        if (row + 1 === lines.length) throw failure(line.length, UNBALANCED)
        line = lines[++row]!
        at = 0
      }
    }
    if (!atEndOfLine() && line[at] !== ',') throw failure(at - 1, UNBALANCED)
    return field
  }

  for (;;) {
    record.push(line[at] === '"' ? quotedField() : plainField())
    if (atEndOfLine()) break
    at++
  }
  records.push(record)
  return row + 1
}

const UNBALANCED = 'extraneous or missing " in quoted-field'
