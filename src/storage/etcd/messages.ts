import { bool, bytes, type Fields, id, int, Message, many, one, text } from './wire.ts'

/**
 * The messages of etcd's v3 API that the engine uses, by their field numbers (`rpc.proto` and `kv.proto` of etcd's API). Fields that it
 * never looks at are left out.
 */

const header = new Message({ revision: int(3) })

const keyValue = new Message({
  key: text(1),
  createRevision: int(2),
  modRevision: int(3),
  version: int(4),
  value: bytes(5),
  lease: id(6),
})

const rangeRequest = new Message({
  key: text(1),
  rangeEnd: text(2),
  limit: int(3),
  revision: int(4),
  keysOnly: bool(8),
  countOnly: bool(9),
})
const rangeResponse = new Message({ header: one(1, () => header), kvs: many(2, () => keyValue), more: bool(3), count: int(4) })

const putRequest = new Message({ key: text(1), value: bytes(2), lease: id(3) })
const putResponse = new Message({ header: one(1, () => header) })

const deleteRequest = new Message({ key: text(1) })
const deleteResponse = new Message({ header: one(1, () => header), deleted: int(2) })

const requestOp = new Message({
  range: one(1, () => rangeRequest),
  put: one(2, () => putRequest),
  delete: one(3, () => deleteRequest),
})
const responseOp = new Message({ range: one(1, () => rangeResponse) })

/** `result` EQUAL is 0; `target` VERSION is 0, MOD is 2. */
const compare = new Message({ result: int(1), target: int(2), key: text(3), version: int(4), modRevision: int(6) })
const txnRequest = new Message({
  compare: many(1, () => compare),
  success: many(2, () => requestOp),
  failure: many(3, () => requestOp),
})
const txnResponse = new Message({ header: one(1, () => header), succeeded: bool(2), responses: many(3, () => responseOp) })

const compactionRequest = new Message({ revision: int(1) })
const compactionResponse = new Message({ header: one(1, () => header) })

const watchCreate = new Message({
  key: text(1),
  rangeEnd: text(2),
  startRevision: int(3),
  progressNotify: bool(4),
  previous: bool(6),
  watchId: int(7),
  fragment: bool(8),
})
const watchCancel = new Message({ watchId: int(1) })
const watchProgress = new Message({})
const watchRequest = new Message({
  create: one(1, () => watchCreate),
  cancel: one(2, () => watchCancel),
  progress: one(3, () => watchProgress),
})
/** `type` PUT is 0, DELETE is 1. */
const event = new Message({ type: int(1), current: one(2, () => keyValue), previous: one(3, () => keyValue) })
const watchResponse = new Message({
  header: one(1, () => header),
  watchId: int(2),
  created: bool(3),
  canceled: bool(4),
  compactRevision: int(5),
  cancelReason: text(6),
  fragment: bool(7),
  events: many(11, () => event),
})

const leaseGrantRequest = new Message({ ttl: int(1) })
const leaseGrantResponse = new Message({ header: one(1, () => header), id: id(2), ttl: int(3), error: text(4) })

const statusRequest = new Message({})
const statusResponse = new Message({ header: one(1, () => header), version: text(2), dbSize: int(3), leader: id(4) })

export type EtcdEvent = ReturnType<typeof event.decode>
export type EtcdKeyValue = ReturnType<typeof keyValue.decode>
export type WatchAnswer = ReturnType<typeof watchResponse.decode>

/** One call of etcd's API. */
export interface Method<Request extends Fields, Response extends Fields> {
  readonly path: string
  readonly request: Message<Request>
  readonly response: Message<Response>
}

const method = <Request extends Fields, Response extends Fields>(
  path: string,
  request: Message<Request>,
  response: Message<Response>,
): Method<Request, Response> => ({ path: `/etcdserverpb.${path}`, request, response })

export const range = method('KV/Range', rangeRequest, rangeResponse)
export const put = method('KV/Put', putRequest, putResponse)
export const deleteRange = method('KV/DeleteRange', deleteRequest, deleteResponse)
export const txn = method('KV/Txn', txnRequest, txnResponse)
export const compact = method('KV/Compact', compactionRequest, compactionResponse)
export const watch = method('Watch/Watch', watchRequest, watchResponse)
export const leaseGrant = method('Lease/LeaseGrant', leaseGrantRequest, leaseGrantResponse)
export const status = method('Maintenance/Status', statusRequest, statusResponse)
