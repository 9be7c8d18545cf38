import { performance } from 'node:perf_hooks'
import type { CoreV1ConfigMap, CoreV1ServiceAccount } from '../generated/types.ts'
import type { KubeObject } from '../machinery/object.ts'
import { StatusError } from '../machinery/status.ts'
import { isReason } from '../registry/bootstrap/ensure.ts'
import type { ObjectAccess } from '../registry/context.ts'
import { FIELD_MANAGER } from './identity.ts'
import { WorkQueue } from './work-queue.ts'

/** An object that every namespace is to have. */
export interface KeptObject {
  readonly resource: string
  readonly name: string
  make(namespace: string): KubeObject
  /** Puts right what is stored, and returns whether it had to. Unset: it is the users' once it is there. */
  correct?(stored: KubeObject): boolean
}

/** Pods run as this account unless they name another. */
export const DEFAULT_SERVICE_ACCOUNT: KeptObject = {
  resource: 'serviceaccounts',
  name: 'default',
  make: (namespace): CoreV1ServiceAccount => ({ metadata: { namespace, name: 'default' } }),
}

const DESCRIPTION = 'kubernetes.io/description'
const DESCRIPTION_TEXT =
  'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.'

/**
 * What pods check the server's certificate by. The text of its annotation is the one that kube-controller-manager writes.
 * @param ca in PEM; asked each time
 * @param certain whether it is the one; if not, it only serves until somebody puts a better one there
 */
export function rootCaConfigMap(ca: () => string, certain: boolean): KeptObject {
  return {
    resource: 'configmaps',
    name: 'kube-root-ca.crt',
    make: (namespace): CoreV1ConfigMap => ({
      metadata: { namespace, name: 'kube-root-ca.crt', annotations: { [DESCRIPTION]: DESCRIPTION_TEXT } },
      data: { 'ca.crt': ca() },
    }),
    correct(stored) {
      if (!certain) return false
      const map = stored as CoreV1ConfigMap
      const data = map.data ?? {}
      const described = Boolean(map.metadata?.annotations?.[DESCRIPTION])
      if (described && Object.keys(data).length === 1 && data['ca.crt'] === ca()) return false
      map.data = { 'ca.crt': ca() }
      map.metadata = {
        ...map.metadata,
        annotations: { ...map.metadata?.annotations, [DESCRIPTION]: DESCRIPTION_TEXT },
      }
      return true
    },
  }
}

export interface PerNamespaceDeps {
  kept: KeptObject
  /** Asked for when there is something to write. */
  objects(): ObjectAccess
  /** Called with what work in the background failed with; it is tried again. */
  onError(error: unknown, namespace: string): void
}

const WORKERS = 8
/** How long an object is left alone after it was put right, for the first time and at most. */
const FIRST_TRUCE_MS = 1000
const LAST_TRUCE_MS = 3_600_000

/**
 * Keeps one object in every active namespace. Tell it of every namespace and each change, and of each change of such an object: it
 * begins to write what is missing within that call, so that the object is there hardly later than its namespace.
 */
export class PerNamespace {
  readonly kept: KeptObject
  readonly #deps: PerNamespaceDeps
  readonly #active = new Set<string>()
  readonly #queue: WorkQueue
  /** Objects that were put right, by namespace: how often, and until when (by the process's clock) they are left alone. */
  readonly #truces = new Map<string, { count: number; until: number }>()

  constructor(deps: PerNamespaceDeps) {
    this.kept = deps.kept
    this.#deps = deps
    this.#queue = new WorkQueue({ work: (namespace) => this.#keep(namespace), onError: deps.onError, workers: WORKERS })
  }

  /** A namespace as it is now. */
  putNamespace(name: string, active: boolean): void {
    if (!active) {
      this.#active.delete(name)
      return
    }
    this.#active.add(name)
    this.#queue.add(name)
  }

  removeNamespace(name: string): void {
    this.#active.delete(name)
    this.#truces.delete(name)
  }

  /** Looks after the object in a namespace, or in all. */
  check(namespace?: string): void {
    if (namespace === undefined) for (const name of this.#active) this.#queue.add(name)
    else if (this.#active.has(namespace)) this.#queue.add(namespace)
  }

  /** Resolves once all are there, or could not be written. */
  settled(): Promise<void> {
    return this.#queue.settled()
  }

  close(): Promise<void> {
    return this.#queue.close()
  }

  async #keep(namespace: string): Promise<void> {
    if (!this.#active.has(namespace)) return
    const { kept } = this
    const objects = this.#deps.objects()
    const stored = await objects.get(namespace, kept.name)
    try {
      if (!stored) await objects.create(kept.make(namespace), { fieldManager: FIELD_MANAGER })
      else if (kept.correct?.(stored)) await this.#correct(namespace, objects)
    } catch (error) {
      // Somebody else was faster, or the namespace is going. When the object is, its end will be told.
      if (isReason(error, 'AlreadyExists') || isReason(error, 'NotFound') || isTerminating(error)) return
      throw error
    }
  }

  /** Another server may hold something else for right: they don't fight over it, but each leaves it to the other for longer and longer. */
  async #correct(namespace: string, objects: ObjectAccess): Promise<void> {
    const { kept } = this
    const now = performance.now()
    const { count, until } = this.#truces.get(namespace) ?? { count: 0, until: 0 }
    if (now < until) {
      this.#queue.addAfter(namespace, until - now)
      return
    }
    const again = now - until < LAST_TRUCE_MS ? count : 0
    this.#truces.set(namespace, { count: again + 1, until: now + Math.min(FIRST_TRUCE_MS * 2 ** again, LAST_TRUCE_MS) })
    await objects.update(namespace, kept.name, (object) => (kept.correct?.(object) ? object : undefined), {
      fieldManager: FIELD_MANAGER,
    })
  }
}

function isTerminating(error: unknown): boolean {
  return (
    error instanceof StatusError && Boolean(error.status.details?.causes?.some(({ reason }) => reason === 'NamespaceTerminating'))
  )
}
