import type { CoreV1Service } from '../../generated/types.ts'
import { invalid, invalidObject } from '../../machinery/field-errors.ts'
import { internalError, StatusError } from '../../machinery/status.ts'
import { AllocationError } from '../../registry/allocators/errors.ts'
import type { WriteContext } from '../../registry/context.ts'
import type { Undo } from '../../registry/kind.ts'
import type { IpFamily } from '../addresses.ts'
import { initFamilies, staysPreferDualStack } from './service-families.ts'
import { chooseNodePorts, holdsPorts, updateNodePorts } from './service-node-ports.ts'
import { isHeadless, needsClusterIp, specOf } from './service-type.ts'
import { normalizeClusterIps, patchAllocated } from './service-update.ts'

/** Gives a new service its addresses and ports. */
export async function allocateForCreate(service: CoreV1Service, context: WriteContext): Promise<Undo> {
  normalizeClusterIps(service, undefined)
  initFamilies(service, undefined, context.env.serviceAddresses.families)
  return transaction(async (undos) => {
    await allocateAddresses(service, context, undos)
    await chooseNodePorts(service, context, undos)
  })
}

/** Gives a changed service what it lacks. What it doesn't need any more goes after the write: see `releaseUnused`. */
export async function allocateForUpdate(service: CoreV1Service, old: CoreV1Service, context: WriteContext): Promise<Undo> {
  patchAllocated(service, old)
  normalizeClusterIps(service, old)
  initFamilies(service, old, context.env.serviceAddresses.families)
  return transaction(async (undos) => {
    await updateAddresses(service, old, context, undos)
    await updateNodePorts(service, old, context, undos)
  })
}

/** Runs what collects undos, undoes all of it if it fails, and returns how to undo it later. */
async function transaction(work: (undos: Undo[]) => Promise<void>): Promise<Undo> {
  const undos: Undo[] = []
  const undo: Undo = async () => {
    for (const one of undos.reverse()) await one()
  }
  try {
    await work(undos)
  } catch (error) {
    await undo()
    throw error
  }
  return undo
}

async function updateAddresses(service: CoreV1Service, old: CoreV1Service, context: WriteContext, undos: Undo[]): Promise<void> {
  if (staysPreferDualStack(service, old)) return
  if (!needsClusterIp(old)) return allocateAddresses(service, context, undos)
  if (isHeadless(old) || !needsClusterIp(service)) return
  const spec = specOf(service)
  if (old.spec?.ipFamilies?.length === 1 && spec.ipFamilies?.length === 2) {
    const [first = '', second = ''] = spec.clusterIPs ?? []
    spec.clusterIPs = [first, await allocateOne(service, spec.ipFamilies[1] as IpFamily, second, context, undos)]
  }
}

async function allocateAddresses(service: CoreV1Service, context: WriteContext, undos: Undo[]): Promise<void> {
  if (!needsClusterIp(service) || isHeadless(service)) return
  const spec = specOf(service)
  const addresses: string[] = []
  for (const [i, family] of (spec.ipFamilies ?? []).entries()) {
    addresses.push(await allocateOne(service, family as IpFamily, spec.clusterIPs?.[i] ?? '', context, undos))
  }
  spec.clusterIPs = addresses
  spec.clusterIP = addresses[0]
}

/** @param wanted empty for any */
async function allocateOne(
  service: CoreV1Service,
  family: IpFamily,
  wanted: string,
  context: WriteContext,
  undos: Undo[],
): Promise<string> {
  const { serviceAddresses } = context.env
  const name = service.metadata?.name ?? ''
  const owner = { namespace: context.namespace, name }
  let address = wanted
  try {
    if (wanted) await serviceAddresses.allocate(wanted, owner, context.dryRun)
    else address = await serviceAddresses.allocateNext(family, owner, context.dryRun)
  } catch (error) {
    if (!(error instanceof AllocationError)) throw error
    if (!wanted) throw internalError(`failed to allocate a serviceIP: ${error.message}`)
    const detail = `failed to allocate IP ${wanted}: ${error.message}`
    throw invalidObject({ group: '', kind: 'Service' }, name, [invalid('spec.clusterIPs', service.spec?.clusterIPs, detail)])
  }
  if (!context.dryRun) undos.push(() => serviceAddresses.release(address))
  return address
}

/** Gives back what the stored service held and the new one doesn't. */
export async function releaseUnused(service: CoreV1Service, old: CoreV1Service, context: WriteContext): Promise<void> {
  const kept = new Set(addressesOf(service))
  for (const address of addressesOf(old)) if (!kept.has(address)) await context.env.serviceAddresses.release(address)
  const keptPorts = new Set(holdsPorts(service))
  for (const port of holdsPorts(old)) if (!keptPorts.has(port)) context.env.nodePorts.release(port)
}

/** Gives back what a deleted service held, and deletes its Endpoints, lest a new service of the name finds them. */
export async function releaseAll(service: CoreV1Service, context: WriteContext): Promise<void> {
  const { namespace = '', name = '' } = service.metadata ?? {}
  try {
    await context.env.objects('endpoints').delete(namespace, name)
  } catch (error) {
    if (!(error instanceof StatusError && error.reason === 'NotFound')) throw error
  }
  for (const address of addressesOf(service)) await context.env.serviceAddresses.release(address)
  for (const port of holdsPorts(service)) context.env.nodePorts.release(port)
}

function addressesOf(service: CoreV1Service): string[] {
  return needsClusterIp(service) && !isHeadless(service) ? (service.spec?.clusterIPs ?? []) : []
}
