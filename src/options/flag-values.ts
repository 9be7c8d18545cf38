import { optionName } from './flag.ts'
import { flags, type Options } from './table.ts'

/** Every flag's value as a command line would print it, by the flag's name. No flag holds a secret: those are in files. */
export function flagValues(options: Options): Record<string, string> {
  const values = options as unknown as Readonly<Record<string, unknown>>
  return Object.fromEntries([...flags].map(([name, flag]) => [name, flag.type.format(values[optionName(name)])]))
}
