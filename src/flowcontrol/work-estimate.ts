import { isTrue, type RequestInfo } from '../machinery/request-info.ts'
import type { FlowSchemaState } from './flow.ts'
import type { WatchCounts } from './watch-counts.ts'
import { ONE_SEAT, type Work } from './work.ts'

const MOST_LIST_SEATS = 100
const MOST_WRITE_SEATS = 10
const WATCHES_PER_SEAT = 10
/** How long it takes to tell the watches of one seat of a write, in ms. */
const TELLING_MS = 5
const BYTES_PER_SEAT = 100_000
/** Lists from the cache are written bit by bit: no more of one is in memory at once. */
const STREAMED_BYTES = 1_000_000

/** What is stored of a resource. */
export interface StoredExtent {
  readonly objects: number
  /** Average bytes of an object. */
  readonly objectBytes: number
}

/** What of a request tells its work. */
export interface EstimatedRequest {
  readonly info: RequestInfo
  readonly rawQuery: string
  readonly query: URLSearchParams
}

export interface EstimatorDeps {
  watches: WatchCounts
  /** Undefined for what isn't stored here. */
  extentOf(info: RequestInfo): StoredExtent | undefined
}

/** Writes that nobody is told of, by group and resource. */
const UNWATCHED: ReadonlySet<string> = new Set([
  'authentication.k8s.io/tokenreviews',
  'authentication.k8s.io/selfsubjectreviews',
  'authorization.k8s.io/localsubjectaccessreviews',
  'authorization.k8s.io/selfsubjectaccessreviews',
  'authorization.k8s.io/selfsubjectrulesreviews',
  'authorization.k8s.io/subjectaccessreviews',
])

/** Tells from a request how much work it is going to be. Most are one seat, which costs nothing to say. */
export class WorkEstimator {
  readonly #deps: EstimatorDeps

  constructor(deps: EstimatorDeps) {
    this.#deps = deps
  }

  estimate(request: EstimatedRequest, schema: FlowSchemaState): Work {
    const { info } = request
    const { maxSeats } = schema.level.limits
    switch (info.verb) {
      case 'list':
        return info.isResource ? this.#list(info, request.query, maxSeats) : ONE_SEAT
      case 'watch':
        return request.rawQuery.includes('sendInitialEvents') && isTrue(request.query.get('sendInitialEvents'))
          ? this.#list(info, request.query, maxSeats)
          : ONE_SEAT
      case 'create':
      case 'update':
      case 'patch':
      case 'delete':
        return this.#write(info, schema)
      default:
        return ONE_SEAT
    }
  }

  #list(info: RequestInfo, query: URLSearchParams, maxSeats: number): Work {
    const extent = this.#deps.extentOf(info)
    if (!extent) return ONE_SEAT
    const limit = Number(query.get('limit') ?? 0)
    const wanted = limit > 0 ? Math.min(limit, extent.objects) : extent.objects
    const cached = info.verb === 'watch' || isCached(query)
    const selects = Boolean(info.fieldSelector || info.labelSelector)
    const objects = info.name ? 1 : cached || !selects ? wanted : Math.max(wanted, extent.objects / 2)
    const bytes = objects * extent.objectBytes
    const seats = Math.ceil((cached ? Math.min(bytes, STREAMED_BYTES) : bytes) / BYTES_PER_SEAT)
    const most = maxSeats === 0 ? MOST_LIST_SEATS : Math.min(maxSeats, MOST_LIST_SEATS)
    const initial = Math.min(Math.max(seats, 1), most)
    return initial === 1 ? ONE_SEAT : { initial, final: 0, linger: 0 }
  }

  #write(info: RequestInfo, { level, counts }: FlowSchemaState): Work {
    const { maxSeats } = level.limits
    const watches = this.#deps.watches.interestedIn(info)
    counts.watchers.observe(watches)
    if (watches < WATCHES_PER_SEAT || isUnwatched(info)) return ONE_SEAT
    const most = maxSeats === 0 ? MOST_WRITE_SEATS : Math.min(maxSeats, MOST_WRITE_SEATS)
    const seats = Math.ceil(watches / WATCHES_PER_SEAT)
    const final = Math.min(seats, most)
    return { initial: 1, final, linger: (seats * TELLING_MS) / final }
  }
}

const isUnwatched = ({ apiGroup, resource, subresource }: RequestInfo): boolean =>
  (resource === 'serviceaccounts' && subresource === 'token') || UNWATCHED.has(`${apiGroup}/${resource}`)

/** Whether a list is one of those that the reference takes from its cache. */
function isCached(query: URLSearchParams): boolean {
  if (query.get('resourceVersionMatch') === 'Exact' || query.get('continue')) return false
  return query.get('resourceVersion') === '0' || !(Number(query.get('limit') ?? 0) > 0)
}
