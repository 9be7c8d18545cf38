import { randomInt, randomUUID } from 'node:crypto'
import path from 'node:path'
import type { Writable } from 'node:stream'
import { AdmissionChain, type AdmissionPlugin } from '../admission/plugin.ts'
import type { Auditor } from '../audit/auditor.ts'
import type { AuthorizerChain } from '../authorization/authorizer.ts'
import { Descriptions } from '../discovery/descriptions.ts'
import { Discovery } from '../discovery/discovery.ts'
import { OpenApi } from '../discovery/openapi/openapi.ts'
import { BodyReader } from '../endpoints/body.ts'
import { DebugEndpoints } from '../endpoints/debug.ts'
import { Dispatcher } from '../endpoints/dispatch.ts'
import { answerError, wantsPretty } from '../endpoints/encode.ts'
import { Health } from '../endpoints/health.ts'
import { KnownKinds } from '../endpoints/known-kinds.ts'
import { OpenIdEndpoints } from '../endpoints/openid.ts'
import { TableMaker } from '../endpoints/table.ts'
import { ZPages } from '../endpoints/zpages.ts'
import { audit, auditAuthentication } from '../filters/audit.ts'
import { authentication } from '../filters/authentication.ts'
import { authorization } from '../filters/authorization.ts'
import { Deadlines } from '../filters/deadline.ts'
import { errors } from '../filters/errors.ts'
import { flowControl } from '../filters/flow-control.ts'
import { impersonation } from '../filters/impersonation.ts'
import { maxInFlight } from '../filters/max-in-flight.ts'
import { requestMetrics } from '../filters/metrics.ts'
import { requestInfo } from '../filters/request-info.ts'
import { strictTransport } from '../filters/strict-transport.ts'
import { BackendClient } from '../http/backend-client.ts'
import { type HttpServer, listen } from '../http/server.ts'
import { BUILT_IN_KINDS } from '../kinds/all.ts'
import { TypeDecoder } from '../machinery/decode.ts'
import { Exchange, type Transport } from '../machinery/exchange.ts'
import { FactAtoms } from '../machinery/managed-fields/fact-atoms.ts'
import { ProtobufCodec } from '../machinery/protobuf/codec.ts'
import { WireFacts } from '../machinery/protobuf/wire-facts.ts'
import { SchemaFacts } from '../machinery/schema.ts'
import type { StatusError } from '../machinery/status.ts'
import { type Logger, levelOf } from '../observability/logger.ts'
import { Profiles } from '../observability/profiles.ts'
import { featureEnabled } from '../options/feature-gates.ts'
import { flagValues } from '../options/flag-values.ts'
import { apiEnabled } from '../options/runtime-config.ts'
import type { Options } from '../options/table.ts'
import { reportedVersion, zPagesVersion } from '../options/version.ts'
import { NodePorts } from '../registry/allocators/port-allocator.ts'
import { StoredServiceAddresses } from '../registry/allocators/service-addresses.ts'
import { componentHealth } from '../registry/bootstrap/component-health.ts'
import type { KindEnvironment } from '../registry/context.ts'
import { Registry } from '../registry/registry.ts'
import type { Encryption } from '../storage/encryption/encryption.ts'
import type { Storage } from '../storage/storage.ts'
import { accessReviewer } from './access.ts'
import { admissionPlugins, objectReader } from './admission.ts'
import { type AdmissionConfigs, readAdmissionConfigs } from './admission-config.ts'
import { Aggregation } from './aggregation.ts'
import { auditor, messageReader } from './audit.ts'
import { Authentication } from './authentication.ts'
import { Authorization } from './authorization.ts'
import { type Bootstrap, bootstrap } from './bootstrap.ts'
import { Certificates } from './certificates.ts'
import { chain } from './chain.ts'
import { advertisedAddress, type Credentials } from './config.ts'
import { ClusterConnections, mayUpgrade, userHeaders } from './connections.ts'
import { type Controllers, startControllers } from './controllers.ts'
import { CustomDefinitions } from './custom-resources.ts'
import { openEncryption } from './encryption.ts'
import { expressionChecks } from './expressions.ts'
import { writeKubeconfig } from './kubeconfig.ts'
import { KubeletAccess } from './kubelet-access.ts'
import { buildInfo, ServerMetrics } from './metrics.ts'
import { PriorityAndFairness } from './priority-and-fairness.ts'
import { StoragePolls } from './storage-polls.ts'
import { openStores, rootPrefix, Stores, storeCheck } from './store.ts'
import { conversionTransport, readWebhookUsers, type WebhookParts } from './webhooks.ts'

