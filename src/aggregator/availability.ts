import type { ApiregistrationV1APIService, ApiregistrationV1APIServiceCondition } from '../generated/types.ts'
import { formatTime } from '../machinery/time.ts'
import { AVAILABLE, type RemoteApi } from './remote-api.ts'

/** What is to be known of a service of the cluster. */
export interface ServiceState {
  readonly type: string
  readonly ports: readonly { readonly name: string; readonly port: number }[]
}

/** What is to be known of a slice of its endpoints. */
export interface SliceState {
  readonly hasReady: boolean
  readonly portNames: readonly string[]
}

export interface AvailabilityDeps {
  service(namespace: string, name: string): Promise<ServiceState | undefined>
  slices(namespace: string, service: string): Promise<readonly SliceState[]>
  /** Asks a server for its discovery document. @throws Error (rejects) that says why it can't be had */
  probe(api: RemoteApi): Promise<void>
}

/** What the condition of an APIService says; the time comes when it is written. */
export interface Availability {
  readonly status: 'True' | 'False'
  readonly reason: string
  readonly message: string
}

export const LOCAL: Availability = {
  status: 'True',
  reason: 'Local',
  message: 'Local APIServices are always available',
}

const PASSED: Availability = { status: 'True', reason: 'Passed', message: 'all checks passed' }
/** Its message may name another endpoint each time. */
const FAILED = 'FailedDiscoveryCheck'

/** Whether another server can be used: whether it has a service with endpoints, and answers. */
export async function checkAvailability(api: RemoteApi, deps: AvailabilityDeps): Promise<Availability> {
  const { namespace, name, port } = api.service
  const called = `service/${name} in "${namespace}"`
  const service = await deps.service(namespace, name)
  if (!service) return unavailable('ServiceNotFound', `${called} is not present`)
  if (service.type === 'ClusterIP') {
    const found = service.ports.find((one) => one.port === port)
    if (!found) return unavailable('ServicePortError', `${called} is not listening on port ${port}`)
    const slices = await deps.slices(namespace, name)
    if (slices.length === 0) return unavailable('EndpointsNotFound', `cannot find endpointslices for ${called}`)
    if (!slices.some(({ hasReady, portNames }) => hasReady && portNames.includes(found.name)))
      return unavailable('MissingEndpoints', `endpointslices for ${called} have no addresses with port name "${found.name}"`)
  }
  try {
    await deps.probe(api)
    return PASSED
  } catch (error) {
    return unavailable(FAILED, (error as Error).message)
  }
}

const unavailable = (reason: string, message: string): Availability => ({ status: 'False', reason, message })

/**
 * Says in an APIService how available it is.
 *
 * @param now ms since the epoch
 * @returns undefined when it says so already. Several servers say it, and must not correct each other's words for ever.
 */
export function withAvailability(
  object: ApiregistrationV1APIService,
  { status, reason, message }: Availability,
  now: number,
): ApiregistrationV1APIService | undefined {
  const conditions = object.status?.conditions ?? []
  const at = conditions.findIndex(({ type }) => type === AVAILABLE)
  const before = conditions[at]
  if (before?.status === status && before.reason === reason && (before.message === message || reason === FAILED)) return undefined
  const lastTransitionTime = before?.status === status && before.lastTransitionTime ? before.lastTransitionTime : formatTime(now)
  const condition: ApiregistrationV1APIServiceCondition = { type: AVAILABLE, status, lastTransitionTime, reason, message }
  const changed = at < 0 ? [...conditions, condition] : conditions.with(at, condition)
  return { ...object, status: { ...object.status, conditions: changed } }
}
