import { createHash } from 'node:crypto'
import type { CoordinationV1Lease } from '../../generated/types.ts'
import type { ObjectAccess } from '../context.ts'
import { isReason } from './ensure.ts'

export interface IdentityLeaseDeps {
  leases: ObjectAccess
  /** ms since the epoch */
  clock(): number
  uuid(): string
  hostname: string
  /** Where other servers reach this one: `address:port`. */
  peerAddress: string
  /** Called with what a renewal in the background failed with. */
  onError(error: unknown): void
}

const NAMESPACE = 'kube-system'
const IDENTITY_LABEL = 'apiserver.kubernetes.io/identity'
const IDENTITY = 'kube-apiserver'
const HOSTNAME_LABEL = 'kubernetes.io/hostname'
const PEER_ANNOTATION = 'kubernetes.io/peer-advertise-address'
const DURATION_SECONDS = 3600
const RENEW_MS = 10_000
const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567'

/** The name that a server on this host goes by, the same after every restart. */
export function serverIdentity(hostname: string): string {
  const bytes = createHash('sha256').update(hostname).digest().subarray(0, 16)
  let bits = ''
  for (const byte of bytes) bits += byte.toString(2).padStart(8, '0')
  let text = ''
  for (let i = 0; i < bits.length; i += 5) text += BASE32[Number.parseInt(bits.slice(i, i + 5).padEnd(5, '0'), 2)]
  return `apiserver-${text}`
}

/**
 * Tells other servers on the same store that this one is there: a lease in kube-system, renewed while the server runs. It is left
 * behind on exit, for others to see when the server was last there, and collected once it has expired.
 */
export class IdentityLease {
  readonly name: string
  readonly #holder: string
  readonly #deps: IdentityLeaseDeps
  #timer: NodeJS.Timeout | undefined

  constructor(deps: IdentityLeaseDeps) {
    this.#deps = deps
    this.name = serverIdentity(deps.hostname)
    this.#holder = `${this.name}_${deps.uuid()}`
  }

  /** Writes the lease and goes on doing so. */
  async start(): Promise<void> {
    await this.renew()
    await this.#collectExpired()
    this.#timer = setInterval(() => void this.renew().catch((error: unknown) => this.#deps.onError(error)), RENEW_MS)
    this.#timer.unref()
  }

  close(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  async renew(): Promise<void> {
    const { leases, hostname, peerAddress } = this.#deps
    const spec = {
      holderIdentity: this.#holder,
      leaseDurationSeconds: DURATION_SECONDS,
      renewTime: microTime(this.#deps.clock()),
    }
    const metadata = {
      namespace: NAMESPACE,
      name: this.name,
      labels: { [IDENTITY_LABEL]: IDENTITY, [HOSTNAME_LABEL]: hostname },
      annotations: { [PEER_ANNOTATION]: peerAddress },
    }
    if (!(await leases.get(NAMESPACE, this.name))) {
      try {
        await leases.create({ metadata, spec } as CoordinationV1Lease)
        return
      } catch (error) {
        if (!isReason(error, 'AlreadyExists')) throw error
      }
    }
    await leases.update(NAMESPACE, this.name, (stored) => {
      const lease = stored as CoordinationV1Lease
      const { labels, annotations } = metadata
      return {
        ...lease,
        metadata: {
          ...lease.metadata,
          labels: { ...lease.metadata?.labels, ...labels },
          annotations: { ...lease.metadata?.annotations, ...annotations },
        },
        spec: { ...lease.spec, ...spec },
      } as CoordinationV1Lease
    })
  }

  /** Leases of servers that haven't been there for long. */
  async #collectExpired(): Promise<void> {
    const { leases, clock } = this.#deps
    for (const lease of (await leases.list(NAMESPACE)) as CoordinationV1Lease[]) {
      if (lease.metadata?.labels?.[IDENTITY_LABEL] !== IDENTITY) continue
      const { renewTime, leaseDurationSeconds = DURATION_SECONDS } = lease.spec ?? {}
      const expired = !renewTime || Date.parse(renewTime) + leaseDurationSeconds * 1000 < clock()
      if (!expired) continue
      try {
        await leases.delete(NAMESPACE, lease.metadata?.name ?? '')
      } catch (error) {
        if (!isReason(error, 'NotFound')) throw error
      }
    }
  }
}

const microTime = (ms: number): string => `${new Date(ms).toISOString().slice(0, 23)}000Z`
