import type { StorageV1CSIDriver, StorageV1CSIDriverSpec, StorageV1TokenRequest } from '../../generated/types.ts'
import { duplicate, type FieldError, invalid, notSupported } from '../../machinery/field-errors.ts'
import { choice } from '../core/pod-field-rules.ts'
import { immutable } from '../core/rules.ts'

const POLICIES = ['File', 'None', 'ReadWriteOnceWithFSType']
const MODES = ['Persistent', 'Ephemeral']
const MIN_PERIOD_SECONDS = 10

export function validateDriver({ spec = {} }: StorageV1CSIDriver): FieldError[] {
  return [
    ...choice('spec.fsGroupPolicy', spec.fsGroupPolicy, POLICIES),
    ...validateTokenRequests(spec.tokenRequests ?? [], 'spec.tokenRequests'),
    ...(spec.volumeLifecycleModes ?? [])
      .filter((mode) => !MODES.includes(mode))
      .map((mode) => notSupported('spec.volumeLifecycleModes', mode, MODES)),
    ...validatePeriod(spec),
    ...validateTokensInSecrets(spec),
  ]
}

export const validateDriverUpdate = (driver: StorageV1CSIDriver, old: StorageV1CSIDriver): FieldError[] => [
  ...validateDriver(driver),
  // The reference calls the field so.
  ...immutable('spec.attachedRequired', driver.spec?.attachRequired, old.spec?.attachRequired),
  ...immutable('spec.volumeLifecycleModes', driver.spec?.volumeLifecycleModes, old.spec?.volumeLifecycleModes),
]

const MIN_EXPIRATION = 600
const MAX_EXPIRATION = 2 ** 32

/** Tokens for different audiences; at most one of them for the server itself. */
function validateTokenRequests(requests: readonly StorageV1TokenRequest[], path: string): FieldError[] {
  const audiences = new Set<string>()
  return requests.flatMap(({ audience = '', expirationSeconds: seconds }, i) => {
    if (audiences.has(audience)) return [duplicate(`${path}[${i}].audience`, audience)]
    audiences.add(audience)
    const field = `${path}[${i}].expirationSeconds`
    if (seconds === undefined) return []
    if (seconds < MIN_EXPIRATION) return [invalid(field, seconds, 'may not specify a duration less than 10 minutes')]
    return seconds > MAX_EXPIRATION ? [invalid(field, seconds, 'may not specify a duration larger than 2^32 seconds')] : []
  })
}

function validatePeriod({ nodeAllocatableUpdatePeriodSeconds: seconds }: StorageV1CSIDriverSpec): FieldError[] {
  if (seconds === undefined || seconds >= MIN_PERIOD_SECONDS) return []
  const detail = `must be greater than or equal to ${MIN_PERIOD_SECONDS} seconds`
  return [invalid('spec.nodeAllocatableUpdatePeriodSeconds', seconds, detail)]
}

function validateTokensInSecrets({ serviceAccountTokenInSecrets: asked, tokenRequests }: StorageV1CSIDriverSpec): FieldError[] {
  if (asked === undefined || tokenRequests?.length) return []
  const detail = 'serviceAccountTokenInSecrets is set but no tokenRequests are specified'
  return [invalid('spec.serviceAccountTokenInSecrets', asked, detail)]
}

const TOKENS_IN_ATTRIBUTES =
  'spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true to prevent possible logging of tokens in volume attributes'

export const driverWarnings = ({ spec = {} }: StorageV1CSIDriver): string[] =>
  spec.tokenRequests?.length && spec.serviceAccountTokenInSecrets === undefined ? [TOKENS_IN_ATTRIBUTES] : []
