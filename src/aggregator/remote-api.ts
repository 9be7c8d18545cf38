import type { ApiregistrationV1APIService } from '../generated/types.ts'

/** One group version that another server serves, behind a service of the cluster. */
export interface RemoteApi {
  /** That of the APIService. */
  readonly name: string
  readonly group: string
  readonly version: string
  readonly service: { readonly namespace: string; readonly name: string; readonly port: number }
  /** Authorities for the server's certificate, in PEM; the system's when unset. */
  readonly ca: string | undefined
  readonly insecure: boolean
  readonly groupPriority: number
  readonly versionPriority: number
  /** Whether its APIService says that it is available. */
  readonly available: boolean
}

export const AVAILABLE = 'Available'

/** @returns undefined when this server serves the group version itself */
export function remoteApi({ metadata, spec, status }: ApiregistrationV1APIService): RemoteApi | undefined {
  if (!spec?.service) return undefined
  const { group = '', version = '', service, caBundle, insecureSkipTLSVerify = false } = spec
  const { namespace = '', name = '', port = 443 } = service
  return {
    name: metadata?.name ?? '',
    group,
    version,
    service: { namespace, name, port },
    ca: caBundle ? Buffer.from(caBundle, 'base64').toString() : undefined,
    insecure: insecureSkipTLSVerify,
    groupPriority: spec.groupPriorityMinimum ?? 0,
    versionPriority: spec.versionPriority ?? 0,
    available: status?.conditions?.some(({ type, status: is }) => type === AVAILABLE && is === 'True') ?? false,
  }
}

/** Whether requests for both go the same way: all but priorities and availability. */
export function sameBackend(a: RemoteApi, b: RemoteApi): boolean {
  return (
    a.group === b.group &&
    a.version === b.version &&
    a.service.namespace === b.service.namespace &&
    a.service.name === b.service.name &&
    a.service.port === b.service.port &&
    a.ca === b.ca &&
    a.insecure === b.insecure
  )
}

/** Where the documents and resources of a group version are, without a slash at the end. */
export function pathOf({ group, version }: { group: string; version: string }): string {
  return group ? `/apis/${group}/${version}` : `/api/${version}`
}
