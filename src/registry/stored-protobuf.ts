import type { TypeDecoder } from '../machinery/decode.ts'
import { ProtobufCodec } from '../machinery/protobuf/codec.ts'
import { unwrap } from '../machinery/protobuf/envelope.ts'
import { WireFacts } from '../machinery/protobuf/wire-facts.ts'
import type { KindDefinition } from './kind.ts'
import { ServedResource } from './served.ts'
import { encode } from './store.ts'

/** Reads what the reference stored in protobuf, as it does unless told otherwise, in any version that the kind has. */
export class StoredProtobuf {
  readonly #decoder: TypeDecoder
  #codec: ProtobufCodec | undefined

  constructor(decoder: TypeDecoder) {
    this.#decoder = decoder
  }

  /** A stored message as we would have stored it. @throws Error when it is none of this kind */
  toJson(kind: KindDefinition, value: Buffer): Buffer {
    this.#codec ??= new ProtobufCodec(new WireFacts())
    const { apiVersion, kind: name, raw } = unwrap(value)
    const versions = [undefined, ...(kind.alsoServed ?? [])].map((other) => new ServedResource(kind, this.#decoder, other))
    const served = versions.find((version) => version.apiVersion === apiVersion)
    if (!served || name !== kind.kind) throw new Error(`no kind "${name}" is registered for version "${apiVersion}"`)
    return encode(served.toStorage({ kind: name, apiVersion, ...this.#codec.decode(served.schema, raw) }))
  }
}
