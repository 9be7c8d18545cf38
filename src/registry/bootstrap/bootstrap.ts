import { restoreNodePorts } from '../allocators/restore-node-ports.ts'
import type { ObjectAccess, PortAllocator } from '../context.ts'
import { ensureFlowControl } from './flow-control.ts'
import { ensureFreshObjects, type FreshObjectsSettings } from './fresh-objects.ts'
import { IdentityLease } from './identity-lease.ts'
import { reconcilePolicy } from './reconcile-policy.ts'

export interface BootstrapDeps {
  objects(resource: string, group?: string): ObjectAccess
  settings: FreshObjectsSettings
  nodePorts: PortAllocator
  hostname: string
  /** ms since the epoch */
  clock(): number
  uuid(): string
  /** Called with what work in the background failed with. */
  onError(error: unknown): void
}

/** How often what is missing is created again, as while somebody deletes the `kubernetes` service. */
const ENSURE_MS = 60_000

/**
 * Brings the store to where every server starts from, then keeps it there: the ports that services hold, the objects that are always
 * there, this server's identity. Await it before requests are served; close it before the store.
 */
export async function startBootstrap(deps: BootstrapDeps): Promise<{ close(): void }> {
  const { objects, settings, clock, uuid, hostname, onError } = deps
  await restoreNodePorts(deps.nodePorts, objects('services'))
  await ensureFreshObjects({ objects, settings, clock })
  await reconcilePolicy(objects)
  await ensureFlowControl(objects, clock)
  const lease = new IdentityLease({
    leases: objects('leases', 'coordination.k8s.io'),
    clock,
    uuid,
    hostname,
    peerAddress: hostPort(settings.advertiseAddress, settings.securePort),
    onError,
  })
  await lease.start()
  const keep = async (): Promise<void> => {
    await ensureFreshObjects({ objects, settings, clock })
    await ensureFlowControl(objects, clock)
  }
  const timer = setInterval(() => void keep().catch(onError), ENSURE_MS)
  timer.unref()
  return {
    close() {
      clearInterval(timer)
      lease.close()
    },
  }
}

const hostPort = (host: string, port: number): string => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`)
