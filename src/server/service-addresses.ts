import { type Facts, find, type ObjectReader, then } from '../admission/objects.ts'
import type { CoreV1Service, DiscoveryV1EndpointSlice } from '../generated/types.ts'
import type { Address } from '../http/webhook-client.ts'
import type { KubeObject } from '../machinery/object.ts'

export interface ServiceAddressesDeps {
  readonly objects: ObjectReader
  /** Whether to go to an endpoint instead of the cluster IP. */
  readonly toEndpoints: boolean
  /** An integer in [0, max). */
  readonly random: (max: number) => number
}

interface ServiceFacts {
  readonly type: string
  readonly clusterIP: string
  readonly externalName: string
  readonly ports: readonly { readonly name: string; readonly port: number }[]
}

interface SliceFacts {
  readonly service: string
  readonly ports: readonly { readonly name: string; readonly port: number }[]
  /** Those that are ready. */
  readonly addresses: readonly string[]
}

/** Where services of the cluster are to be reached from this server. */
export class ServiceAddresses {
  readonly #deps: ServiceAddressesDeps
  readonly #services: Facts<ServiceFacts>
  readonly #slices: Facts<SliceFacts>

  constructor(deps: ServiceAddressesDeps) {
    this.#deps = deps
    this.#services = deps.objects.facts({ group: '', resource: 'services' }, serviceFacts)
    this.#slices = deps.objects.facts({ group: 'discovery.k8s.io', resource: 'endpointslices' }, sliceFacts)
  }

  /** @throws Error (rejects) in the reference's words when there is no way to it */
  async resolve(namespace: string, name: string, port: number): Promise<Address> {
    const service = await find(this.#services, namespace, name)
    if (!service) throw new Error(`service ${JSON.stringify(name)} not found`)
    const { type, clusterIP, externalName, ports } = service
    if (type === 'ExternalName') {
      if (this.#deps.toEndpoints) throw new Error(`unsupported service type ${JSON.stringify(type)}`)
      return { host: externalName, port }
    }
    if (!this.#deps.toEndpoints && type === 'ClusterIP' && clusterIP === 'None')
      throw new Error('cannot route to service with ClusterIP "None"')
    const found = ports.find((one) => one.port === port)
    if (!found) throw new Error(`no service port ${port} found for service ${JSON.stringify(name)}`)
    if (!this.#deps.toEndpoints) return { host: clusterIP, port: found.port }
    return await this.#endpoint(namespace, name, found.name)
  }

  async #endpoint(namespace: string, name: string, port: string): Promise<Address> {
    const slices = await then(this.#slices.inNamespace(namespace), (all) => all.filter(({ service }) => service === name))
    const found = slices.flatMap(({ ports, addresses }) => {
      const there = ports.find((one) => one.name === port)
      return there ? addresses.map((host) => ({ host, port: there.port })) : []
    })
    if (found.length === 0) throw new Error(`no endpoints available for service ${JSON.stringify(name)}`)
    return found[this.#deps.random(found.length)] as Address
  }
}

function serviceFacts(object: KubeObject): ServiceFacts {
  const { spec = {} } = object as CoreV1Service
  return {
    type: spec.type ?? 'ClusterIP',
    clusterIP: spec.clusterIP ?? '',
    externalName: spec.externalName ?? '',
    ports: (spec.ports ?? []).map(({ name = '', port = 0 }) => ({ name, port })),
  }
}

function sliceFacts(object: KubeObject): SliceFacts {
  const { metadata, ports, endpoints } = object as DiscoveryV1EndpointSlice
  return {
    service: metadata?.labels?.['kubernetes.io/service-name'] ?? '',
    ports: (ports ?? []).map(({ name = '', port = 0 }) => ({ name, port })),
    addresses: (endpoints ?? []).flatMap(({ conditions, addresses }) =>
      conditions?.ready === false || !addresses?.[0] ? [] : [addresses[0]],
    ),
  }
}
