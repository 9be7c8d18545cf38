import { AllocationError } from '../../registry/allocators/errors.ts'
import type { PortAllocator } from '../../registry/context.ts'

/** The made-up ports of dry runs follow this one, or the greatest that the write takes. */
const BEFORE_DRY_RUN_PORTS = 32_768
/** Below this, made-up ports must be free. */
const LOW_PORTS = 100

/** The ports that one write takes, all given back if it fails. A dry run takes none, but sees conflicts within itself. */
export class PortOperation {
  readonly #ports: PortAllocator
  readonly #dryRun: boolean
  readonly #taken: number[] = []

  constructor(ports: PortAllocator, dryRun: boolean) {
    this.#ports = ports
    this.#dryRun = dryRun
  }

  /** @throws AllocationError */
  allocate(port: number): void {
    if (!this.#dryRun) this.#ports.allocate(port)
    else if (this.#isTaken(port)) throw new AllocationError('provided port is already allocated')
    this.#taken.push(port)
  }

  /** @throws AllocationError */
  allocateNext(): number {
    const port = this.#dryRun ? this.#madeUp() : this.#ports.allocateNext()
    this.#taken.push(port)
    return port
  }

  #madeUp(): number {
    const last = this.#taken.length ? Math.max(0, ...this.#taken) : BEFORE_DRY_RUN_PORTS
    for (let port = last + 1; port < LOW_PORTS; port++) if (!this.#isTaken(port)) return port
    return last + 1
  }

  #isTaken(port: number): boolean {
    return this.#ports.has(port) || this.#taken.includes(port)
  }

  undo(): void {
    if (!this.#dryRun) for (const port of this.#taken.splice(0)) this.#ports.release(port)
  }
}