export interface ServerDeps {
  options: Options
  logger: Logger
  /** ms since the epoch. */
  clock: () => number
  /** Opens the store; the embedded one when unset. */
  openStorage?: () => Promise<Storage>
  /** The standard output, for logs that are to go there. */
  stdout?: Writable
  /** The port to listen on instead of `--secure-port`; 0 for any that is free. */
  port?: number
}

const MAX_WATCH_BACKLOG = 32 << 20

/** A running API server. */
export class ApiServer {
  readonly registry: Registry
  readonly #deps: ServerDeps
  readonly #polls: StoragePolls
  readonly #backends: BackendClient
  readonly #stores: Stores
  readonly encryption: Encryption | undefined
  readonly #http: HttpServer
  readonly #deadlines: Deadlines
  readonly #fairness: PriorityAndFairness | undefined
  readonly #bootstrap: Bootstrap
  readonly authentication: Authentication
  readonly #authorization: Authorization
  readonly certificates: Certificates
  readonly controllers: Controllers
  readonly #definitions: CustomDefinitions
  readonly aggregation: Aggregation
  readonly #audited: Auditor | undefined
  readonly #state: { stopping: boolean }
  readonly kubeconfig: string
  /** Serves a request that came in by any transport: also one made within this process. */
  readonly handle: (transport: Transport) => void
  #stopped: Promise<void> | undefined

  private constructor(parts: {
    polls: StoragePolls
    backends: BackendClient
    deps: ServerDeps
    stores: Stores
    encryption: Encryption | undefined
    http: HttpServer
    registry: Registry
    deadlines: Deadlines
    fairness: PriorityAndFairness | undefined
    bootstrap: Bootstrap
    authentication: Authentication
    authorization: Authorization
    certificates: Certificates
    controllers: Controllers
    definitions: CustomDefinitions
    aggregation: Aggregation
    audited: Auditor | undefined
    state: { stopping: boolean }
    kubeconfig: string
    handle: (transport: Transport) => void
  }) {
    this.#deps = parts.deps
    this.#polls = parts.polls
    this.#backends = parts.backends
    this.#stores = parts.stores
    this.encryption = parts.encryption
    this.#http = parts.http
    this.registry = parts.registry
    this.#deadlines = parts.deadlines
    this.#fairness = parts.fairness
    this.#bootstrap = parts.bootstrap
    this.authentication = parts.authentication
    this.#authorization = parts.authorization
    this.certificates = parts.certificates
    this.controllers = parts.controllers
    this.#definitions = parts.definitions
    this.aggregation = parts.aggregation
    this.#audited = parts.audited
    this.#state = parts.state
    this.kubeconfig = parts.kubeconfig
    this.handle = parts.handle
  }

  get port(): number {
    return this.#http.address.port
  }

  get url(): string {
    return `https://127.0.0.1:${this.port}`
  }

