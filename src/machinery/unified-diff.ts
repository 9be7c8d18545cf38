/** Lines around a change that are shown with it. */
const CONTEXT = 3
/** From this many lines on, lines that occur often don't anchor matches (Python's difflib, which the reference's library ports). */
const POPULAR_FROM = 200

type Operation = { kind: 'equal' | 'change'; a: [from: number, to: number]; b: [from: number, to: number] }

/** The unified diff of two texts, without the file names; '' when they are the same. Every line of it ends with a newline. */
export function unifiedDiff(before: string, after: string): string {
  const a = before.split('\n')
  const b = after.split('\n')
  return hunks(operations(a, b))
    .map((hunk) => printHunk(hunk, a, b))
    .join('')
}

function printHunk(hunk: readonly Operation[], a: readonly string[], b: readonly string[]): string {
  const first = hunk[0] as Operation
  const last = hunk.at(-1) as Operation
  const lines = [`@@ -${range(first.a[0], last.a[1])} +${range(first.b[0], last.b[1])} @@`]
  for (const { kind, a: inA, b: inB } of hunk) {
    if (kind === 'equal') {
      for (const line of a.slice(...inA)) lines.push(` ${line}`)
      continue
    }
    for (const line of a.slice(...inA)) lines.push(`-${line}`)
    for (const line of b.slice(...inB)) lines.push(`+${line}`)
  }
  return `${lines.join('\n')}\n`
}

function range(from: number, to: number): string {
  const length = to - from
  if (length === 1) return String(from + 1)
  return `${length ? from + 1 : from},${length}`
}

/** Groups changes that are near each other, with their context. */
function hunks(all: Operation[]): Operation[][] {
  if (!all.some(({ kind }) => kind === 'change')) return []
  const result: Operation[][] = []
  let hunk: Operation[] = []
  all.forEach((operation, i) => {
    const isFirst = i === 0
    const isLast = i === all.length - 1
    const length = operation.a[1] - operation.a[0]
    if (operation.kind === 'change') {
      hunk.push(operation)
    } else if (isFirst) {
      hunk.push(tail(operation))
    } else if (isLast) {
      hunk.push(head(operation))
    } else if (length > 2 * CONTEXT) {
      hunk.push(head(operation))
      result.push(hunk)
      hunk = [tail(operation)]
    } else {
      hunk.push(operation)
    }
  })
  result.push(hunk)
  return result
}

const head = ({ kind, a, b }: Operation): Operation => ({
  kind,
  a: [a[0], Math.min(a[1], a[0] + CONTEXT)],
  b: [b[0], Math.min(b[1], b[0] + CONTEXT)],
})

const tail = ({ kind, a, b }: Operation): Operation => ({
  kind,
  a: [Math.max(a[0], a[1] - CONTEXT), a[1]],
  b: [Math.max(b[0], b[1] - CONTEXT), b[1]],
})

interface Match {
  a: number
  b: number
  size: number
}

function operations(a: readonly string[], b: readonly string[]): Operation[] {
  const result: Operation[] = []
  let i = 0
  let j = 0
  for (const match of [...matches(a, b), { a: a.length, b: b.length, size: 0 }]) {
    if (i < match.a || j < match.b) result.push({ kind: 'change', a: [i, match.a], b: [j, match.b] })
    i = match.a + match.size
    j = match.b + match.size
    if (match.size) result.push({ kind: 'equal', a: [match.a, i], b: [match.b, j] })
  }
  return result
}

/** Common stretches, longest first and then left and right of it, in the end in order and joined where they touch. */
function matches(a: readonly string[], b: readonly string[]): Match[] {
  const places = placesOf(b)
  const found: Match[] = []
  const ranges: [number, number, number, number][] = [[0, a.length, 0, b.length]]
  for (let part = ranges.pop(); part; part = ranges.pop()) {
    const [aFrom, aTo, bFrom, bTo] = part
    const match = longestMatch(a, b, places, part)
    if (!match.size) continue
    found.push(match)
    if (aFrom < match.a && bFrom < match.b) ranges.push([aFrom, match.a, bFrom, match.b])
    if (match.a + match.size < aTo && match.b + match.size < bTo)
      ranges.push([match.a + match.size, aTo, match.b + match.size, bTo])
  }
  found.sort((x, y) => x.a - y.a || x.b - y.b)
  const joined: Match[] = []
  for (const match of found) {
    const last = joined.at(-1)
    if (last && last.a + last.size === match.a && last.b + last.size === match.b) last.size += match.size
    else joined.push(match)
  }
  return joined
}

/** Where each line occurs; lines that are too common are left out of long texts. */
function placesOf(b: readonly string[]): Map<string, number[]> {
  const places = new Map<string, number[]>()
  b.forEach((line, j) => {
    const list = places.get(line)
    if (list) list.push(j)
    else places.set(line, [j])
  })
  if (b.length < POPULAR_FROM) return places
  const most = Math.floor(b.length / 100) + 1
  for (const [line, list] of places) if (list.length > most) places.delete(line)
  return places
}

function longestMatch(
  a: readonly string[],
  b: readonly string[],
  places: Map<string, number[]>,
  [aFrom, aTo, bFrom, bTo]: [number, number, number, number],
): Match {
  let best: Match = { a: aFrom, b: bFrom, size: 0 }
  let lengths = new Map<number, number>()
  for (let i = aFrom; i < aTo; i++) {
    const next = new Map<number, number>()
    for (const j of places.get(a[i] as string) ?? []) {
      if (j < bFrom) continue
      if (j >= bTo) break
      const size = (lengths.get(j - 1) ?? 0) + 1
      next.set(j, size)
      if (size > best.size) best = { a: i - size + 1, b: j - size + 1, size }
    }
    lengths = next
  }
  // Common lines don't start a match but may extend one.
  while (best.a > aFrom && best.b > bFrom && a[best.a - 1] === b[best.b - 1]) {
    best = { a: best.a - 1, b: best.b - 1, size: best.size + 1 }
  }
  while (best.a + best.size < aTo && best.b + best.size < bTo && a[best.a + best.size] === b[best.b + best.size]) best.size++
  return best
}
