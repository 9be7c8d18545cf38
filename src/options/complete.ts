import { join } from 'node:path'
import { parseNetwork } from './networks.ts'
import { normalizeRuntimeConfig } from './runtime-config.ts'
import type { Options } from './table.ts'

const defaultIssuer = 'https://kubernetes.default.svc.cluster.local'
const defaultServiceNetwork = '10.0.0.0/24'

/**
 * Fills in what follows from other flags, and brings values into their normal form.
 * @param warnings takes lines about what isn't as it was asked for
 */
export function complete(raw: Options, warnings: string[]): Options {
  const serviceAccountIssuer = raw.serviceAccountIssuer.length > 0 ? raw.serviceAccountIssuer : [defaultIssuer]
  const defaultModes = raw.authorizationConfig === '' ? ['Node', 'RBAC'] : []
  const authorizationMode = raw.authorizationMode.length > 0 ? raw.authorizationMode : defaultModes
  const openToAll = authorizationMode.includes('AlwaysAllow')
  if (openToAll && raw.anonymousAuth) {
    warnings.push('--anonymous-auth is switched off, since --authorization-mode has AlwaysAllow')
  }
  return {
    ...raw,
    bindAddress: raw.bindAddress || '0.0.0.0',
    certDir: raw.certDir || join(raw.dataDir, 'pki'),
    authorizationMode,
    anonymousAuth: raw.anonymousAuth && !openToAll,
    serviceAccountIssuer,
    apiAudiences: raw.apiAudiences.length > 0 ? raw.apiAudiences : serviceAccountIssuer,
    serviceClusterIpRange: completeNetworks(raw.serviceClusterIpRange),
    runtimeConfig: normalizeRuntimeConfig(raw.runtimeConfig),
    version: raw.version.startsWith('v') ? raw.version : '',
  }
}

/** What isn't a network stays as it is, for the rules to name. */
const completeNetworks = (texts: readonly string[]): readonly string[] =>
  texts.length === 0 ? [defaultServiceNetwork] : texts.map((text) => parseNetwork(text)?.cidr ?? text)
