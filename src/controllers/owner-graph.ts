import type { MetaV1OwnerReference } from '../generated/types.ts'
import type { Resource } from '../registry/resource.ts'

/** An object with owners, or one that waits for its dependents. Replaced as a whole when the object changes. */
export interface GraphNode {
  readonly resource: Resource
  /** Where the object is stored, which tells all objects apart. */
  readonly key: string
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly owners: readonly MetaV1OwnerReference[]
  /** It was deleted and isn't gone yet. */
  readonly deleting: boolean
  /** It is deleted, and goes when its blocking dependents are gone. */
  readonly foreground: boolean
  /** It is deleted, and goes when its dependents are no longer that. */
  readonly orphan: boolean
}

const NONE: ReadonlyMap<string, GraphNode> = new Map()

/** Who depends on whom. Of objects that have no owners and wait for nothing it knows only the uids by which others name them. */
export class OwnerGraph {
  readonly #byKey = new Map<string, GraphNode>()
  readonly #byUid = new Map<string, GraphNode>()
  /** By the owner's uid, then by their own key. */
  readonly #dependents = new Map<string, Map<string, GraphNode>>()

  get size(): number {
    return this.#byKey.size
  }

  /** Whether any object has an owner. */
  get hasDependents(): boolean {
    return this.#dependents.size > 0
  }

  get(key: string): GraphNode | undefined {
    return this.#byKey.get(key)
  }

  byUid(uid: string): GraphNode | undefined {
    return this.#byUid.get(uid)
  }

  nodes(): Iterable<GraphNode> {
    return this.#byKey.values()
  }

  /** Those who name this uid among their owners. Changes of the graph are seen while it is walked. */
  dependents(uid: string): Iterable<GraphNode> {
    return (this.#dependents.get(uid) ?? NONE).values()
  }

  isOwner(uid: string): boolean {
    return this.#dependents.has(uid)
  }

  put(node: GraphNode): void {
    this.remove(node.key)
    this.#byKey.set(node.key, node)
    this.#byUid.set(node.uid, node)
    for (const { uid = '' } of node.owners) {
      let dependents = this.#dependents.get(uid)
      if (!dependents) this.#dependents.set(uid, (dependents = new Map()))
      dependents.set(node.key, node)
    }
  }

  remove(key: string): void {
    const node = this.#byKey.get(key)
    if (!node) return
    this.#byKey.delete(key)
    if (this.#byUid.get(node.uid) === node) this.#byUid.delete(node.uid)
    for (const { uid = '' } of node.owners) {
      const dependents = this.#dependents.get(uid)
      dependents?.delete(key)
      if (dependents?.size === 0) this.#dependents.delete(uid)
    }
  }
}

/** Whether an owner that is deleted in the foreground has to wait for this dependent of its. */
export function blocks(dependent: GraphNode, ownerUid: string): boolean {
  return dependent.owners.some(({ uid, blockOwnerDeletion }) => uid === ownerUid && blockOwnerDeletion === true)
}
