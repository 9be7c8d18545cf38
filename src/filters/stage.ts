import type { Exchange } from '../machinery/exchange.ts'

/** The rest of the chain. A promise only where something is waited for, so that a cached read stays synchronous until its answer. */
export type Handler = (exchange: Exchange) => void | Promise<void>

/** One stage of the chain: does its part and calls the next, or answers by throwing a StatusError. */
export type Stage = (next: Handler) => Handler
