import type { Exchange } from '../machinery/exchange.ts'
import { parseJson, stringifyJson } from '../machinery/go-json.ts'
import type { JsonObject } from '../machinery/json.ts'
import type { ProtobufCodec } from '../machinery/protobuf/codec.ts'
import { isTrue } from '../machinery/request-info.ts'
import type { Status, StatusError } from '../machinery/status.ts'
import { jsonToYaml } from '../machinery/yaml.ts'
import type { Call } from './deps.ts'
import { inProtobuf, PROTOBUF } from './messages.ts'
import { type Form, negotiateError } from './negotiation.ts'

/** Types of answers that belong to no kind. */
export const META = {
  status: 'io.k8s.apimachinery.pkg.apis.meta.v1.Status',
  partial: 'io.k8s.apimachinery.pkg.apis.meta.v1.PartialObjectMetadata',
  /** @param version of meta.k8s.io: its messages differ, though their JSON doesn't */
  partialList: (version: string) => `io.k8s.apimachinery.pkg.apis.meta.${version}.PartialObjectMetadataList`,
} as const

/** Whether `?pretty` asks for it, or a client that people look at. */
export function wantsPretty(exchange: Exchange): boolean {
  if (exchange.rawQuery.includes('pretty')) {
    const asked = exchange.query.get('pretty')
    if (asked !== null) return isTrue(asked)
  }
  const agent = exchange.transport.headers['user-agent']
  return typeof agent === 'string' && (agent.startsWith('curl') || agent.startsWith('Wget') || agent.startsWith('Mozilla/5.0'))
}

/** JSON bytes in the wanted media type, which isn't protobuf. */
export function inForm(json: Buffer, form: Form): Buffer {
  if (form.mediaType === 'application/yaml') return Buffer.from(jsonToYaml(parseJson(json)))
  if (form.pretty) return Buffer.from(stringifyJson(parseJson(json), 2))
  return json
}

/**
 * Sends an object that isn't stored.
 *
 * @param schema its type
 * @throws StatusError 406 when it has no protobuf form, and that is asked for
 */
export function answerValue(
  call: Pick<Call, 'exchange' | 'deps'>,
  code: number,
  value: JsonObject,
  schema: string,
  form: Form,
): void {
  if (schema === META.status) call.exchange.audit?.concluded(value as unknown as Status)
  const isProtobuf = form.mediaType === PROTOBUF
  const body = isProtobuf ? inProtobuf(call.deps.protobuf, schema, value) : inForm(Buffer.from(stringifyJson(value)), form)
  call.exchange.respond(code, form.mediaType, body)
}

/** Sends an error as its Status, in the form that the client asked for where that is possible. */
export function answerError(exchange: Exchange, error: StatusError, protobuf: ProtobufCodec): void {
  const form = negotiateError(exchange.header('accept'), wantsPretty(exchange))
  exchange.audit?.concluded(error.status)
  const body =
    form.mediaType === PROTOBUF
      ? inProtobuf(protobuf, META.status, error.status as unknown as JsonObject)
      : inForm(Buffer.from(JSON.stringify(error.status)), form)
  exchange.respond(error.code, form.mediaType, body, error.headers)
}
