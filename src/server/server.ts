import { randomUUID } from 'node:crypto'
import path from 'node:path'
import type { Writable } from 'node:stream'
import { AdmissionChain, type AdmissionPlugin } from '../admission/plugin.ts'
import type { Auditor } from '../audit/auditor.ts'
import { BodyReader } from '../endpoints/body.ts'
import { KnownKinds } from '../endpoints/known-kinds.ts'
import type { Deadlines } from '../filters/deadline.ts'
import { BackendClient } from '../http/backend-client.ts'
import { type HttpServer, listen } from '../http/server.ts'
import { BUILT_IN_KINDS } from '../kinds/all.ts'
import { TypeDecoder } from '../machinery/decode.ts'
import type { Transport } from '../machinery/exchange.ts'
import { FactAtoms } from '../machinery/managed-fields/fact-atoms.ts'
import { ProtobufCodec } from '../machinery/protobuf/codec.ts'
import { WireFacts } from '../machinery/protobuf/wire-facts.ts'
import { SchemaFacts } from '../machinery/schema.ts'
import type { Logger } from '../observability/logger.ts'
import { featureEnabled } from '../options/feature-gates.ts'
import { apiEnabled } from '../options/runtime-config.ts'
import type { Options } from '../options/table.ts'
import { Registry } from '../registry/registry.ts'
import type { Encryption } from '../storage/encryption/encryption.ts'
import type { Storage } from '../storage/storage.ts'
import { objectReader } from './admission.ts'
import { readAdmissionConfigs } from './admission-config.ts'
import { Aggregation } from './aggregation.ts'
import { auditor, messageReader } from './audit.ts'
import { Authentication } from './authentication.ts'
import { Authorization } from './authorization.ts'
import { type Bootstrap, bootstrap } from './bootstrap.ts'
import { Certificates } from './certificates.ts'
import { advertisedAddress, type Credentials } from './config.ts'
import { ClusterConnections, mayUpgrade, userHeaders } from './connections.ts'
import { type Controllers, startControllers } from './controllers.ts'
import { CustomDefinitions } from './custom-resources.ts'
import { openEncryption } from './encryption.ts'
import { environment, randomBelow } from './environment.ts'
import { requestHandler } from './handler.ts'
import { writeKubeconfig } from './kubeconfig.ts'
import { KubeletAccess } from './kubelet-access.ts'
import { buildInfo, ServerMetrics } from './metrics.ts'
import { PriorityAndFairness } from './priority-and-fairness.ts'
import { StoragePolls } from './storage-polls.ts'
import { openStores, rootPrefix, Stores } from './store.ts'
import { conversionTransport, readWebhookUsers } from './webhooks.ts'

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
      const handler = requestHandler(deps, {
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
