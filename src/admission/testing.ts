import assert from 'node:assert/strict'
import type { JsonObject } from '../machinery/json.ts'
import type { KubeObject } from '../machinery/object.ts'
import { type Status, StatusError } from '../machinery/status.ts'
import type { Facts, ObjectReader } from './objects.ts'
import type { AdmissionAttributes, AdmissionPlugin } from './plugin.ts'

/** Objects for plugins under test, by `resource` or `resource.group`. They may be added to at any time. */
export class TestObjects implements ObjectReader {
  readonly #byResource: Record<string, JsonObject[]>
  /** Called before anybody looks once more for something that wasn't there. */
  beforeFresh: (() => unknown) | undefined

  constructor(objects: Record<string, JsonObject[]> = {}) {
    this.#byResource = objects
  }

  add(resource: string, object: JsonObject): void {
    ;(this.#byResource[resource] ??= []).push(object)
  }

  facts<T extends {}>({ group, resource }: { group: string; resource: string }, derive: (object: KubeObject) => T): Facts<T> {
    const all = () => (this.#byResource[group ? `${resource}.${group}` : resource] ?? []) as KubeObject[]
    const get = (namespace: string, name: string) => {
      const found = all().find(({ metadata }) => metadata?.name === name && (metadata?.namespace ?? '') === namespace)
      return found && derive(found)
    }
    return {
      get,
      fresh: async (namespace, name) => {
        this.beforeFresh?.()
        return get(namespace, name)
      },
      all: () => all().map(derive),
      inNamespace: (namespace) =>
        all()
          .filter(({ metadata }) => (metadata?.namespace ?? '') === namespace)
          .map(derive),
    }
  }
}

type Asked = Partial<Omit<AdmissionAttributes, 'object' | 'oldObject' | 'resource' | 'kind'>> & {
  object?: JsonObject
  oldObject?: JsonObject
}

/** @param resource `resource` or `resource.group`, with `/subresource` at its end */
export function asked(resource: string, { object, oldObject, ...rest }: Asked = {}): AdmissionAttributes {
  const [whole = '', subresource = ''] = resource.split('/')
  const dot = whole.indexOf('.')
  const name = dot < 0 ? whole : whole.slice(0, dot)
  const group = dot < 0 ? '' : whole.slice(dot + 1)
  return {
    operation: 'CREATE',
    kind: { group, version: 'v1', kind: name === 'namespaces' ? 'Namespace' : 'Some' },
    resource: { group, version: 'v1', resource: name },
    subresource,
    namespace: '',
    name: (object as KubeObject | undefined)?.metadata?.name ?? '',
    object: object as KubeObject | undefined,
    oldObject: oldObject as KubeObject | undefined,
    options: {},
    dryRun: false,
    user: { name: 'alice', uid: '', groups: [], extra: {} },
    request: { signal: new AbortController().signal },
    warn: () => {},
    audited: false,
    annotate: () => {},
    ...rest,
  }
}

interface Admitted extends JsonObject {
  metadata: JsonObject
  spec: JsonObject
}

/** Lets the plugin do all that it does on a request; returns the object (if there is one) as it is then. */
export async function admitted(plugin: AdmissionPlugin, attributes: AdmissionAttributes): Promise<Admitted> {
  await plugin.admit?.(attributes)
  await plugin.validate?.(attributes)
  return attributes.object as Admitted
}

/** What the plugin refuses the request with. */
export async function refused(plugin: AdmissionPlugin, attributes: AdmissionAttributes): Promise<Status> {
  try {
    await admitted(plugin, attributes)
  } catch (error) {
    assert(error instanceof StatusError, String(error))
    return error.status
  }
  assert.fail('was admitted')
}
