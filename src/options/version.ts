import { arch, platform } from 'node:os'

/** What `/version` answers; the field names are the API's. */
export interface VersionInfo {
  readonly major: string
  readonly minor: string
  readonly emulationMajor: string
  readonly emulationMinor: string
  readonly minCompatibilityMajor: string
  readonly minCompatibilityMinor: string
  readonly gitVersion: string
  readonly gitCommit: string
  readonly gitTreeState: string
  readonly buildDate: string
  readonly goVersion: string
  readonly compiler: string
  readonly platform: string
}

const goArchitectures: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' }

/**
 * The version this server is a drop-in for. Build details are those of an unstamped build of it, since clients and
 * support scripts parse them in that form.
 */
export const versionInfo: VersionInfo = Object.freeze({
  major: '1',
  minor: '36',
  emulationMajor: '1',
  emulationMinor: '36',
  minCompatibilityMajor: '1',
  minCompatibilityMinor: '35',
  gitVersion: 'v1.36.2',
  gitCommit: '$Format:%H$',
  gitTreeState: '',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: 'go1.26.10',
  compiler: 'gc',
  platform: `${platform()}/${goArchitectures[arch()] ?? arch()}`,
})

/** The version info with the git version that `--version=v…` sets; empty leaves it as it is. */
export const reportedVersion = (gitVersion: string): VersionInfo =>
  gitVersion === '' ? versionInfo : Object.freeze({ ...versionInfo, gitVersion })

/** The same as /statusz tells it. */
export function zPagesVersion({ version }: { version: string }) {
  const { goVersion, gitVersion, emulationMajor, emulationMinor, ...info } = reportedVersion(version)
  return {
    goVersion,
    binaryVersion: gitVersion.replace(/^v/, ''),
    emulationVersion: `${emulationMajor}.${emulationMinor}`,
    minimumCompatibilityVersion: `${info.minCompatibilityMajor}.${info.minCompatibilityMinor}`,
  }
}

/** The line that `--version` prints. */
export const versionLine = (): string => `Kubernetes ${versionInfo.gitVersion}`

/** The line that `--version=raw` prints: the version info as a Go value, in which nothing is emulated yet. */
export function rawVersionLine(): string {
  const emulation = { emulationMajor: '', emulationMinor: '', minCompatibilityMajor: '', minCompatibilityMinor: '' }
  const fields = Object.entries({ ...versionInfo, ...emulation }).map(
    ([name, value]) => `${name[0]!.toUpperCase()}${name.slice(1)}:${JSON.stringify(value)}`,
  )
  return `version.Info{${fields.join(', ')}}`
}
