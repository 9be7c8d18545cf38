/** How the values of one kind of flag are read and printed. */
export interface FlagType<T> {
  /** What help prints after the flag's name; empty for a switch. */
  readonly label: string
  /** Defaults, as `format` prints them, that help leaves out. */
  readonly zero: readonly string[]
  /** The value of a flag given without one. Without it, the next argument is the value. */
  readonly noArgument?: string
  /**
   * Reads one occurrence of the flag.
   * @param soFar what earlier occurrences on the same command line gave: lists and maps add to it
   * @throws Error whose message ends the line `invalid argument "x" for "--foo" flag: `
   */
  parse(text: string, soFar: T | undefined): T
  format(value: T): string
}

/** One flag of the command line. */
export interface Flag<T> {
  readonly type: FlagType<T>
  readonly default: T
  readonly help: string
  /** Whether the feature behind it exists. If not, any value but the default stops the start. */
  readonly built: boolean
  readonly shorthand?: string
  /** What to do instead; printed as a warning whenever the flag is given. */
  readonly deprecated?: string
  /** Left out of help. */
  readonly hidden?: boolean
}

/** A group's flags by their names. */
export type FlagTable = Readonly<Record<string, Flag<unknown>>>

type Extras = Partial<Pick<Flag<unknown>, 'shorthand' | 'deprecated' | 'hidden'>>

/** A flag whose feature exists. */
export const built = <T>(type: FlagType<T>, byDefault: NoInfer<T>, help: string, extras: Extras = {}): Flag<T> => ({
  type,
  default: byDefault,
  help,
  built: true,
  ...extras,
})

/** A flag that is known, but whose feature doesn't exist yet. */
export const unbuilt = <T>(type: FlagType<T>, byDefault: NoInfer<T>, help: string, extras: Extras = {}): Flag<T> => ({
  ...built(type, byDefault, help, extras),
  built: false,
})

/** `tls-cert-file` → `tlsCertFile` */
export type CamelCase<Name extends string> = Name extends `${infer Head}-${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : Name

/** The values of a table's flags, under their names in camel case. */
export type Values<Table> = {
  readonly [Name in keyof Table & string as CamelCase<Name>]: Table[Name] extends Flag<infer T> ? T : never
}

/** The name that a flag's value has in the options. */
export const optionName = (flag: string): string => flag.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())

/** The default as a user would write it, for messages. */
export const writtenDefault = (flag: Flag<unknown>): string => flag.type.format(flag.default).replace(/^\[(.*)\]$|^<nil>$/, '$1')

/** The one thing wrong with the command line that stops the start. The message is one line, to print after `Error: `. */
export class OptionsError extends Error {
  override readonly name = 'OptionsError'
}
