import { randomUUID } from 'node:crypto'
import os from 'node:os'
import type { Logger } from '../observability/logger.ts'
import type { Options } from '../options/table.ts'
import { ensureApiServices } from '../registry/bootstrap/api-services.ts'
import { startBootstrap } from '../registry/bootstrap/bootstrap.ts'
import type { KindEnvironment } from '../registry/context.ts'
import type { Registry } from '../registry/registry.ts'
import { FlowSchemaStatus } from './flow-control.ts'

export interface BootstrapDeps {
  options: Options
  env: KindEnvironment
  registry: Registry
  clock: () => number
  logger: Logger
  advertised: string
  port: number
  /** The CA of client certificates, in PEM, for servers behind this one. */
  clientCa: string | undefined
  /** The CA of proxies that name users in headers. */
  requestHeaderCa: string | undefined
  /** What this server serves itself. */
  groupVersions: readonly { group: string; version: string }[]
}

export interface Bootstrap {
  close(): Promise<void>
}

const isLoopback = (address: string): boolean => address === '::1' || address.startsWith('127.')

/** Creates what every cluster has, and keeps it. */
export async function bootstrap({
  options,
  env,
  registry,
  clock,
  logger,
  advertised,
  port,
  clientCa,
  groupVersions,
  requestHeaderCa,
}: BootstrapDeps): Promise<Bootstrap> {
  const onError = (error: unknown): void => logger.error('what every cluster has could not be kept', { error })
  const started = await startBootstrap({
    objects: (resource, group) => env.objects(resource, group),
    settings: {
      serviceClusterIpRanges: options.serviceClusterIpRange,
      advertiseAddress: advertised,
      securePort: port,
      kubernetesServiceNodePort: options.kubernetesServiceNodePort,
      // An address that only this machine knows may not stand in endpoints: a laptop without a network has none to tell.
      managesEndpoints: options.endpointReconcilerType !== 'none' && !isLoopback(advertised),
      ...(clientCa ? { clientCa } : {}),
      ...(requestHeaderCa ? { requestHeader: requestHeader(options, requestHeaderCa) } : {}),
    },
    nodePorts: env.nodePorts,
    hostname: os.hostname(),
    clock,
    uuid: randomUUID,
    onError,
  })
  await ensureApiServices({ apiServices: env.objects('apiservices', 'apiregistration.k8s.io'), groupVersions, clock })
  const flowSchemas = new FlowSchemaStatus({ registry, clock, onError })
  await flowSchemas.start()
  return {
    async close() {
      started.close()
      await flowSchemas.close()
    },
  }
}

/** What servers behind this one need to know, to take its word for who its clients are. */
const requestHeader = (options: Options, ca: string): Record<string, string> => ({
  'requestheader-client-ca-file': ca,
  'requestheader-username-headers': JSON.stringify(options.requestheaderUsernameHeaders),
  'requestheader-uid-headers': JSON.stringify(options.requestheaderUidHeaders),
  'requestheader-group-headers': JSON.stringify(options.requestheaderGroupHeaders),
  'requestheader-extra-headers-prefix': JSON.stringify(options.requestheaderExtraHeadersPrefix),
  'requestheader-allowed-names': JSON.stringify(options.requestheaderAllowedNames),
})
