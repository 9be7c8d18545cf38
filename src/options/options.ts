import { quote } from '../machinery/field-errors.ts'
import { complete } from './complete.ts'
import { type Flag, OptionsError, optionName, writtenDefault } from './flag.ts'
import { formatHelp } from './help.ts'
import { parseCommandLine } from './parse.ts'
import { flags, groups, type Options } from './table.ts'
import { validate } from './validate.ts'
import { rawVersionLine, versionLine } from './version.ts'

/** What a command line asks for. */
export type Parsed =
  /** A text for the standard output, without its last line break; nothing else is to happen. */
  | { readonly kind: 'help' | 'version'; readonly text: string }
  | {
      readonly kind: 'options'
      readonly options: Options
      /** Names of the flags that were given, such as `tls-cert-file`. */
      readonly given: readonly string[]
      /** Lines for the standard error. */
      readonly warnings: readonly string[]
    }

/**
 * Reads the command line.
 * @param argv the arguments after the program's name
 * @param columns width of the terminal, for `--help`; 0 or undefined if there is none
 * @returns options frozen all through
 * @throws OptionsError with one line, for the first thing that stops the start
 */
export function parseOptions(argv: readonly string[], columns = 0): Parsed {
  const { values, positional, warnings } = parseCommandLine(argv, flags)
  if (values.get('help') === true) return { kind: 'help', text: formatHelp(groups, columns).trimEnd() }
  const extra = positional.filter((argument) => argument !== '')
  if (extra.length > 0) {
    throw new OptionsError(`"kube-apiserver" does not take any arguments, got [${positional.map(quote).join(' ')}]`)
  }
  const version = values.get('version')
  if (version === 'true') return { kind: 'version', text: versionLine() }
  if (version === 'raw') return { kind: 'version', text: rawVersionLine() }
  refuseUnbuilt(values)
  const raw = Object.fromEntries(
    [...flags].map(([name, flag]) => [optionName(name), values.has(name) ? values.get(name) : flag.default]),
  )
  return finish(raw as unknown as Options, [...values.keys()], warnings)
}

/**
 * The options of a command line that sets nothing, with some changed: for servers that are started by a program.
 * @throws OptionsError as `parseOptions` does
 */
export function optionsWith(changes: Partial<Options>): Options {
  const names = new Map([...flags.keys()].map((name) => [optionName(name), name]))
  const changed = Object.entries(changes).filter(([, value]) => value !== undefined)
  refuseUnbuilt(new Map(changed.map(([name, value]) => [names.get(name) ?? name, value])))
  const raw = Object.fromEntries([...flags].map(([name, flag]) => [optionName(name), flag.default]))
  return finish({ ...raw, ...Object.fromEntries(changed) } as unknown as Options, [], []).options
}

function finish(raw: Options, given: string[], parseWarnings: readonly string[]) {
  const warnings = [...parseWarnings]
  const options = complete(raw, warnings)
  const wrong = validate(options)
  if (wrong.length > 0) throw new OptionsError(wrong.length === 1 ? wrong[0] : `[${wrong.join(', ')}]`)
  return deepFreeze({ kind: 'options' as const, options, given, warnings })
}

/** A feature that doesn't exist must not seem to be on. */
function refuseUnbuilt(values: ReadonlyMap<string, unknown>): void {
  const refused = [...values].flatMap(([name, value]): [string, Flag<unknown>][] => {
    const flag = flags.get(name)
    if (!flag) throw new OptionsError(`unknown flag: --${name}`)
    return flag.built || flag.type.format(value) === flag.type.format(flag.default) ? [] : [[name, flag]]
  })
  if (refused.length === 0) return
  const named = refused.map(([name, flag]) => `--${name} (${shownDefault(flag)})`)
  throw new OptionsError(
    refused.length === 1
      ? `--${refused[0]![0]} is not built yet: leave it out, or give its default (${shownDefault(refused[0]![1])})`
      : `not built yet: ${named.join(', ')}: leave them out, or give their defaults`,
  )
}

function shownDefault(flag: Flag<unknown>): string {
  const text = writtenDefault(flag)
  return text === '' || (typeof flag.default !== 'number' && typeof flag.default !== 'boolean') ? quote(text) : text
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const item of Object.values(value)) deepFreeze(item)
  }
  return value
}