  /** Puts all parts together and listens. Resolves when the server is ready. */
  static async start(deps: ServerDeps): Promise<ApiServer> {
    const { options, logger, clock } = deps
    const certificates = await Certificates.load({ options, logger, clock })
    const credential = certificates.current
    const stores = deps.openStorage ? new Stores(await deps.openStorage()) : await openStores(deps)
    const state = { stopping: false }
    const started: (() => void | Promise<void>)[] = []
    let encryption: Encryption | undefined
    try {
      const facts = new SchemaFacts()
      const decoder = new TypeDecoder(facts)
      const admitted: AdmissionPlugin[] = []
      const configs = await readAdmissionConfigs(options.admissionControlConfigFile)
      const webhookUsers = await readWebhookUsers(configs)
      const counted = new ServerMetrics(() => registry, buildInfo(options))
      counted.metrics.addProcess()
      encryption = await openEncryption({ options, logger, clock, metrics: counted.metrics })
      const registry: Registry = new Registry({
        storage: stores.main,
        storageOf: (labels) => stores.of(labels),
        metrics: counted.storage,
        encryption,
        rootPrefix: rootPrefix(options),
        admission: new AdmissionChain(admitted),
        decoder,
        atoms: new FactAtoms(facts),
        clock,
        random: randomBelow,
        uuid: randomUUID,
        garbageCollection: options.enableGarbageCollector,
        onError: (error) => logger.error('a watch of the store broke', { error }),
      })
      started.push(() => registry.close(new Error('the start failed')))
      const authentication = await Authentication.create({
        options,
        logger,
        clock,
        registry,
        metrics: counted.authentication,
        certificates,
      })
      const access = await Authorization.create({ options, logger, clock, registry, metrics: counted.authorization })
      const { authorizer } = access
      const env = { ...environment(options, registry, access, authentication, stores), facts }
      registry.add(BUILT_IN_KINDS, env, ({ group, version }) =>
        apiEnabled(options.runtimeConfig, group, version, !/alpha|beta/.test(version)),
      )
      await access.start()
      const transport = conversionTransport(objectReader(registry), options, randomBelow)
      const definitions = new CustomDefinitions({ registry, env, decoder, transport, logger, clock })
      started.push(() => definitions.close())
      await definitions.load()
      const aggregation = new Aggregation({ options, registry, logger, metrics: counted.metrics, clock, random: randomBelow })
      started.push(() => aggregation.close())
      await aggregation.load()
      const fairness = options.enablePriorityAndFairness
        ? new PriorityAndFairness({
            options,
            registry,
            metrics: counted.metrics,
            onError: (error) => logger.error('flow control could not be kept up to date', { error }),
          })
        : undefined
      started.push(() => fairness?.close())
      await fairness?.start()
      const protobuf = new ProtobufCodec(new WireFacts())
      const bodies = new BodyReader(new KnownKinds(() => registry.kinds(), facts), protobuf, facts)
      const toJson = messageReader(protobuf, bodies)
      const audited = await auditor({ options, logger, clock, metrics: counted.metrics, stdout: deps.stdout, toJson })
      started.push(() => audited?.close())
      const backends = new BackendClient()
      started.push(() => backends.close())
      const connections = new ClusterConnections({
        client: backends,
        kubelets: await KubeletAccess.load({ options, logger, clock }),
        namesUsers: userHeaders(options),
        feature: env.settings.feature,
      })
      const handler = endpoints(deps, {
        connections,
        registry,
        definitions,
        aggregation,
        facts,
        decoder,
        protobuf,
        bodies,
        audited,
        env,
        state,
        stores,
        encryption,
        authentication,
        authorizer,
        admitted,
        configs,
        webhooks: { users: webhookUsers, metrics: counted.webhooks, logger },
        counted,
        fairness,
      })
      const http = await listen({
        tls: certificates.material,
        host: options.bindAddress,
        port: deps.port ?? options.securePort,
        handler: handler.handle,
        mayUpgrade,
        compression: featureEnabled(options.featureGates, 'APIResponseCompression'),
        goawayChance: options.goawayChance,
        ...(options.http2MaxStreamsPerConnection ? { limits: { maxStreams: options.http2MaxStreamsPerConnection } } : {}),
        logger,
      })
      started.push(() => http.close({ graceMs: 0 }))
      const kept = await bootstrap({
        options,
        env,
        registry,
        clock,
        logger,
        advertised: advertisedAddress(options),
        port: http.address.port,
        clientCa: credential.clientCa,
        requestHeaderCa: credential.requestHeaderCa,
        groupVersions: registry.groupVersions(),
      })
      started.push(() => kept.close())
      await access.settled()
      await definitions.start()
      aggregation.start()
      const controllers = await startControllers({ options, logger, registry, clock, ca: () => certificates.current.ca })
      const kubeconfig = path.join(options.dataDir, 'admin.kubeconfig')
      const server = `https://127.0.0.1:${http.address.port}`
      const writeAdmin = async ({ ca, admin }: Credentials): Promise<void> => {
        if (admin) await writeKubeconfig({ path: kubeconfig, server, ca, cert: admin.cert, key: admin.key })
      }
      await writeAdmin(credential)
      certificates.follow(async (now) => {
        http.setTls(certificates.material)
        await writeAdmin(now)
        controllers.caChanged()
      })
      handler.ready()
      const polls = new StoragePolls({
        metrics: counted.metrics,
        resources: () => storedKinds(registry),
        sizes: () => stores.sizes(),
        countPeriod: options.etcdCountMetricPollPeriod,
        sizeInterval: options.etcdDbMetricPollInterval,
      })
      return new ApiServer({
        polls,
        backends,
        deps,
        stores,
        encryption,
        http,
        registry,
        deadlines: handler.deadlines,
        fairness,
        bootstrap: kept,
        authentication,
        authorization: access,
        certificates,
        controllers,
        definitions,
        aggregation,
        audited,
        state,
        kubeconfig,
        handle: handler.handle,
      })
    } catch (error) {
      // In reverse: what was started last stops first.
      for (const stop of started.reverse()) await stop()
      encryption?.close()
      await stores.close()
      throw error
    }
  }

