import { quote } from '../machinery/field-errors.ts'
import { admissionPlugins } from './admission.ts'
import { auditRules } from './auditing-rules.ts'
import { authorization as authorizationFlags, authorizationModes } from './authorization.ts'
import { storageMediaTypes, storeOverrides } from './etcd.ts'
import { featureEnabled } from './feature-gates.ts'
import { portRange } from './flag-types.ts'
import { parseDecimal } from './go-values.ts'
import { logFormats } from './logs.ts'
import { endpointReconcilers } from './misc.ts'
import { parseNetwork } from './networks.ts'
import { checkRuntimeConfig } from './runtime-config.ts'
import { curves, insecureCiphers, preferredCiphers, tlsVersions } from './secure-serving.ts'
import type { Options } from './table.ts'

/** A rule over the completed options: the lines about what is wrong, none if all is well. */
type Rule = (options: Options) => readonly (string | false)[]

const inFlight: Rule = ({ maxRequestsInflight: reading, maxMutatingRequestsInflight: writing, enablePriorityAndFairness }) => [
  reading < 0 && '--max-requests-inflight can not be negative value',
  writing < 0 && '--max-mutating-requests-inflight can not be negative value',
  reading >= 0 &&
    writing >= 0 &&
    enablePriorityAndFairness &&
    reading + writing === 0 &&
    `invalid configuration: MaxRequestsInFlight=${reading} and MaxMutatingRequestsInFlight=${writing}; they must add up to something positive`,
]

const times: Rule = (options) => [
  options.requestTimeout < 0 && '--request-timeout can not be negative value',
  !(options.goawayChance >= 0 && options.goawayChance <= 0.02) && '--goaway-chance can not be less than 0 or greater than 0.02',
  options.minRequestTimeout < 0 && '--min-request-timeout can not be negative value',
  options.shutdownDelayDuration < 0 && '--shutdown-delay-duration can not be negative value',
  options.shutdownWatchTerminationGracePeriod < 0 &&
    'shutdown-watch-termination-grace-period, if provided, can not be a negative value',
]

const storage: Rule = ({ storageMediaType: type, watchCacheSizes, deleteCollectionWorkers, dataDir }) => [
  type !== '' &&
    !(storageMediaTypes as readonly string[]).includes(type) &&
    `--storage-media-type ${quote(type)} invalid, allowed values: ${storageMediaTypes.join(', ')}`,
  type === 'application/yaml' && notBuilt('storage-media-type', type),
  ...watchCacheSizes.map(watchCacheSize),
  deleteCollectionWorkers < 1 &&
    `--delete-collection-workers should be a positive number, but value '${deleteCollectionWorkers}' provided`,
  dataDir === '' && '--data-dir must not be empty',
]

function overrideFaults(entries: readonly string[]): string[] {
  try {
    return storeOverrides(entries)
      .flatMap(({ servers }) => servers)
      .filter((server) => !isServerUrl(server))
      .map((server) => `--etcd-servers-overrides ${quote(server)} invalid, must be http://host:port or https://host:port`)
  } catch (error) {
    return [(error as Error).message]
  }
}

/** Where etcd is, and what is needed to reach it. */
const etcd: Rule = (options) => [
  options.storageBackend !== '' &&
    options.storageBackend !== 'etcd3' &&
    `--storage-backend invalid, allowed values: etcd3. If not specified, it will default to 'etcd3'`,
  options.storageBackend === 'etcd3' && options.etcdServers.length === 0 && '--etcd-servers must be specified',
  ...options.etcdServers.map(
    (server) => !isServerUrl(server) && `--etcd-servers ${quote(server)} invalid, must be http://host:port or https://host:port`,
  ),
  ...overrideFaults(options.etcdServersOverrides),
  (options.etcdCertfile === '') !== (options.etcdKeyfile === '') &&
    '--etcd-certfile and --etcd-keyfile must be specified together',
  options.encryptionProviderConfigAutomaticReload &&
    options.encryptionProviderConfig === '' &&
    '--encryption-provider-config-automatic-reload must be set with --encryption-provider-config',
  options.etcdCompactionInterval < 0 && '--etcd-compaction-interval can not be negative value',
  options.leaseReuseDurationSeconds < 0 && '--lease-reuse-duration-seconds can not be negative value',
  options.etcdHealthcheckTimeout <= 0 && '--etcd-healthcheck-timeout must be positive',
  options.etcdReadycheckTimeout <= 0 && '--etcd-readycheck-timeout must be positive',
]

function isServerUrl(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : undefined
  return (url?.protocol === 'http:' || url?.protocol === 'https:') && url.hostname !== '' && url.pathname === '/'
}

function watchCacheSize(item: string): string | false {
  const [resource, size, ...more] = item.split('#')
  if (!resource || size === undefined || more.length > 0) return `invalid value of watch cache size: ${item}`
  try {
    return parseDecimal(size) < 0 && `watch cache size cannot be negative: ${item}`
  } catch {
    return `invalid size of watch cache size: ${item}`
  }
}

