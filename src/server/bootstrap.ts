import type { Logger } from '../observability/logger.ts'
import type { Options } from '../options/table.ts'
import type { KindEnvironment } from '../registry/context.ts'
import type { Registry } from '../registry/registry.ts'

export interface BootstrapDeps {
  options: Options
  registry: Registry
  env: KindEnvironment
  clock: () => number
  logger: Logger
  advertised: string
  port: number
}

export interface Bootstrap {
  close(): Promise<void>
}

/** Creates what every cluster has, and keeps it. */
export async function bootstrap(_deps: BootstrapDeps): Promise<Bootstrap> {
  return { close: async () => {} }
}
