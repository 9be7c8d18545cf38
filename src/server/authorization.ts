import { readFile } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import { AbacAuthorizer } from '../authorization/abac/abac.ts'
import { parsePolicyFile } from '../authorization/abac/policy-file.ts'
import { type Authorizer, AuthorizerChain, alwaysAllow, alwaysDeny, privilegedGroup } from '../authorization/authorizer.ts'
import type { AuthorizationMetrics } from '../authorization/metrics.ts'
import { NodeAuthorizer } from '../authorization/node/node.ts'
import type { Binding } from '../authorization/rbac/grants.ts'
import { PolicyIndex } from '../authorization/rbac/policy-index.ts'
import { RbacAuthorizer } from '../authorization/rbac/rbac.ts'
import { WebhookAuthorizer } from '../authorization/webhook/webhook.ts'
import { ClusterRoleAggregation } from '../controllers/cluster-role-aggregation.ts'
import type { RbacV1ClusterRole, RbacV1ClusterRoleBinding, RbacV1Role, RbacV1RoleBinding } from '../generated/types.ts'
import { type WebhookClient, webhookClient } from '../http/webhook-client.ts'
import type { Logger } from '../observability/logger.ts'
import { controllerEnabled } from '../options/standalone.ts'
import type { Options } from '../options/table.ts'
import { nodeRules } from '../registry/bootstrap/default-policy.ts'
import type { Registry } from '../registry/registry.ts'
import { AuthorizerFile } from './authorizer-file.ts'
import { CacheFollower, type FollowHandler } from './cache-follower.ts'
import { NodeGraphFeed } from './node-graph.ts'
import { readWebhookKubeconfig } from './webhook-kubeconfig.ts'

export interface AuthorizationDeps {
  options: Options
  logger: Logger
  registry: Registry
  /** ms since the epoch. */
  clock: () => number
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
  readonly #external: External

  private constructor(deps: AuthorizationDeps, external: External) {
    this.#deps = deps
    this.#external = external
    this.#nodes = new NodeGraphFeed((resource, group, handler) => this.#follow(resource, group, handler))
    if (controllerEnabled(deps.options.controllers, 'clusterrole-aggregation-controller')) {
      this.#aggregation = new ClusterRoleAggregation({
        roles: () => deps.registry.objects('clusterroles', RBAC),
        onError: (error) => deps.logger.error('a ClusterRole could not be put together', { error }),
      })
    }
    this.authorizer = new AuthorizerChain(this.#members(), deps.metrics)
    external.file?.follow(() => this.authorizer.replace(this.#members()))
  }

  /** @throws Error with one line when a file that the flags name can't be used */
  static async create(deps: AuthorizationDeps): Promise<Authorization> {
    return new Authorization(deps, await external(deps))
  }

  /** Those that the flags or the file name, after the one that is always there. */
  #members(): Authorizer[] {
    const { file } = this.#external
    const named =
      file?.members((type) => this.#member(type)) ?? this.#deps.options.authorizationMode.map((mode) => this.#member(mode))
    return [privilegedGroup, ...named]
  }

  /** Looks now whether the configuration file changed, which is done every few seconds anyway. */
  async look(): Promise<void> {
    await this.#external.file?.look()
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
      case 'ABAC':
        return this.#external.abac as Authorizer
      case 'Webhook':
        return this.#external.webhook as Authorizer
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
    this.#external.client?.close()
    this.#external.file?.close()
  }
}

/** What is decided by files and by other servers. */
interface External {
  abac?: AbacAuthorizer
  webhook?: WebhookAuthorizer
  client?: WebhookClient
  file?: AuthorizerFile
}

const WEBHOOK_TIMEOUT_MS = 30_000

async function external({ options, logger, clock }: AuthorizationDeps): Promise<External> {
  const found: External = {}
  const { authorizationPolicyFile: policyFile, authorizationWebhookConfigFile: webhookFile, authorizationConfig: file } = options
  if (file) found.file = await AuthorizerFile.read({ file, logger, clock })
  if (found.file?.has('ABAC') && !policyFile) throw new Error(`${file} has ABAC, which needs --authorization-policy-file`)
  if (policyFile) found.abac = new AbacAuthorizer(parsePolicyFile(await readFile(policyFile, 'utf8'), policyFile))
  if (webhookFile) {
    const client = webhookClient(await readWebhookKubeconfig(webhookFile, WEBHOOK_TIMEOUT_MS))
    found.client = client
    found.webhook = new WebhookAuthorizer({
      post: (body) => client.post(body),
      version: options.authorizationWebhookVersion === 'v1' ? 'v1' : 'v1beta1',
      allowedTtl: options.authorizationWebhookCacheAuthorizedTtl,
      refusedTtl: options.authorizationWebhookCacheUnauthorizedTtl,
      clock,
      sleep: (ms) => setTimeout(ms, undefined, { ref: false }),
      onError: (error) => logger.warn('the authorization webhook failed', { error }),
    })
  }
  return found
}

function toBinding({ metadata, roleRef = {}, subjects }: RbacV1ClusterRoleBinding & RbacV1RoleBinding): Binding {
  const { namespace = '', name = '' } = metadata ?? {}
  return { namespace, name, roleRef, subjects: subjects ?? [] }
}
