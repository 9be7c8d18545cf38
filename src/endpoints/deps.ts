import type { TypeDecoder } from '../machinery/decode.ts'
import type { Exchange } from '../machinery/exchange.ts'
import { managerName } from '../machinery/managed-fields/update.ts'
import type { ProtobufCodec } from '../machinery/protobuf/codec.ts'
import type { SchemaFacts } from '../machinery/schema.ts'
import type { KindEnvironment } from '../registry/context.ts'
import type { Endpoint } from '../registry/registry.ts'
import { RequestContext } from '../registry/request-context.ts'
import type { BodyReader } from './body.ts'
import type { Connections } from './connect.ts'
import type { WriteOptions } from './options.ts'
import type { TableMaker } from './table.ts'

/** What the verbs need of the server around them. */
export interface EndpointDeps {
  clock: () => number
  random: (max: number) => number
  tables: TableMaker
  bodies: BodyReader
  facts: SchemaFacts
  decoder: TypeDecoder
  protobuf: ProtobufCodec
  env: KindEnvironment
  /** Unset where nothing is connected to. */
  connections?: Connections
  /** `--min-request-timeout`, in ms: how long a watch without a timeout lives at least. */
  minRequestTimeout: number
  /** `--delete-collection-workers`. */
  deleteCollectionWorkers: number
  /** Whether a store's unread tail per watcher may grow to this many bytes before the watch is closed. */
  maxWatchBacklog: number
}

/** A request that has found its resource. */
export interface Call {
  readonly exchange: Exchange
  readonly endpoint: Endpoint
  readonly deps: EndpointDeps
}

export function contextOf(
  call: Call,
  operation: RequestContext['operation'],
  options?: Pick<WriteOptions, 'dryRun' | 'object'> & { fieldManager?: string },
  of: { namespace: string; name: string; admissionName?: string } = call.exchange.info,
): RequestContext {
  const { exchange, endpoint, deps } = call
  const { audit } = exchange
  return new RequestContext({
    now: deps.clock(),
    user: exchange.user,
    namespace: endpoint.served.kind.scope === 'Namespaced' ? of.namespace : '',
    name: of.name,
    ...(of.admissionName === undefined ? {} : { admissionName: of.admissionName }),
    subresource: exchange.info.subresource,
    operation,
    dryRun: options?.dryRun ?? false,
    fieldManager: managerName(options?.fieldManager ?? '', exchange.header('user-agent')),
    env: deps.env,
    ...(options ? { options: options.object } : {}),
    version: endpoint.served,
    warn: (text) => exchange.warnings.push(text),
    request: exchange,
    annotate: audit
      ? (key, value, level) => {
          if (level !== 'Request' || audit.wantsObjects) exchange.annotate(key, value)
        }
      : undefined,
  })
}

/** Storage keys of cluster-scoped kinds have no namespace, whatever the path said. */
export function namespaceOf(call: Call): string {
  return call.endpoint.served.kind.scope === 'Namespaced' ? call.exchange.info.namespace : ''
}