  /** Stops serving: no longer ready, finishes what runs, ends watches, closes the store. */
  close(graceMs = 10_000): Promise<void> {
    this.#stopped ??= this.#stop(graceMs)
    return this.#stopped
  }

  async #stop(graceMs: number): Promise<void> {
    const { options, logger } = this.#deps
    this.#state.stopping = true
    if (options.shutdownDelayDuration > 0) await new Promise((resolve) => setTimeout(resolve, options.shutdownDelayDuration))
    this.#polls.close()
    await this.#bootstrap.close()
    await this.controllers.close()
    await this.#definitions.close()
    await this.aggregation.close()
    const stopping = new Error('the server is shutting down')
    this.#deadlines.endStreams(stopping)
    await this.#http.close({ graceMs })
    this.#backends.close()
    this.#deadlines.close()
    await this.#audited?.close()
    this.#fairness?.close()
    this.authentication.close()
    await this.#authorization.close()
    this.certificates.close()
    this.registry.close(stopping)
    this.encryption?.close()
    await this.#stores.close()
    logger.info('stopped')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

function* storedKinds(registry: Registry) {
  for (const { kind, store } of registry.resources()) {
    if (!kind.virtual) yield { group: kind.group, resource: kind.resource, extent: () => store.extent() }
  }
}

const randomBelow = (max: number): number => (max <= 1 ? 0 : max < 2 ** 31 ? Math.floor(Math.random() * max) : randomInt(max))

function environment(
  options: Options,
  registry: Registry,
  access: Authorization,
  { reviews, tokens }: Authentication,
  stores: Stores,
): KindEnvironment {
  const ranges = options.serviceClusterIpRange
  return {
    settings: {
      allowPrivileged: options.allowPrivileged,
      serviceClusterIpRanges: ranges,
      feature: (name) => featureEnabled(options.featureGates, name),
      defaultNotReadyTolerationSeconds: options.defaultNotReadyTolerationSeconds,
      defaultUnreachableTolerationSeconds: options.defaultUnreachableTolerationSeconds,
      eventTtlSeconds: Math.round(options.eventTtl / 1000),
    },
    serviceAddresses: new StoredServiceAddresses({
      ranges,
      objects: (resource, group) => registry.objects(resource, group),
      random: randomBelow,
    }),
    nodePorts: new NodePorts({ range: options.serviceNodePortRange, random: randomBelow }),
    access: accessReviewer(access.authorizer, access.policy, reviews),
    tokens,
    expressions: expressionChecks,
    componentHealth: () =>
      componentHealth(() =>
        stores.ping().then(
          () => undefined,
          (error: Error) => error.message,
        ),
      ),
    resourceOf: (kind) => registry.resourceOf(kind)?.resource.kind.resource,
    objects: (resource, group) => registry.objects(resource, group),
  }
}

interface Parts {
  connections: ClusterConnections
  registry: Registry
  definitions: CustomDefinitions
  aggregation: Aggregation
  facts: SchemaFacts
  decoder: TypeDecoder
  protobuf: ProtobufCodec
  bodies: BodyReader
  audited: Auditor | undefined
  env: KindEnvironment
  state: { stopping: boolean }
  stores: Stores
  encryption: Encryption | undefined
  authentication: Authentication
  authorizer: AuthorizerChain
  admitted: AdmissionPlugin[]
  configs: AdmissionConfigs
  webhooks: WebhookParts
  counted: ServerMetrics
  /** Unset when there are plain limits instead. */
  fairness: PriorityAndFairness | undefined
}

function endpoints(deps: ServerDeps, parts: Parts) {
  const { options, logger, clock } = deps
  const { registry, facts, decoder, protobuf, bodies, audited, env, state, stores, fairness } = parts
  const { metrics } = parts.counted
  const descriptions = new Descriptions()
  const tables = new TableMaker({ describe: (reference) => descriptions.describe(reference), clock })
  const dispatcher = new Dispatcher(registry, {
    clock,
    random: randomBelow,
    tables,
    bodies,
    facts,
    decoder,
    protobuf,
    env,
    connections: parts.connections,
    minRequestTimeout: options.minRequestTimeout * 1000,
    deleteCollectionWorkers: options.deleteCollectionWorkers,
    maxWatchBacklog: MAX_WATCH_BACKLOG,
  })
  parts.admitted.push(...admissionPlugins({ ...parts, options, random: randomBelow, clock }))
  let ready = false
  const health = new Health({
    failed: (endpoint, failures) => logger.warn('a health check fails', { endpoint, failures: failures.map((f) => f.name) }),
  })
  health.add('etcd', storeCheck(stores, options.etcdHealthcheckTimeout))
  health.add('etcd-readiness', storeCheck(stores, options.etcdReadycheckTimeout), ['readyz'])
  const { encryption } = parts
  if (encryption?.checks) health.add('kms-providers', () => encryption.check())
  health.add('poststarthook/rbac/bootstrap-roles', () => {
    if (!ready) throw new Error('not finished')
  })
  health.add('poststarthook/crd-informer-synced', parts.definitions.checkLoaded)
  health.add('informer-sync', () => {}, ['readyz'])
  health.add('shutdown', () => {
    if (state.stopping) throw new Error('process is shutting down')
  }, ['readyz'])
  const kinds = {
    kinds: () => registry.kinds(),
    get changes() {
      return registry.generation
    },
  }
  const openId = new OpenIdEndpoints(parts.authentication.openId)
  const zPages = new ZPages({
    clock,
    version: zPagesVersion(options),
    paths: () => discovery.paths(),
    flags: featureEnabled(options.featureGates, 'ComponentFlagz') ? flagValues(options) : undefined,
    statusz: featureEnabled(options.featureGates, 'ComponentStatusz'),
  })
  const debug = new DebugEndpoints({
    profiling: options.profiling,
    profiles: new Profiles(),
    setVerbosity: (level) => logger.setLevel(levelOf(level)),
    ...(fairness ? { flowControl: (dump) => fairness.dump(dump, () => deadlines.exchanges()) } : {}),
  })
  const { aggregation } = parts
  const openApi = new OpenApi({
    kinds,
    facts,
    descriptions,
    version: reportedVersion(options.version),
    clock,
    remotes: aggregation.openApi,
    onError: (error) => logger.warn('an OpenAPI document of another server can not be shown', { error }),
  })
  const aggregations = metrics.counter('aggregator_discovery_aggregation_count_total', 'How often aggregated discovery was made.')
  const discovery = new Discovery({
    kinds,
    remotes: aggregation.source,
    onAggregated: () => aggregations.inc(),
    version: reportedVersion(options.version),
    serverAddress: `${advertisedAddress(options)}:${options.securePort}`,
    otherPaths: () => [...health.paths(), ...openId.paths(), ...parts.counted.paths(), ...zPages.listed()],
    wantsPretty,
    openApi,
  })
  const answer = (exchange: Exchange, error: StatusError) => answerError(exchange, error, protobuf)
  const deadlines = new Deadlines({ clock, requestTimeout: options.requestTimeout, answer })
  const log = (message: string, fields: object) => logger.error(message, fields)
  // Errors are answered inside audit, so that it sees what they were answered with.
  const auditing = audited && [
    audit(audited),
    errors({ answer, log, unexpected: (exchange, error) => exchange.audit?.panicked(error) }),
  ]
  const handle = chain(
    [
      errors({ answer, log }),
      strictTransport(options.strictTransportSecurityDirectives),
      requestInfo({ uuid: randomUUID }),
      requestMetrics(parts.counted.metrics),
      // Answered inside the measured part, so that what failed is counted as what it was answered.
      errors({ answer, log }),
      deadlines.stage(),
      ...(audited ? [auditAuthentication(audited)] : []),
      authentication(parts.authentication.requests),
      ...(auditing ?? []),
      impersonation(parts.authorizer, parts.counted.authentication),
      fairness
        ? flowControl({ control: fairness.control, metrics, clock, left: (exchange) => deadlines.left(exchange) })
        : maxInFlight({ readOnly: options.maxRequestsInflight, mutating: options.maxMutatingRequestsInflight }, metrics),
      authorization(parts.authorizer),
    ],
    async (exchange) => {
      const elsewhere = aggregation.handle(exchange)
      if (elsewhere) return await elsewhere
      const own = dispatcher.handle(exchange)
      if (own === true || (own !== false && (await own))) return
      const healthy = health.handle(exchange)
      if (healthy === true || (healthy !== false && (await healthy))) return
      if (openId.handle(exchange) || zPages.handle(exchange) || (await parts.counted.handle(exchange))) return
      if (await debug.handle(exchange)) return
      const found = discovery.handle(exchange)
      if (found === true || (typeof found !== 'boolean' && (await found))) return
      exchange.respond(404, 'text/plain; charset=utf-8', '404 page not found\n', { 'x-content-type-options': 'nosniff' })
    },
  )
  return {
    deadlines,
    ready: () => {
      ready = true
    },
    handle: (transport: Transport): void => {
      void handle(new Exchange(transport, clock()))
    },
  }
}
