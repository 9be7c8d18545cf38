import type { RbacV1ClusterRole, RbacV1PolicyRule } from '../generated/types.ts'
import { equal } from '../machinery/json.ts'
import { type LabelSelectorObject, labelSelectorFromObject } from '../machinery/label-selector.ts'
import { isReason } from '../registry/bootstrap/ensure.ts'
import type { ObjectAccess } from '../registry/context.ts'

export interface ClusterRoleAggregationDeps {
  /** Asked for when there is something to write. */
  roles(): ObjectAccess
  /** Called with what work in the background failed with. */
  onError(error: unknown): void
}

const RETRY_MS = 1000

/**
 * Keeps the rules of ClusterRoles that are put together from others (`aggregationRule`), such as `admin`, `edit` and `view`. Tell it of
 * every ClusterRole and each change; it writes those whose rules aren't what their parts say.
 * https://kubernetes.io/docs/reference/access-authn-authz/rbac/#aggregated-clusterroles
 */
export class ClusterRoleAggregation {
  readonly #deps: ClusterRoleAggregationDeps
  readonly #roles = new Map<string, RbacV1ClusterRole>()
  #running: Promise<void> | undefined
  #dirty = false
  #retry: NodeJS.Timeout | undefined
  #closed = false

  constructor(deps: ClusterRoleAggregationDeps) {
    this.#deps = deps
  }

  put(role: RbacV1ClusterRole): void {
    this.#roles.set(role.metadata?.name ?? '', role)
    this.#wake()
  }

  remove(name: string): void {
    this.#roles.delete(name)
    this.#wake()
  }

  /** Resolves once all rules are as they should be, or could not be written. */
  async settled(): Promise<void> {
    while (this.#running) await this.#running
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#retry)
  }

  #wake(): void {
    this.#dirty = true
    if (this.#closed) return
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined
      if (this.#dirty) this.#wake()
    })
  }

  /** Writing one role may change what another one is made of: that comes back as another change. */
  async #run(): Promise<void> {
    // Changes that come together are looked at together.
    await Promise.resolve()
    this.#dirty = false
    for (const [name, { aggregationRule, rules }] of this.#roles) {
      if (!aggregationRule || this.#closed) continue
      try {
        if (!equal(this.#aggregate(name, aggregationRule), rules ?? [])) await this.#write(name)
      } catch (error) {
        if (isReason(error, 'NotFound')) continue
        this.#deps.onError(error)
        this.#retry = setTimeout(() => this.#wake(), RETRY_MS)
        this.#retry.unref()
      }
    }
  }

  async #write(name: string): Promise<void> {
    await this.#deps.roles().update('', name, (stored) => {
      const role = stored as RbacV1ClusterRole
      if (!role.aggregationRule) return undefined
      role.rules = this.#aggregate(name, role.aggregationRule)
      return role
    })
  }

  /** The rules of all roles that any selector matches, each once, by the roles' names within a selector. */
  #aggregate(own: string, { clusterRoleSelectors = [] }: NonNullable<RbacV1ClusterRole['aggregationRule']>): RbacV1PolicyRule[] {
    const rules: RbacV1PolicyRule[] = []
    const names = [...this.#roles.keys()].filter((name) => name !== own).sort()
    for (const given of clusterRoleSelectors) {
      const selector = labelSelectorFromObject(given as LabelSelectorObject)
      for (const name of names) {
        const role = this.#roles.get(name) as RbacV1ClusterRole
        if (!selector.matches(role.metadata?.labels)) continue
        for (const rule of role.rules ?? []) if (!rules.some((other) => equal(other, rule))) rules.push(rule)
      }
    }
    return rules
  }
}
