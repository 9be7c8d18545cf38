import type {
  ResourceV1DeviceClaim,
  ResourceV1DeviceClaimConfiguration,
  ResourceV1DeviceConstraint,
  ResourceV1DeviceRequest,
} from '../../generated/types.ts'
import { type FieldError, invalid, required } from '../../machinery/field-errors.ts'
import { stringifyJson } from '../../machinery/go-json.ts'
import type { WriteContext } from '../../registry/context.ts'
import { immutableStruct, printed } from '../core/rules.ts'
import { eachOf, eachOnce, fullyQualifiedName, labelErrors } from './field-rules.ts'
import { MAX_CONFIG, MAX_REQUESTS, validateConfiguration, validateRequest } from './request-rules.ts'

const MAX_CONSTRAINTS = 32
const MAX_ALTERNATIVES = 8

/** What a claim asks for; also of a claim that is still to be made of a template. */
export function validateDeviceClaim(claim: ResourceV1DeviceClaim, path: string, context: WriteContext): FieldError[] {
  const names = requestNames(claim)
  return [
    ...eachOnce(
      claim.requests,
      MAX_REQUESTS,
      `${path}.requests`,
      (request, at) => validateDeviceRequest(request, at, context),
      ({ name = '' }) => name,
    ),
    ...eachOf(claim.constraints, MAX_CONSTRAINTS, `${path}.constraints`, (constraint, at) =>
      validateConstraint(constraint, at, names, context),
    ),
    ...eachOf(claim.config, MAX_CONFIG, `${path}.config`, (config, at) => validateClaimConfiguration(config, at, names)),
  ]
}

/** The names that requests can be referred to by: `request`, or `request/alternative`. */
export type RequestNames = ReadonlySet<string>

export function requestNames({ requests }: ResourceV1DeviceClaim): RequestNames {
  return new Set(
    requests?.flatMap(({ name = '', firstAvailable = [] }) => [
      name,
      ...firstAvailable.map((alternative) => `${name}/${alternative.name ?? ''}`),
    ]),
  )
}

const ONE_KIND = 'exactly one of `exactly` or `firstAvailable` is required'

function validateDeviceRequest(request: ResourceV1DeviceRequest, path: string, context: WriteContext): FieldError[] {
  const { name, exactly, firstAvailable } = request
  const errors = labelErrors(name, `${path}.name`)
  if (exactly && firstAvailable?.length) {
    return [...errors, invalid(path, undefined, `${ONE_KIND}, but multiple fields are set`)]
  }
  if (exactly) return [...errors, ...validateRequest(exactly, `${path}.exactly`, context)]
  if (!firstAvailable?.length) return [...errors, required(path, ONE_KIND)]
  const alternatives = eachOnce(
    firstAvailable,
    MAX_ALTERNATIVES,
    `${path}.firstAvailable`,
    (one, at) => [...labelErrors(one.name, `${at}.name`), ...validateRequest(one, at, context)],
    (one) => one.name ?? '',
  )
  return [...errors, ...alternatives]
}

function validateConstraint(
  { requests, matchAttribute, distinctAttribute }: ResourceV1DeviceConstraint,
  path: string,
  names: RequestNames,
  { env }: WriteContext,
): FieldError[] {
  const errors = validateReferences(requests, `${path}.requests`, names)
  if (matchAttribute !== undefined) errors.push(...fullyQualifiedName(matchAttribute, `${path}.matchAttribute`))
  else if (distinctAttribute !== undefined) {
    errors.push(...fullyQualifiedName(distinctAttribute, `${path}.distinctAttribute`))
  } else if (env.settings.feature('DRAConsumableCapacity')) {
    const detail = 'exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set'
    errors.push(required(path, detail))
  } else errors.push(required(`${path}.matchAttribute`))
  return errors
}

export function validateClaimConfiguration(
  config: ResourceV1DeviceClaimConfiguration,
  path: string,
  names: RequestNames,
): FieldError[] {
  return [...validateReferences(config.requests, `${path}.requests`, names), ...validateConfiguration(config, path)]
}

const validateReferences = (requests: readonly string[] | undefined, path: string, names: RequestNames): FieldError[] =>
  eachOnce(
    requests,
    MAX_REQUESTS,
    path,
    (name, at) => validateReference(name, at, names),
    (name) => name,
  )

/** A reference to one of the claim's requests. */
export function validateReference(name: string, path: string, names: RequestNames): FieldError[] {
  const unknown = invalid(
    path,
    name,
    "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'",
  )
  const segments = name.split('/')
  if (segments.length > 2) return [unknown]
  const errors = segments.flatMap((segment) => labelErrors(segment, path))
  return names.has(name) ? errors : [...errors, unknown]
}

/**
 * A spec that never changes, nor, to the letter, what drivers are told in it.
 * @param type full name of the spec's type
 */
export function immutableSpec<T extends object>(
  spec: T | undefined,
  old: T | undefined,
  devicesOf: (spec: T) => ResourceV1DeviceClaim | undefined,
  type: string,
  context: WriteContext,
): FieldError[] {
  const told = (one: T | undefined): string =>
    stringifyJson((one ? devicesOf(one)?.config : undefined)?.map(({ opaque }) => opaque?.parameters ?? null) ?? [])
  if (told(spec) === told(old)) return immutableStruct('spec', spec, old, type, context)
  return [invalid('spec', printed(spec ?? {}, type, context), 'field is immutable')]
}
