import type { NetworkingV1ServiceCIDR } from '../../generated/types.ts'
import { isIPv4, parseIp } from '../../machinery/ip-address.ts'
import { StatusError } from '../../machinery/status.ts'
import type { AddressOwner, ObjectAccess, ServiceAddresses } from '../context.ts'
import { type AddressRange, addressRange, contains, staticAddressBand, toNumber, toText } from './address-range.ts'
import { AllocationError, RANGE_FULL } from './errors.ts'

export interface ServiceAddressesDeps {
  /** `--service-cluster-ip-range`, primary first. */
  ranges: readonly string[]
  objects(resource: string, group?: string): ObjectAccess
  /** An integer in [0, max), for `max` up to 2^53. */
  random(max: number): number
}

const GROUP = 'networking.k8s.io'
const FAMILY_LABEL = 'ipaddress.kubernetes.io/ip-family'
const MANAGER_LABEL = 'ipaddress.kubernetes.io/managed-by'
export const ADDRESS_MANAGER = 'ipallocator.k8s.io'

/**
 * Cluster IPs out of the ServiceCIDR objects' ranges. An address is taken by creating the IPAddress object of its name, so that any
 * number of servers on one store agree; nothing is kept in memory.
 */
export class StoredServiceAddresses implements ServiceAddresses {
  readonly families: readonly ('IPv4' | 'IPv6')[]
  readonly #configured: readonly AddressRange[]
  readonly #deps: ServiceAddressesDeps

  constructor(deps: ServiceAddressesDeps) {
    this.#deps = deps
    this.#configured = deps.ranges.map(addressRange)
    this.families = this.#configured.map(({ family }) => family)
  }

  async allocateNext(family: 'IPv4' | 'IPv6', owner: AddressOwner, dryRun: boolean): Promise<string> {
    const ranges = (await this.#ranges()).filter((range) => range.family === family)
    const [first] = ranges
    if (!first) throw new AllocationError(RANGE_FULL)
    // Nobody keeps a dry run's address: the network's own, which is never handed out, tells that it isn't real.
    if (dryRun) return toText(family, first.network)
    for (const range of ranges) {
      const band = staticAddressBand(range)
      const found =
        (await this.#freeIn(range, range.first + band, range.last, owner)) ??
        (await this.#freeIn(range, range.first, range.first + band - 1n, owner))
      if (found !== undefined) return found
    }
    throw new AllocationError(RANGE_FULL)
  }

  async allocate(address: string, owner: AddressOwner, dryRun: boolean): Promise<void> {
    const parsed = parseIp(address)
    const family = parsed && (isIPv4(parsed) ? 'IPv4' : 'IPv6')
    const inRange = parsed && (await this.#ranges()).some((range) => contains(range, family!, toNumber(parsed)))
    if (!inRange) throw new AllocationError('the provided network does not match the current range')
    if (dryRun) return
    const taken = await this.#take(family!, toText(family!, toNumber(parsed)), owner)
    if (!taken) throw new AllocationError('provided IP is already allocated')
  }

  async release(address: string): Promise<void> {
    const parsed = parseIp(address)
    if (!parsed) return
    try {
      await this.#deps.objects('ipaddresses', GROUP).delete('', toText(isIPv4(parsed) ? 'IPv4' : 'IPv6', toNumber(parsed)))
    } catch (error) {
      if (!(error instanceof StatusError && error.reason === 'NotFound')) throw error
    }
  }

  /** The first free address from a random one on, in `from`..`to` and around. */
  async #freeIn(range: AddressRange, from: bigint, to: bigint, owner: AddressOwner): Promise<string | undefined> {
    const size = to - from + 1n
    if (size <= 0n) return undefined
    const addresses = this.#deps.objects('ipaddresses', GROUP)
    const start = this.#randomBelow(size)
    for (let i = 0n; i < size; i++) {
      const name = toText(range.family, from + ((start + i) % size))
      if (await addresses.get('', name)) continue
      if (await this.#take(range.family, name, owner)) return name
    }
    return undefined
  }

  #randomBelow(size: bigint): bigint {
    const most = BigInt(Number.MAX_SAFE_INTEGER)
    return BigInt(this.#deps.random(Number(size > most ? most : size)))
  }

  /** @returns whether it was free */
  async #take(family: 'IPv4' | 'IPv6', name: string, owner: AddressOwner): Promise<boolean> {
    try {
      await this.#deps.objects('ipaddresses', GROUP).create(ipAddressObject(family, name, owner))
      return true
    } catch (error) {
      if (error instanceof StatusError && error.reason === 'AlreadyExists') return false
      throw error
    }
  }

  /** Those of the ready ServiceCIDRs; the configured ones until there are any. */
  async #ranges(): Promise<readonly AddressRange[]> {
    const stored = (await this.#deps.objects('servicecidrs', GROUP).list('')) as NetworkingV1ServiceCIDR[]
    const usable = stored.filter(isReady).flatMap((cidr) => cidr.spec?.cidrs ?? [])
    const served = usable.map(addressRange).filter(({ family }) => this.families.includes(family))
    return served.length ? served : this.#configured
  }
}

/** What stands for a taken address. */
export function ipAddressObject(family: 'IPv4' | 'IPv6', name: string, owner: AddressOwner) {
  return {
    kind: 'IPAddress',
    apiVersion: `${GROUP}/v1`,
    metadata: { name, labels: { [FAMILY_LABEL]: family, [MANAGER_LABEL]: ADDRESS_MANAGER } },
    spec: { parentRef: { resource: 'services', namespace: owner.namespace, name: owner.name } },
  }
}

/** One without conditions counts as ready: there may be no controller that sets them. */
function isReady(cidr: NetworkingV1ServiceCIDR): boolean {
  if (cidr.metadata?.deletionTimestamp) return false
  const ready = cidr.status?.conditions?.find(({ type }) => type === 'Ready')
  return !ready || ready.status === 'True'
}
