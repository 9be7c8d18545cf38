import { clone } from '../machinery/json.ts'
import type { KubeObject } from '../machinery/object.ts'
import { alreadyExists, notFound } from '../machinery/status.ts'
import type { ObjectAccess } from '../registry/context.ts'

/** Stored objects by resource, in memory and without any strategy: for tests of what uses them. */
export class MemoryObjects {
  readonly #stores = new Map<string, Map<string, KubeObject>>()

  readonly objects = (resource: string, group = ''): ObjectAccess => {
    const name = `${group}/${resource}`
    const store = this.#stores.get(name) ?? new Map<string, KubeObject>()
    this.#stores.set(name, store)
    const key = (namespace: string, object: string): string => `${namespace}/${object}`
    const existing = (namespace: string, object: string): KubeObject => {
      const found = store.get(key(namespace, object))
      if (!found) throw notFound({ group, resource }, object)
      return found
    }
    return {
      get: async (namespace, object) => clone(store.get(key(namespace, object))),
      list: async (namespace) =>
        [...store.values()].filter(({ metadata }) => !namespace || metadata?.namespace === namespace).map(clone),
      create: async (object, options) => {
        const { namespace = '', name = '' } = object.metadata ?? {}
        if (store.has(key(namespace, name))) throw alreadyExists({ group, resource }, name)
        if (!options?.dryRun) store.set(key(namespace, name), clone(object))
        return clone(object)
      },
      update: async (namespace, object, change, options) => {
        const before = existing(namespace, object)
        const changed = change(clone(before))
        // What is applied has no more than what it is about.
        const after = options?.apply && changed ? { ...before, ...changed, metadata: before.metadata } : changed
        if (after) store.set(key(namespace, object), clone(after))
        return clone(existing(namespace, object))
      },
      delete: async (namespace, object) => {
        const found = existing(namespace, object)
        store.delete(key(namespace, object))
        return found
      },
    }
  }

  /** `namespace/name` of everything of a resource, sorted. */
  names(resource: string, group = ''): string[] {
    return [...(this.#stores.get(`${group}/${resource}`)?.keys() ?? [])].sort()
  }
}
