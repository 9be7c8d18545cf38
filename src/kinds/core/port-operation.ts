import { AllocationError } from '../../registry/allocators/errors.ts'
import type { PortAllocator } from '../../registry/context.ts'

/** Where the made-up ports of dry runs start: beyond every real one. */
const DRY_RUN_PORTS = 32_769

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
    else if (this.#ports.has(port) || this.#taken.includes(port)) throw new AllocationError('provided port is already allocated')
    this.#taken.push(port)
  }

  /** @throws AllocationError */
  allocateNext(): number {
    const port = this.#dryRun ? Math.max(DRY_RUN_PORTS, ...this.#taken.map((taken) => taken + 1)) : this.#ports.allocateNext()
    this.#taken.push(port)
    return port
  }

  undo(): void {
    if (!this.#dryRun) for (const port of this.#taken.splice(0)) this.#ports.release(port)
  }
}
