import type { Handler, Stage } from '../filters/stage.ts'
import type { Exchange } from '../machinery/exchange.ts'

/** The stages around the endpoints, outermost first. */
export function chain(stages: readonly Stage[], last: (exchange: Exchange) => void | Promise<void>): Handler {
  return stages.reduceRight<Handler>((next, stage) => stage(next), last)
}
