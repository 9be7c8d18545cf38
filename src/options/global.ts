import { quote } from '../machinery/field-errors.ts'
import { built, type FlagType } from './flag.ts'
import { bool } from './flag-types.ts'
import { parseBool } from './go-values.ts'
import { versionInfo } from './version.ts'

/** `true` and `raw` print the version; `v1.36.2+mine` is a version to report instead of the own one. */
const version: FlagType<string> = {
  label: 'version',
  zero: ['false'],
  noArgument: 'true',
  parse(text) {
    if (text === 'raw') return text
    if (!text.startsWith('v')) return String(parseBool(text))
    if (text === versionInfo.gitVersion) return text
    const semantic = /^v(\d+\.\d+\.\d+)(-[\dA-Za-z.-]+)?(\+[\dA-Za-z.-]+)?$/.exec(text)
    if (!semantic) throw new Error(`could not parse ${quote(text)} as version`)
    if (`v${semantic[1]}` !== versionInfo.gitVersion) {
      throw new Error(`version ${quote(text)} must match major/minor/patch of default version ${quote(versionInfo.gitVersion)}`)
    }
    return text
  },
  format: (value) => value,
}

export const global = {
  help: built(bool, false, 'Print this and stop.', { shorthand: 'h' }),
  version: built(
    version,
    'false',
    '--version and --version=raw print the version and stop; --version=vX.Y.Z... sets the version that is reported',
  ),
}
