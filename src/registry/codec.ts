import type { TypeDecoder } from '../machinery/decode.ts'
import type { JsonObject } from '../machinery/json.ts'
import type { KubeObject } from '../machinery/object.ts'

/** How the objects of one version of a kind are read and written: by the facts of a built-in type, or by the schema of a custom one. */
export interface ObjectCodec {
  /**
   * Reads what a client sent.
   * @param unknown collects the paths of fields that the version doesn't have
   * @param own whether `raw` may be changed, and become the result
   * @throws DecodeError
   */
  request(raw: JsonObject, unknown?: string[], own?: boolean): KubeObject
  /** Reads an object as it comes back from being written. @throws DecodeError */
  decode(raw: JsonObject): KubeObject
  /** An object that was read before, as it is to be stored. Shares what needs no change with its input. */
  canonical(object: KubeObject): KubeObject
  /** An object that answers a request without being stored: what is empty may be left out. */
  written(object: KubeObject): KubeObject
}

/** @param schema full name of the type, such as `io.k8s.api.core.v1.Pod` */
export function factCodec(decoder: TypeDecoder, schema: string): ObjectCodec {
  return {
    request: (raw, unknown, own) => decoder.decodeRequest(schema, raw, unknown, own) as KubeObject,
    decode: (raw) => decoder.decode(schema, raw) as KubeObject,
    canonical: (object) => decoder.canonical(schema, object as JsonObject) as KubeObject,
    written: (object) => decoder.decodeWritten(schema, object as JsonObject) as KubeObject,
  }
}
