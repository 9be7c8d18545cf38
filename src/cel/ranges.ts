import type { Expr } from './ast.ts'

/** The least and the most that something may be: a size, or a cost. */
export interface Range {
  readonly min: number
  readonly max: number
}

/** As much as 64 bits can say; sums and products stop there. */
export const UNLIMITED = 2 ** 64

export const UNKNOWN: Range = { min: 0, max: UNLIMITED }

const capped = (value: number): number => Math.min(value, UNLIMITED)

export const fixed = (value: number): Range => ({ min: value, max: value })

export const add = (...ranges: readonly Range[]): Range =>
  ranges.reduce((sum, { min, max }) => ({ min: capped(sum.min + min), max: capped(sum.max + max) }), fixed(0))

export const times = (a: Range, b: Range): Range => ({ min: capped(a.min * b.min), max: capped(a.max * b.max) })

/** Times a factor, rounded up. */
export const scale = ({ min, max }: Range, factor: number): Range => ({
  min: capped(Math.ceil(min * factor)),
  max: capped(Math.ceil(max * factor)),
})

/** Wide enough for both. */
export const union = (a: Range, b: Range): Range => ({ min: Math.min(a.min, b.min), max: Math.max(a.max, b.max) })

/** The sizes of what a list or a map holds. */
export interface EntrySizes {
  readonly list: boolean
  readonly key: Range
  readonly value: Range
}

/** What is known of a part of an expression before it runs. */
export interface Estimate {
  readonly expr: Expr
  readonly cost: Range
  /** Undefined: nothing is known of it. */
  readonly size?: Range | undefined
  /** From a variable through fields, `@items`, `@keys` and `@values`, where it can be told. */
  readonly path?: readonly string[] | undefined
  readonly entries?: EntrySizes | undefined
}