const priorityAndFairness: Rule = ({ enablePriorityAndFairness, runtimeConfig }) => {
  const keys = ['flowcontrol.apiserver.k8s.io/v1', 'api/ga', 'api/all']
  const key = keys.find((name) => runtimeConfig[name] === 'false' || runtimeConfig[name] === 'true')
  return [
    enablePriorityAndFairness &&
      key !== undefined &&
      runtimeConfig[key] === 'false' &&
      `--runtime-config=${key}=false conflicts with --enable-priority-and-fairness=true`,
  ]
}

const serving: Rule = (options) => [
  !isPort(options.securePort, 1) &&
    `--secure-port ${options.securePort} must be between 1 and 65535, inclusive. It cannot be turned off with 0`,
  (options.tlsCertFile === '') !== (options.tlsPrivateKeyFile === '') &&
    '--tls-cert-file and --tls-private-key-file must be specified together',
  ...options.tlsCipherSuites.map(
    (suite) =>
      !Object.hasOwn(preferredCiphers, suite) &&
      !Object.hasOwn(insecureCiphers, suite) &&
      `Cipher suite ${suite} not supported or doesn't exist`,
  ),
  options.tlsMinVersion !== '' &&
    !Object.hasOwn(tlsVersions, options.tlsMinVersion) &&
    `unknown tls version ${quote(options.tlsMinVersion)}`,
  ...options.tlsCurvePreferences.map((id) => !Object.hasOwn(curves, id) && `unsupported tls curve ${id}`),
  options.http2MaxStreamsPerConnection < 0 && '--http2-max-streams-per-connection can not be negative value',
]

const HOUR = 3_600_000

const serviceAccounts: Rule = ({
  serviceAccountIssuer: issuers,
  serviceAccountSigningKeyFile,
  serviceAccountKeyFile,
  serviceAccountMaxTokenExpiration: longest,
  serviceAccountJwksUri: jwksUri,
}) => [
  ...issuers.map((issuer, index) => {
    if (issuer === '') return 'service-account-issuer should not be an empty string'
    if (issuer.includes(':') && !URL.canParse(issuer)) {
      return `service-account-issuer ${quote(issuer)} contained a ':' but was not a valid URL`
    }
    return issuers.indexOf(issuer) < index && `service-account-issuer ${quote(issuer)} is already specified`
  }),
  serviceAccountKeyFile.length > 0 &&
    serviceAccountSigningKeyFile === '' &&
    '--service-account-key-file needs --service-account-signing-key-file',
  longest !== 0 &&
    (longest < HOUR || longest > 2 ** 32 * 1000) &&
    'the service-account-max-token-expiration must be between 1 hour and 2^32 seconds',
  jwksUri !== '' && !/^https:/i.test(jwksUri) && `service-account-jwks-uri requires https scheme, parsed as: ${jwksUri}`,
]

const oidcAlgorithms = ['RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512']

const oidc: Rule = (options) => {
  const { oidcIssuerUrl, oidcClientId, oidcSigningAlgs, authenticationConfig } = options
  return [
    (oidcIssuerUrl === '') !== (oidcClientId === '') && 'oidc-issuer-url and oidc-client-id must be specified together',
    authenticationConfig !== '' &&
      (oidcIssuerUrl !== '' || oidcClientId !== '') &&
      'authentication-config file and oidc-* flags are mutually exclusive',
    !['v1', 'v1beta1'].includes(options.authenticationTokenWebhookVersion) &&
      `unsupported webhook authenticator version ${quote(options.authenticationTokenWebhookVersion)}, supported versions are "v1", "v1beta1"`,
    ...oidcSigningAlgs.map((alg) => !oidcAlgorithms.includes(alg) && `oidc: unsupported signing alg: ${quote(alg)}`),
  ]
}

const requestHeaders: Rule = (options) => [
  options.requestheaderClientCaFile !== '' &&
    options.requestheaderUsernameHeaders.length === 0 &&
    '--requestheader-client-ca-file needs --requestheader-username-headers',
  ...[
    ...options.requestheaderUsernameHeaders,
    ...options.requestheaderUidHeaders,
    ...options.requestheaderGroupHeaders,
    ...options.requestheaderExtraHeadersPrefix,
  ].map((header) => header.trim() === '' && `empty value in "requestheader-*-headers" or prefix`),
]

const authorization: Rule = ({
  authorizationMode: modes,
  authorizationPolicyFile: policyFile,
  authorizationWebhookConfigFile: webhookFile,
  authorizationWebhookVersion: version,
  authorizationWebhookCacheAuthorizedTtl: authorizedTtl,
  authorizationWebhookCacheUnauthorizedTtl: unauthorizedTtl,
  authorizationConfig: config,
}) => [
  config !== '' &&
    (modes.length > 0 ||
      webhookFile !== '' ||
      version !== authorizationFlags['authorization-webhook-version'].default ||
      authorizedTtl !== authorizationFlags['authorization-webhook-cache-authorized-ttl'].default ||
      unauthorizedTtl !== authorizationFlags['authorization-webhook-cache-unauthorized-ttl'].default) &&
    '--authorization-config can not be specified when --authorization-mode or --authorization-webhook-* flags are defined',
  ...modes.map((mode) => {
    if (!Object.hasOwn(authorizationModes, mode)) return `authorization-mode ${quote(mode)} is not a valid mode`
    return !authorizationModes[mode] && notBuilt('authorization-mode', mode)
  }),
  new Set(modes).size < modes.length && `authorization-mode [${modes.map(quote).join(' ')}] has mode specified more than once`,
  modes.includes('ABAC') && !policyFile && "authorization-mode ABAC's authorization policy file not passed",
  modes.includes('Webhook') && !webhookFile && "authorization-mode Webhook's authorization config file not passed",
  config === '' && !modes.includes('ABAC') && policyFile !== '' && 'cannot specify --authorization-policy-file without mode ABAC',
  !modes.includes('Webhook') && webhookFile !== '' && 'cannot specify --authorization-webhook-config-file without mode Webhook',
  version !== 'v1' && version !== 'v1beta1' && `unsupported webhook authorizer version ${quote(version)}`,
]

