import type { PortAllocator } from '../context.ts'
import { AllocationError, RANGE_FULL } from './errors.ts'

export interface PortRange {
  readonly base: number
  readonly size: number
}

export interface NodePortsDeps {
  /** From `--service-node-port-range`. */
  range: PortRange
  /** An integer in [0, max). */
  random(max: number): number
}

/** The band's least and greatest size, and the part of the range that it takes between them. */
const BAND_LEAST = 16
const BAND_MOST = 128
const BAND_PART = 32

/**
 * How many ports at the start of the range are left to those who ask for one by number, so that the ones handed out rarely clash with
 * them (KEP-3668). None in small ranges.
 */
export function staticPortBand(size: number): number {
  if (size <= BAND_LEAST) return 0
  return Math.min(Math.max(Math.floor(size / BAND_PART), BAND_LEAST), BAND_MOST)
}

/** The ports in use, in memory: rebuilt at start from the stored services (see `restoreNodePorts`). */
export class NodePorts implements PortAllocator {
  readonly range: PortRange
  readonly #used: Uint8Array
  readonly #random: (max: number) => number

  constructor({ range, random }: NodePortsDeps) {
    this.range = range
    this.#random = random
    this.#used = new Uint8Array(range.size)
  }

  has(port: number): boolean {
    return this.#used[port - this.range.base] === 1
  }

  /** A port above the static band while there is one, then one in it; where the search starts is random. */
  allocateNext(): number {
    const { base, size } = this.range
    const band = staticPortBand(size)
    const offset = this.#freeIn(band, size) ?? this.#freeIn(0, band)
    if (offset === undefined) throw new AllocationError(RANGE_FULL)
    this.#used[offset] = 1
    return base + offset
  }

  allocate(port: number): void {
    const { base, size } = this.range
    if (!Number.isInteger(port) || port < base || port >= base + size) {
      throw new AllocationError(`provided port is not in the valid range. The range of valid ports is ${base}-${base + size - 1}`)
    }
    if (this.#used[port - base]) throw new AllocationError('provided port is already allocated')
    this.#used[port - base] = 1
  }

  release(port: number): void {
    const offset = port - this.range.base
    if (offset >= 0 && offset < this.range.size) this.#used[offset] = 0
  }

  #freeIn(from: number, to: number): number | undefined {
    const size = to - from
    if (size <= 0) return undefined
    const start = this.#random(size)
    for (let i = 0; i < size; i++) {
      const offset = from + ((start + i) % size)
      if (!this.#used[offset]) return offset
    }
    return undefined
  }
}
