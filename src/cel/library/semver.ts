import { goQuote } from '../../machinery/go-text.ts'
import { readsFirst } from '../costs.ts'
import { EvaluationError } from '../errors.ts'
import { declare, type Overload } from '../functions.ts'
import { opaqueType, type Type } from '../types.ts'
import { Special, type Value } from '../values.ts'

const TYPE: Type = opaqueType('kubernetes.Semver')

/** A version, https://semver.org. */
export class Semver extends Special {
  readonly numbers: readonly [bigint, bigint, bigint]
  /** Parts of the pre-release: numbers come before texts. */
  readonly pre: readonly (bigint | string)[]

  constructor(numbers: readonly [bigint, bigint, bigint], pre: readonly (bigint | string)[]) {
    super()
    this.numbers = numbers
    this.pre = pre
  }

  get type(): Type {
    return TYPE
  }

  equals(other: Value): boolean {
    return other instanceof Semver && this.compare(other) === 0
  }

  /** -1, 0 or 1 */
  compare(other: Semver): number {
    for (const i of [0, 1, 2] as const) {
      if (this.numbers[i] !== other.numbers[i]) return this.numbers[i] < other.numbers[i] ? -1 : 1
    }
    if (!this.pre.length || !other.pre.length) return Math.sign(Number(!this.pre.length) - Number(!other.pre.length))
    for (let i = 0; i < Math.min(this.pre.length, other.pre.length); i++) {
      const order = comparePre(this.pre[i]!, other.pre[i]!)
      if (order !== 0) return order
    }
    return Math.sign(this.pre.length - other.pre.length)
  }
}

function comparePre(a: bigint | string, b: bigint | string): number {
  if (typeof a !== typeof b) return typeof a === 'bigint' ? -1 : 1
  return a < b ? -1 : a > b ? 1 : 0
}

const wrong = (message: string): EvaluationError => new EvaluationError(message)

function number(text: string, name: string): bigint {
  if (!/^[0-9]+$/.test(text)) throw wrong(`Invalid character(s) found in ${name} number ${goQuote(text)}`)
  const value = BigInt(text.slice(0, 100))
  if (text.length > 1 && text.startsWith('0'))
    throw wrong(`${name[0]!.toUpperCase()}${name.slice(1)} number must not contain leading zeroes ${goQuote(text)}`)
  if (BigInt.asUintN(64, value) !== value) throw wrong(`strconv.ParseUint: parsing ${goQuote(text)}: value out of range`)
  return value
}

function parse(text: string): Semver {
  if (text === '') throw wrong('Version string empty')
  const [major, minor, ...others] = text.split('.')
  if (minor === undefined || others.length === 0) throw wrong('No Major.Minor.Patch elements found')
  const first = number(major!, 'major')
  const second = number(minor, 'minor')
  const rest = others.join('.')
  const plus = rest.indexOf('+')
  const build = plus < 0 ? undefined : rest.slice(plus + 1).split('.')
  const beforeBuild = plus < 0 ? rest : rest.slice(0, plus)
  const dash = beforeBuild.indexOf('-')
  const pre = dash < 0 ? [] : beforeBuild.slice(dash + 1).split('.')
  const third = number(dash < 0 ? beforeBuild : beforeBuild.slice(0, dash), 'patch')
  const parts = pre.map(prerelease)
  for (const part of build ?? []) {
    if (part === '') throw wrong('Build meta data is empty')
    if (!/^[0-9A-Za-z-]+$/.test(part)) throw wrong(`Invalid character(s) found in build meta data ${goQuote(part)}`)
  }
  return new Semver([first, second, third], parts)
}

function prerelease(part: string): bigint | string {
  if (part === '') throw wrong('Prerelease is empty')
  if (/^[0-9]+$/.test(part)) {
    if (part.length > 1 && part.startsWith('0'))
      throw wrong(`Numeric PreRelease version must not contain leading zeroes ${goQuote(part)}`)
    return BigInt(part)
  }
  if (!/^[0-9A-Za-z-]+$/.test(part)) throw wrong(`Invalid character(s) found in prerelease ${goQuote(part)}`)
  return part
}

/** Without a `v`, with all three numbers, and without leading zeros. */
function normalized(text: string): string {
  const [major, minor, ...others] = text.replace(/^v/, '').split('.')
  const parts = [major!, ...(minor === undefined ? [] : [minor]), ...(others.length ? [others.join('.')] : [])]
  const trimmed = parts.map((part) => (part.length > 1 ? part.replace(/^0+(?=[0-9])/, '').replace(/^0+(?![0-9])/, '0') : part))
  if (trimmed.length < 3 && /[-+]/.test(trimmed.at(-1)!)) throw wrong('short version cannot contain PreRelease/Build meta data')
  while (trimmed.length < 3) trimmed.push('0')
  return trimmed.join('.')
}

const semver = (text: string, normalize = false): Semver => parse(normalize ? normalized(text) : text)

function isSemver(text: string, normalize = false): boolean {
  try {
    semver(text, normalize)
    return true
  } catch (error) {
    if (error instanceof EvaluationError) return false
    throw error
  }
}

/** Versions. */
export const versions: readonly Overload[] = [
  declare('semver(string): kubernetes.Semver', (text: string) => semver(text), { cost: readsFirst }),
  declare('semver(string, bool): kubernetes.Semver', semver, { cost: readsFirst }),
  declare('isSemver(string): bool', (text: string) => isSemver(text), { cost: readsFirst }),
  declare('isSemver(string, bool): bool', isSemver, { cost: readsFirst }),
  declare('kubernetes.Semver::major(): int', ({ numbers }: Semver) => numbers[0]),
  declare('kubernetes.Semver::minor(): int', ({ numbers }: Semver) => numbers[1]),
  declare('kubernetes.Semver::patch(): int', ({ numbers }: Semver) => numbers[2]),
  declare('kubernetes.Semver::isGreaterThan(kubernetes.Semver): bool', (a: Semver, b: Semver) => a.compare(b) > 0),
  declare('kubernetes.Semver::isLessThan(kubernetes.Semver): bool', (a: Semver, b: Semver) => a.compare(b) < 0),
  declare('kubernetes.Semver::compareTo(kubernetes.Semver): int', (a: Semver, b: Semver) => BigInt(a.compare(b))),
]

/** Reads a version, as attributes of devices hold them. @throws EvaluationError */
export const semverValue = (text: string): Semver => parse(text)
