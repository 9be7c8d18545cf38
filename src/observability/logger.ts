export type Level = 'debug' | 'info' | 'warn' | 'error'

const ORDER: Record<Level, number> = { debug: 0, info: 1, warn: 2, error: 3 }

export interface LoggerDeps {
  level: Level
  format: 'text' | 'json'
  clock: () => number
  write: (line: string) => void
}

/** `--v`: from 2 on, what only helps to find errors is logged, too. */
export const levelOf = (verbosity: number): Level => (verbosity >= 2 ? 'debug' : 'info')

/** Lines for people, or JSON for machines. Never given a secret. */
export class Logger {
  readonly #deps: LoggerDeps
  #level: Level

  constructor(deps: LoggerDeps) {
    this.#deps = deps
    this.#level = deps.level
  }

  /** What is less than this isn't written from now on. */
  setLevel(level: Level): void {
    this.#level = level
  }

  debug(message: string, fields?: object): void {
    this.#log('debug', message, fields)
  }

  info(message: string, fields?: object): void {
    this.#log('info', message, fields)
  }

  warn(message: string, fields?: object): void {
    this.#log('warn', message, fields)
  }

  error(message: string, fields?: object): void {
    this.#log('error', message, fields)
  }

  #log(level: Level, message: string, fields: object | undefined): void {
    const { format, clock, write } = this.#deps
    if (ORDER[level] < ORDER[this.#level]) return
    const time = new Date(clock()).toISOString()
    if (format === 'json') {
      write(`${JSON.stringify({ ts: time, level, msg: message, ...plain(fields) })}\n`)
      return
    }
    const rest = Object.entries(plain(fields)).map(
      ([key, value]) => ` ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
    )
    write(`${time} ${level.toUpperCase().padEnd(5)} ${message}${rest.join('')}\n`)
  }
}

/** Errors print as their stack: JSON would show nothing of them. */
function plain(fields: object | undefined): Record<string, unknown> {
  const out: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(fields ?? {}))
    out[key] = value instanceof Error ? (value.stack ?? value.message) : value
  return out
}

/** Says nothing: for servers in tests. */
export const SILENT = new Logger({ level: 'error', format: 'text', clock: () => 0, write: () => {} })
