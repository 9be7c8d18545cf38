import { type Authorizer, AuthorizerChain, alwaysAllow, alwaysDeny, privilegedGroup } from '../authorization/authorizer.ts'
import type { AuthorizationMetrics } from '../authorization/metrics.ts'
import { NodeAuthorizer } from '../authorization/node/node.ts'
import type { Binding } from '../authorization/rbac/grants.ts'
import { PolicyIndex } from '../authorization/rbac/policy-index.ts'
import { RbacAuthorizer } from '../authorization/rbac/rbac.ts'
import { ClusterRoleAggregation } from '../controllers/cluster-role-aggregation.ts'
import type { RbacV1ClusterRole, RbacV1ClusterRoleBinding, RbacV1Role, RbacV1RoleBinding } from '../generated/types.ts'
import type { Logger } from '../observability/logger.ts'
import { controllerEnabled } from '../options/standalone.ts'
import type { Options } from '../options/table.ts'
import { nodeRules } from '../registry/bootstrap/default-policy.ts'
import type { Registry } from '../registry/registry.ts'
import { CacheFollower, type FollowHandler } from './cache-follower.ts'
import { NodeGraphFeed } from './node-graph.ts'

export interface AuthorizationDeps {
  options: Options
  logger: Logger
  registry: Registry
  metrics?: AuthorizationMetrics
}

const RBAC = 'rbac.authorization.k8s.io'

/** The authorizers that the flags name, with what they know of the stored objects. */
export class Authorization {
  readonly authorizer: AuthorizerChain
  /** Kept whatever the modes: nobody may give away rights that they don't have. */
  readonly policy = new PolicyIndex()
  readonly #deps: AuthorizationDeps
  readonly #followers: CacheFollower[] = []
  readonly #nodes: NodeGraphFeed
  readonly #aggregation: ClusterRoleAggregation | undefined

  constructor(deps: AuthorizationDeps) {
    this.#deps = deps
    this.#nodes = new NodeGraphFeed((resource, group, handler) => this.#follow(resource, group, handler))
    if (controllerEnabled(deps.options.controllers, 'clusterrole-aggregation-controller')) {
      this.#aggregation = new ClusterRoleAggregation({
        roles: () => deps.registry.objects('clusterroles', RBAC),
        onError: (error) => deps.logger.error('a ClusterRole could not be put together', { error }),
      })
    }
    this.authorizer = new AuthorizerChain(
      [privilegedGroup, ...deps.options.authorizationMode.map((mode) => this.#member(mode))],
      deps.metrics,
    )
  }

  #member(mode: string): Authorizer {
    switch (mode) {
      case 'AlwaysAllow':
        return alwaysAllow
      case 'AlwaysDeny':
        return alwaysDeny
      case 'RBAC':
        return new RbacAuthorizer(this.policy)
      case 'Node':
        return new NodeAuthorizer({ rules: nodeRules(), graph: () => this.#nodes.graph() })
      default:
        throw new Error(`no authorizer ${mode}`)
    }
  }

  /** Loads roles and bindings. Await it before the first request; the registry has to have its kinds by then. */
  async start(): Promise<void> {
    const { policy } = this
    const aggregation = this.#aggregation
    const clusterRoles: FollowHandler = {
      put: (entry) => {
        const role = entry.object<RbacV1ClusterRole>()
        policy.setRole('', role.metadata?.name ?? '', role.rules)
        aggregation?.put(role)
      },
      remove: (_namespace, name) => {
        policy.deleteRole('', name)
        aggregation?.remove(name)
      },
    }
    const roles: FollowHandler = {
      put: (entry) => {
        const { metadata, rules } = entry.object<RbacV1Role>()
        policy.setRole(metadata?.namespace ?? '', metadata?.name ?? '', rules)
      },
      remove: (namespace, name) => policy.deleteRole(namespace, name),
    }
    const bindings: FollowHandler = {
      put: (entry) => policy.setBinding(toBinding(entry.object<RbacV1ClusterRoleBinding & RbacV1RoleBinding>())),
      remove: (namespace, name) => policy.deleteBinding(namespace, name),
    }
    await Promise.all([
      this.#follow('clusterroles', RBAC, clusterRoles),
      this.#follow('roles', RBAC, roles),
      this.#follow('clusterrolebindings', RBAC, bindings),
      this.#follow('rolebindings', RBAC, bindings),
    ])
  }

  /** Resolves once the roles that others make up have their rules. */
  async settled(): Promise<void> {
    await this.#aggregation?.settled()
  }

  #follow(resource: string, group: string, handler: FollowHandler): Promise<void> {
    const { store } = this.#deps.registry.resource(resource, group)
    const onError = (error: unknown) =>
      this.#deps.logger.error('what authorization depends on could not be loaded again', { resource, error })
    const follower = new CacheFollower(store, handler, onError)
    this.#followers.push(follower)
    return follower.start()
  }

  async close(): Promise<void> {
    this.#aggregation?.close()
    await this.settled()
    for (const follower of this.#followers) follower.close()
  }
}

function toBinding({ metadata, roleRef = {}, subjects }: RbacV1ClusterRoleBinding & RbacV1RoleBinding): Binding {
  const { namespace = '', name = '' } = metadata ?? {}
  return { namespace, name, roleRef, subjects: subjects ?? [] }
}
