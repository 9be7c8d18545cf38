import { randomUUID } from 'node:crypto'
import type { WebhookTransport } from '../admission/webhooks/call.ts'
import { CustomResources } from '../apiextensions/custom-resources.ts'
import { CustomApiServices } from '../controllers/custom-api-services.ts'
import { DefinitionLifecycle } from '../controllers/definition-lifecycle.ts'
import type { Definition } from '../kinds/apiextensions/conditions.ts'
import type { TypeDecoder } from '../machinery/decode.ts'
import type { Logger } from '../observability/logger.ts'
import type { KindEnvironment } from '../registry/context.ts'
import type { Registry } from '../registry/registry.ts'
import { CacheFollower } from './cache-follower.ts'

const GROUP = 'apiextensions.k8s.io'

export interface CustomResourcesDeps {
  registry: Registry
  env: KindEnvironment
  decoder: TypeDecoder
  transport: WebhookTransport
  logger: Logger
  /** ms since the epoch. */
  clock: () => number
}

/**
 * What CustomResourceDefinitions need of a server: that what they define is served, whoever wrote them, and that somebody looks after
 * their status. These belong to the API itself, whatever `--controllers` says.
 */
export class CustomDefinitions {
  readonly #follower: CacheFollower
  readonly #lifecycle: DefinitionLifecycle
  readonly #apiServices: CustomApiServices
  #loaded = false

  constructor({ registry, env, decoder, transport, logger, clock }: CustomResourcesDeps) {
    const failed = (message: string) => (error: unknown, name: string) => logger.warn(message, { name, error })
    const served = new CustomResources({
      registry,
      env,
      decoder,
      transport,
      uuid: randomUUID,
      onError: failed('a custom resource can not be served'),
    })
    this.#lifecycle = new DefinitionLifecycle({
      definitions: registry.objects('customresourcedefinitions', GROUP),
      instances: (group, resource) => registry.customObjects(group, resource),
      clock,
      onError: failed('a custom resource definition could not be looked after'),
    })
    this.#apiServices = new CustomApiServices({
      apiServices: registry.objects('apiservices', 'apiregistration.k8s.io'),
      clock,
      onError: failed('the APIService of custom resources could not be kept'),
    })
    this.#follower = new CacheFollower(
      registry.resource('customresourcedefinitions', GROUP).store,
      {
        put: (entry) => {
          const definition = entry.object<Definition>()
          served.put(definition)
          this.#lifecycle.put(definition)
          this.#apiServices.put(definition)
        },
        remove: (_, name) => {
          served.remove(name)
          this.#lifecycle.remove(name)
          this.#apiServices.remove(name)
        },
      },
      (error) => logger.warn('custom resource definitions could not be loaded again', { error }),
    )
  }

  /** Resolves once all that is defined is served. */
  async load(): Promise<void> {
    await this.#follower.start()
    this.#loaded = true
  }

  /** Begins to look after definitions, once the server can write. */
  async start(): Promise<void> {
    this.#lifecycle.start()
    await this.#apiServices.start()
  }

  /** A health check. @throws Error until all that is defined is served */
  checkLoaded = (): void => {
    if (!this.#loaded) throw new Error('not finished')
  }

  /** Resolves once there is nothing left to do that needn't wait. */
  async settled(): Promise<void> {
    await this.#lifecycle.settled()
    await this.#apiServices.settled()
  }

  async close(): Promise<void> {
    this.#follower.close()
    await Promise.all([this.#lifecycle.close(), this.#apiServices.close()])
  }
}
