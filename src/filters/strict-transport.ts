import type { Stage } from './stage.ts'

/**
 * Tells browsers to use HTTPS only.
 *
 * @param directives `--strict-transport-security-directives`; without any nothing is said
 */
export function strictTransport(directives: readonly string[]): Stage {
  if (directives.length === 0) return (next) => next
  const value = directives.join('; ')
  return (next) => (exchange) => {
    exchange.answerHeaders['strict-transport-security'] = value
    return next(exchange)
  }
}
