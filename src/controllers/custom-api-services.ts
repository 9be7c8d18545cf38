import type { Definition } from '../kinds/apiextensions/conditions.ts'
import { customApiService, isCustomApiService } from '../registry/bootstrap/api-services.ts'
import { ensureObject, isReason } from '../registry/bootstrap/ensure.ts'
import type { ObjectAccess } from '../registry/context.ts'
import { WorkQueue } from './work-queue.ts'

export interface CustomApiServicesDeps {
  apiServices: ObjectAccess
  clock(): number
  onError(error: unknown, name: string): void
}

/** Keeps one APIService for every group version that definitions serve, so that clients of the aggregation layer see them. */
export class CustomApiServices {
  readonly #deps: CustomApiServicesDeps
  /** Names of APIServices, by the definition that asks for them. */
  readonly #wanted = new Map<string, readonly string[]>()
  readonly #queue: WorkQueue

  constructor(deps: CustomApiServicesDeps) {
    this.#deps = deps
    this.#queue = new WorkQueue({
      workers: 2,
      paused: true,
      work: (name) => this.#work(name),
      onError: (error, name) => deps.onError(error, name),
    })
  }

  /** Begins, once all that is stored was told of: what nobody asks for any more goes. */
  async start(): Promise<void> {
    for (const service of await this.#deps.apiServices.list(''))
      if (isCustomApiService(service)) this.#queue.add(service.metadata?.name ?? '')
    this.#queue.start()
  }

  put({ metadata, spec }: Definition): void {
    const served = (spec?.versions ?? []).filter(({ served }) => served)
    this.#set(
      metadata?.name ?? '',
      served.map((version) => `${version.name}.${spec?.group}`),
    )
  }

  remove(definition: string): void {
    this.#set(definition, [])
  }

  #set(definition: string, names: readonly string[]): void {
    const before = this.#wanted.get(definition) ?? []
    if (names.length) this.#wanted.set(definition, names)
    else this.#wanted.delete(definition)
    for (const name of new Set([...before, ...names])) if (before.includes(name) !== names.includes(name)) this.#queue.add(name)
  }

  async #work(name: string): Promise<void> {
    const { apiServices, clock } = this.#deps
    const dot = name.indexOf('.')
    if ([...this.#wanted.values()].some((names) => names.includes(name))) {
      await ensureObject(apiServices, customApiService(name.slice(dot + 1), name.slice(0, dot), clock()))
      return
    }
    const service = await apiServices.get('', name)
    if (!service || !isCustomApiService(service)) return
    try {
      await apiServices.delete('', name)
    } catch (error) {
      if (!isReason(error, 'NotFound')) throw error
    }
  }

  settled(): Promise<void> {
    return this.#queue.settled()
  }

  close(): Promise<void> {
    return this.#queue.close()
  }
}
