import type { StringMap } from './flag-types.ts'
import { parseBool } from './go-values.ts'

const widths: readonly (readonly [key: string, versions: RegExp])[] = [
  ['api/all', /^/],
  ['api/ga', /^v\d+$/],
  ['api/beta', /^v\d+beta\d+$/],
  ['api/alpha', /^v\d+alpha\d+$/],
]

/** The runtime config with the core group's key as `/v1`, however it was written, and without keys that say nothing. */
export function normalizeRuntimeConfig(config: StringMap): StringMap {
  const core = (key: string): boolean => /^(api\/)?v1(\/|$)/.test(key)
  return Object.fromEntries(
    Object.entries(config)
      .filter(([key]) => key !== 'api/legacy')
      .map(([key, value]) => [core(key) ? '/v1' : key, value]),
  )
}

/**
 * What is wrong with a normalized runtime config, as far as it shows without knowing which groups there are.
 * @returns lines, none if all is well
 */
export function checkRuntimeConfig(config: StringMap): string[] {
  if (config['api/all'] === 'false' && Object.keys(config).length === 1) return ['invalid key with only api/all=false']
  const badKey = Object.keys(config).find((key) => !isWidth(key) && !/^[^/]*\/[^/]+(\/[^/]*)?$/.test(key))
  if (badKey !== undefined) return [`runtime-config invalid key ${badKey}`]
  return Object.entries(config).flatMap(([key, value]) => {
    try {
      switchedOn(value)
      return []
    } catch (error) {
      return [`invalid value of ${key}: ${value}, err: ${(error as Error).message}`]
    }
  })
}

/** The groups named in a runtime config that aren't among the known ones (the core group is the empty string). */
export function unknownGroups(config: StringMap, known: ReadonlySet<string>): string[] {
  const named = Object.keys(config)
    .filter((key) => !isWidth(key))
    .map((key) => key.slice(0, key.indexOf('/')))
  return [...new Set(named)].filter((group) => !known.has(group)).sort()
}

/**
 * Whether a version of a group, or one resource of it, is served. The narrowest key wins.
 * @param config as in the options
 * @param byDefault whether it is served when the runtime config doesn't mention it
 */
export function apiEnabled(config: StringMap, group: string, version: string, byDefault: boolean, resource?: string): boolean {
  const keys = [
    ...(resource === undefined ? [] : [`${group}/${version}/${resource}`]),
    `${group}/${version}`,
    ...widths
      .filter(([, versions]) => versions.test(version))
      .map(([key]) => key)
      .reverse(),
  ]
  const key = keys.find((name) => Object.hasOwn(config, name))
  return key === undefined ? byDefault : switchedOn(config[key]!)
}

const isWidth = (key: string): boolean => widths.some(([width]) => width === key)

/** A key without a value switches on. */
const switchedOn = (value: string): boolean => value === '' || parseBool(value)
