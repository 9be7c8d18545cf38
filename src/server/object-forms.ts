import type { ObjectForms, Show } from '../admission/forms.ts'
import type { AdmissionAttributes } from '../admission/plugin.ts'
import type { TypeDecoder } from '../machinery/decode.ts'
import type { JsonObject } from '../machinery/json.ts'
import { FactAtoms } from '../machinery/managed-fields/fact-atoms.ts'
import { expandManagedFields } from '../machinery/managed-fields/stored-text.ts'
import type { KubeObject } from '../machinery/object.ts'
import type { SchemaFacts } from '../machinery/schema.ts'
import { readStrictly, sortedJson } from '../machinery/strict-json.ts'
import { apiVersionOf, type Subresource } from '../registry/kind.ts'
import type { Endpoint, Registry } from '../registry/registry.ts'

interface VersionedKind {
  readonly group: string
  readonly version: string
  readonly kind: string
}

export interface ObjectFormsDeps {
  readonly registry: Registry
  readonly facts: SchemaFacts
  readonly decoder: TypeDecoder
}

/** How admission sees the objects of requests, and takes back what was made of them. */
export function objectForms({ registry, facts, decoder }: ObjectFormsDeps): ObjectForms {
  const atoms = new FactAtoms(facts)
  /** Where the object itself is served in the kind's version; undefined for bodies of subresources that are of a kind of their own. */
  const served = ({ resource, kind: bodyKind }: AdmissionAttributes, kind: VersionedKind): Endpoint | undefined => {
    const endpoint = registry.find(kind.group, kind.version, resource.resource)
    return endpoint && endpoint.resource.kind.kind === bodyKind.kind ? endpoint : undefined
  }
  /** What the body of such a subresource is. Nothing is known of the options of connections. */
  const bodyOf = ({ operation, resource, subresource }: AdmissionAttributes): Subresource<KubeObject> | undefined => {
    if (operation === 'CONNECT') return undefined
    const endpoint = registry.find(resource.group, resource.version, resource.resource)
    return endpoint?.resource.kind.subresources?.find(({ name }) => name === subresource)
  }
  const strictly = (json: JsonObject, schema: string): void => {
    expandManagedFields(json)
    const { problems } = readStrictly(sortedJson(json), facts, schema)
    if (problems.length) throw new Error(`strict decoding error: ${problems.join(', ')}`)
  }
  /** Each version of a custom resource is a kind of its own: what was made of one goes on in that of the request. */
  const asRequested = (object: KubeObject, { resource }: AdmissionAttributes): KubeObject | Promise<KubeObject> => {
    const endpoint = registry.find(resource.group, resource.version, resource.resource)
    if (!endpoint) return object
    const converted = converting(endpoint, object)
    return converted ? converted.then((one) => endpoint.served.toStorage(one)) : endpoint.served.fromStorage(object)
  }
  return {
    show: show(registry),
    read(json, attributes, kind, strict) {
      const endpoint = served(attributes, kind)
      // Whatever a schema doesn't know of is left out of custom resources without a word.
      if (endpoint?.served.kind.custom) return asRequested(endpoint.served.toStorage(json), attributes)
      const unknown: string[] | undefined = strict ? [] : undefined
      if (endpoint) {
        const object = endpoint.served.toStorage(json, unknown)
        if (unknown?.length) strictly(json, endpoint.served.schema)
        return object
      }
      const body = bodyOf(attributes)
      if (!body?.kind) return json as KubeObject
      const object = decoder.decodeRequest(body.kind.schema, json, unknown) as KubeObject
      if (unknown?.length) strictly(json, body.kind.schema)
      body.defaults?.(object)
      return object
    },
    atom(attributes, kind) {
      const endpoint = served(attributes, kind)
      if (endpoint) return endpoint.resource.fields.views(apiVersionOf(kind))?.atom
      const schema = bodyOf(attributes)?.kind?.schema
      return schema === undefined ? undefined : atoms.atom(schema)
    },
  }
}

/** @returns shows objects in the version that a policy or webhook wants */
export function show(registry: Registry): Show {
  return (object, { resource, kind: bodyKind }, kind) => {
    const endpoint = registry.find(kind.group, kind.version, resource.resource)
    // Bodies of subresources that are of a kind of their own have only one form.
    if (!endpoint || endpoint.resource.kind.kind !== bodyKind.kind) return object as JsonObject
    const converted = converting(endpoint, object)
    if (converted) return converted.then((one) => endpoint.served.written(one as KubeObject) as JsonObject)
    return endpoint.served.written(object) as JsonObject
  }
}

/** An object on its way to the endpoint's version, where somebody else has to be asked to bring it there. */
function converting({ served }: Endpoint, object: KubeObject): Promise<JsonObject> | undefined {
  return object.apiVersion === served.apiVersion ? undefined : served.kind.custom?.convert?.(object as JsonObject)
}
