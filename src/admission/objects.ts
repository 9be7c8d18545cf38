import type { KubeObject } from '../machinery/object.ts'
import type { GroupResource } from '../machinery/status.ts'

/** What plugins know of stored objects. */
export interface ObjectReader {
  /**
   * Opens one resource.
   * @param derive makes of an object what the plugin wants to know; called once per stored state of an object, so that a look-up
   * decodes nothing
   */
  facts<T extends {}>(resource: GroupResource, derive: (object: KubeObject) => T): Facts<T>
}

/** Derived facts of one resource's objects. What it returns is shared: not to be changed. */
export interface Facts<T extends {}> {
  /** A promise only while the objects are still being loaded. @param namespace empty for cluster-scoped resources */
  get(namespace: string, name: string): T | undefined | Promise<T | undefined>
  /** The same, with all that any server has stored until now: for look-ups that found nothing. */
  fresh(namespace: string, name: string): Promise<T | undefined>
  /** Those of all objects, in the order of their names; the same list until an object changes. */
  all(): readonly T[] | Promise<readonly T[]>
  /** Those of one namespace (all of a cluster-scoped resource, which are in none), likewise: others' objects cost nothing. */
  inNamespace(namespace: string): readonly T[] | Promise<readonly T[]>
}

/** Goes on at once when the value is there already. */
export function then<T, R>(value: T | Promise<T>, next: (value: T) => R | Promise<R>): R | Promise<R> {
  return value instanceof Promise ? value.then(next) : next(value)
}

/** A look-up that asks once more before it believes that there is nothing. */
export function find<T extends {}>(facts: Facts<T>, namespace: string, name: string): T | undefined | Promise<T | undefined> {
  return then(facts.get(namespace, name), (found) => found ?? facts.fresh(namespace, name))
}
