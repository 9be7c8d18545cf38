import { NodeGraph } from '../authorization/node/graph.ts'
import type { CoreV1PersistentVolume, CoreV1Pod, ResourceV1ResourceSlice, StorageV1VolumeAttachment } from '../generated/types.ts'
import type { CacheEntry } from '../storage/cache-entry.ts'
import type { FollowHandler } from './cache-follower.ts'

type Follow = (resource: string, group: string, handler: FollowHandler) => Promise<void>

/** How a change of each kind changes the graph. */
interface Feed {
  resource: string
  group: string
  put(graph: NodeGraph, entry: CacheEntry): void
  remove(graph: NodeGraph, namespace: string, name: string): void
}

const FEEDS: readonly Feed[] = [
  {
    resource: 'pods',
    group: '',
    put: (graph, entry) => graph.setPod(entry.object<CoreV1Pod>()),
    remove: (graph, namespace, name) => graph.deletePod(namespace, name),
  },
  {
    resource: 'persistentvolumes',
    group: '',
    put: (graph, entry) => graph.setVolume(entry.object<CoreV1PersistentVolume>()),
    remove: (graph, _namespace, name) => graph.deleteVolume(name),
  },
  {
    resource: 'volumeattachments',
    group: 'storage.k8s.io',
    put: (graph, entry) => {
      const { metadata, spec } = entry.object<StorageV1VolumeAttachment>()
      graph.setOwned('volumeattachments', metadata?.name ?? '', spec?.nodeName ?? '')
    },
    remove: (graph, _namespace, name) => graph.setOwned('volumeattachments', name, ''),
  },
  {
    resource: 'resourceslices',
    group: 'resource.k8s.io',
    put: (graph, entry) => {
      const { metadata, spec } = entry.object<ResourceV1ResourceSlice>()
      graph.setOwned('resourceslices', metadata?.name ?? '', spec?.nodeName ?? '')
    },
    remove: (graph, _namespace, name) => graph.setOwned('resourceslices', name, ''),
  },
]

/** Past this many changes they are worked in even if no kubelet asks. */
const MAX_PENDING = 10_000

/**
 * Keeps the graph of the node authorizer current. It costs a server nothing until a kubelet first asks for something; from then on a
 * change only costs its being noted, and is worked in when a kubelet asks again.
 */
export class NodeGraphFeed {
  readonly #graph = new NodeGraph()
  readonly #follow: Follow
  readonly #pending = new Map<string, () => void>()
  #started: Promise<NodeGraph> | undefined
  #ready = false

  constructor(follow: Follow) {
    this.#follow = follow
  }

  /** The graph as of the last acknowledged write. */
  graph(): NodeGraph | Promise<NodeGraph> {
    if (this.#ready) return this.#current()
    this.#started ??= this.#start()
    return this.#started
  }

  async #start(): Promise<NodeGraph> {
    try {
      await Promise.all(FEEDS.map((feed) => this.#follow(feed.resource, feed.group, this.#handler(feed))))
    } catch (error) {
      this.#started = undefined
      throw error
    }
    this.#ready = true
    return this.#current()
  }

  #handler(feed: Feed): FollowHandler {
    return {
      put: (entry) => this.#note(entry.key, () => feed.put(this.#graph, entry)),
      remove: (namespace, name, key) => this.#note(key, () => feed.remove(this.#graph, namespace, name)),
    }
  }

  #note(key: string, apply: () => void): void {
    this.#pending.set(key, apply)
    if (this.#pending.size > MAX_PENDING) this.#current()
  }

  #current(): NodeGraph {
    for (const apply of this.#pending.values()) apply()
    this.#pending.clear()
    return this.#graph
  }
}
