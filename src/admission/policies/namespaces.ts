import { fromJson } from '../../cel/json-values.ts'
import type { Value } from '../../cel/values.ts'
import type { Json, JsonObject } from '../../machinery/json.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { type Facts, find, type ObjectReader } from '../objects.ts'

/** What policies know of a namespace. */
export interface NamespaceFacts {
  readonly labels: Readonly<Record<string, string>> | undefined
  /** The variable `namespaceObject`. */
  readonly value: Value
}

/** What expressions may see of its metadata. */
const METADATA = [
  'name',
  'generateName',
  'namespace',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'labels',
  'annotations',
  'finalizers',
]

export class Namespaces {
  readonly #facts: Facts<NamespaceFacts>

  constructor(objects: ObjectReader) {
    this.#facts = objects.facts({ group: '', resource: 'namespaces' }, factsOf)
  }

  find(name: string): NamespaceFacts | undefined | Promise<NamespaceFacts | undefined> {
    return find(this.#facts, '', name)
  }
}

function factsOf(object: KubeObject & { spec?: Json; status?: Json }): NamespaceFacts {
  const metadata = (object.metadata ?? {}) as JsonObject
  const visible: JsonObject = {}
  for (const name of METADATA) if (metadata[name] !== undefined) visible[name] = metadata[name]
  const { spec = {}, status = {} } = object
  return { labels: object.metadata?.labels, value: fromJson({ metadata: visible, spec, status }) }
}
