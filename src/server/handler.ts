import { randomUUID } from 'node:crypto'
import type { AdmissionPlugin } from '../admission/plugin.ts'
import type { Auditor } from '../audit/auditor.ts'
import type { AuthorizerChain } from '../authorization/authorizer.ts'
import { Descriptions } from '../discovery/descriptions.ts'
import { Discovery } from '../discovery/discovery.ts'
import { OpenApi } from '../discovery/openapi/openapi.ts'
import type { BodyReader } from '../endpoints/body.ts'
import { DebugEndpoints } from '../endpoints/debug.ts'
import { Dispatcher } from '../endpoints/dispatch.ts'
import { answerError, wantsPretty } from '../endpoints/encode.ts'
import { Health } from '../endpoints/health.ts'
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
import type { TypeDecoder } from '../machinery/decode.ts'
import { Exchange, type Transport } from '../machinery/exchange.ts'
import type { ProtobufCodec } from '../machinery/protobuf/codec.ts'
import type { SchemaFacts } from '../machinery/schema.ts'
import type { StatusError } from '../machinery/status.ts'
import { type Logger, levelOf } from '../observability/logger.ts'
import { Profiles } from '../observability/profiles.ts'
import { featureEnabled } from '../options/feature-gates.ts'
import { flagValues } from '../options/flag-values.ts'
import type { Options } from '../options/table.ts'
import { reportedVersion, zPagesVersion } from '../options/version.ts'
import type { KindEnvironment } from '../registry/context.ts'
import type { Registry } from '../registry/registry.ts'
import type { Encryption } from '../storage/encryption/encryption.ts'
import { admissionPlugins } from './admission.ts'
import type { AdmissionConfigs } from './admission-config.ts'
import type { Aggregation } from './aggregation.ts'
import type { Authentication } from './authentication.ts'

import { chain } from './chain.ts'
import { advertisedAddress } from './config.ts'
import type { ClusterConnections } from './connections.ts'
import type { CustomDefinitions } from './custom-resources.ts'
import { randomBelow } from './environment.ts'
import type { ServerMetrics } from './metrics.ts'
import type { PriorityAndFairness } from './priority-and-fairness.ts'
import { type Stores, storeCheck } from './store.ts'
import type { WebhookParts } from './webhooks.ts'

const MAX_WATCH_BACKLOG = 32 << 20

export interface HandlerDeps {
  options: Options
  logger: Logger
  /** ms since the epoch. */
  clock: () => number
}

/** The parts of a server that requests meet. */
export interface HandlerParts {
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

/** What serves a request: the stages of the chain, and the endpoints behind them. */
export function requestHandler(deps: HandlerDeps, parts: HandlerParts) {
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
