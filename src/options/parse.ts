import { quote } from '../machinery/field-errors.ts'
import { type Flag, OptionsError } from './flag.ts'

/** What a command line holds, before its values are checked against each other. */
export interface CommandLine {
  /** Values of the flags that were given, by flag name, in the order in which they first came. */
  readonly values: ReadonlyMap<string, unknown>
  /** Arguments that are no flags. */
  readonly positional: readonly string[]
  /** Lines about deprecated flags. */
  readonly warnings: readonly string[]
}

/**
 * Reads arguments in the syntax of Go's pflag: `--a=b`, `--a b`, `--switch`, `-v2`, `--` ends the flags, and `_` in a
 * name counts as `-`.
 * @param argv the arguments after the program's name
 * @throws OptionsError with pflag's text for an unknown flag, a missing or a bad value
 */
export function parseCommandLine(argv: readonly string[], flags: ReadonlyMap<string, Flag<unknown>>): CommandLine {
  const values = new Map<string, unknown>()
  const positional: string[] = []
  const warnings: string[] = []
  const shorthands = new Map([...flags].flatMap(([name, flag]) => (flag.shorthand ? [[flag.shorthand, name] as const] : [])))
  const rest = [...argv]

  const set = (name: string, text: string): void => {
    const flag = flags.get(name)!
    try {
      values.set(name, flag.type.parse(text, values.get(name)))
    } catch (error) {
      const shown = flag.shorthand ? `-${flag.shorthand}, --${name}` : `--${name}`
      throw new OptionsError(`invalid argument ${quote(text)} for ${quote(shown)} flag: ${(error as Error).message}`)
    }
    if (flag.deprecated !== undefined) warnings.push(`Flag --${name} has been deprecated, ${flag.deprecated}`)
  }

  const long = (argument: string): void => {
    const [written, value] = splitValue(argument.slice(2))
    if (/^([-=]|$)/.test(written)) throw new OptionsError(`bad flag syntax: ${argument}`)
    const name = written.replaceAll('_', '-')
    const flag = flags.get(name)
    if (!flag) throw new OptionsError(`unknown flag: --${written}`)
    const text = value ?? flag.type.noArgument ?? rest.shift()
    if (text === undefined) throw new OptionsError(`flag needs an argument: --${written}`)
    set(name, text)
  }

  const short = (argument: string): void => {
    for (let letters = argument.slice(1); letters !== ''; ) {
      const [letter, after] = [letters[0]!, letters.slice(1)]
      const name = shorthands.get(letter)
      if (name === undefined) throw new OptionsError(`unknown shorthand flag: '${letter}' in -${letters}`)
      const { noArgument } = flags.get(name)!.type
      if (noArgument !== undefined && !/^=./s.test(after)) {
        set(name, noArgument)
        letters = after
        continue
      }
      const text = /^=./s.test(after) ? after.slice(1) : after || rest.shift()
      if (text === undefined) throw new OptionsError(`flag needs an argument: '${letter}' in -${letters}`)
      set(name, text)
      letters = ''
    }
  }

  for (let argument = rest.shift(); argument !== undefined; argument = rest.shift()) {
    if (argument === '--') {
      positional.push(...rest.splice(0))
    } else if (argument.startsWith('--')) {
      long(argument)
    } else if (argument.startsWith('-') && argument !== '-') {
      short(argument)
    } else {
      positional.push(argument)
    }
  }
  return { values, positional, warnings }
}

function splitValue(text: string): [string, string | undefined] {
  const at = text.indexOf('=', 1)
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)]
}