const admission: Rule = ({ enableAdmissionPlugins: enable, disableAdmissionPlugins: disable }) => {
  const both = [...new Set(enable)].filter((name) => disable.includes(name)).sort()
  return [
    ...enable.map((name) => !admissionPlugins.has(name) && `enable-admission-plugins plugin ${quote(name)} is unknown`),
    ...disable.map((name) => !admissionPlugins.has(name) && `disable-admission-plugins plugin ${quote(name)} is unknown`),
    both.length > 0 && `[${both.join(' ')}] in enable-admission-plugins and disable-admission-plugins overlapped`,
    ...enable.map((name) => admissionPlugins.get(name)?.built === false && notBuilt('enable-admission-plugins', name)),
  ]
}

const logging: Rule = ({ loggingFormat: format, featureGates, vmodule }) => {
  const known = (logFormats as readonly string[]).includes(format)
  const usable = known && (format !== 'json' || featureEnabled(featureGates, 'LoggingBetaOptions'))
  return [
    !known && `format: Invalid value: ${quote(format)}: Unsupported log format`,
    known && !usable && `format: Forbidden: Log format ${format} is disabled, see LoggingBetaOptions feature`,
    format !== 'text' && vmodule.length > 0 && 'vmodule: Forbidden: Only supported for text log format',
  ]
}

const serviceNetworks: Rule = ({ serviceClusterIpRange: texts, advertiseAddress, endpointReconcilerType }) => {
  const [primary, secondary] = texts.map(parseNetwork)
  if (!primary) return ['service-cluster-ip-range[0] is not a valid cidr']
  if (primary.hostBits < 3) {
    return [
      'error determining service IP ranges for primary service cidr: the service cluster IP range must be at least 8 IP addresses',
    ]
  }
  if (texts.length > 1 && !secondary) return ['service-cluster-ip-range[1] is not an ip net']
  const advertised = advertiseAddress.includes(':') ? 6 : 4
  return [
    texts.length > 2 && '--service-cluster-ip-range must not contain more than two entries',
    primary.family === secondary?.family &&
      '--service-cluster-ip-range[0] and --service-cluster-ip-range[1] must be of different IP family',
    endpointReconcilerType !== 'none' &&
      !['', '0.0.0.0', '::'].includes(advertiseAddress) &&
      advertised !== primary.family &&
      `service IP family ${quote(primary.cidr)} must match public address family ${quote(advertiseAddress)}`,
  ]
}

const nodePorts: Rule = ({ kubernetesServiceNodePort: port, serviceNodePortRange: range }) => [
  !isPort(port, 0) &&
    `--kubernetes-service-node-port ${port} must be between 0 and 65535, inclusive. If 0, the Kubernetes master service will be of type ClusterIP`,
  port > 0 &&
    (port < range.base || port >= range.base + range.size) &&
    `kubernetes service node port range ${portRange.format(range)} doesn't contain ${port}`,
]

const cluster: Rule = ({ apiserverCount, endpointReconcilerType: type, eventTtl }) => [
  apiserverCount <= 0 && `--apiserver-count should be a positive number, but value '${apiserverCount}' provided`,
  !(endpointReconcilers as readonly string[]).includes(type) &&
    `--endpoint-reconciler-type ${quote(type)} invalid, allowed values: ${endpointReconcilers.join(', ')}`,
  eventTtl < 0 && '--event-ttl can not be negative value',
]

const runtimeConfig: Rule = (options) => checkRuntimeConfig(options.runtimeConfig)

const rules: readonly Rule[] = [
  serviceNetworks,
  inFlight,
  times,
  storage,
  etcd,
  priorityAndFairness,
  serving,
  auditRules,
  serviceAccounts,
  oidc,
  requestHeaders,
  authorization,
  admission,
  runtimeConfig,
  logging,
  nodePorts,
  cluster,
]

/** Everything that is wrong with completed options, each line once; none if all is well. */
export const validate = (options: Options): string[] => [
  ...new Set(rules.flatMap((rule) => rule(options)).filter((line) => line !== false)),
]

const isPort = (port: number, lowest: number): boolean => port >= lowest && port <= 65_535

const notBuilt = (flag: string, value: string): string => `--${flag}: ${quote(value)} is not built yet: leave it out`
