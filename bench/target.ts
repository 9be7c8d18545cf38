import path from 'node:path'
import { startEtcd, type TestEtcd, withoutEtcd } from '../src/testing/start-etcd.ts'
import { createNamespace, createPods, NAMESPACE } from './objects.ts'
import { profile } from './profiler.ts'
import { BenchServer } from './server.ts'
import { type LoadRequest, type LoadResult, writeRequests, wrk } from './wrk.ts'

/** How many pods most reads are measured on. */
export const PODS = 5000
/** As many as a large cluster has. */
export const MANY_PODS = 20_000
/** Where pods are created that no read should see. */
export const CREATED = 'bench-created'
/** Where config maps are watched. */
export const WATCHED = 'bench-watched'
/** Where large config maps are, which only few watch. */
export const LARGE = 'bench-large'

/** One checkout under measurement: its server, and the files that go with it. */
export class Target implements AsyncDisposable {
  readonly #checkout: string
  readonly #folder: string
  readonly #profiles: string | undefined
  /** By the number of pods that they hold, and where they hold them. Only one of them runs. */
  readonly #servers = new Map<string, BenchServer>()
  #etcd: TestEtcd | undefined
  #server: BenchServer | undefined
  #folders = 0
  /** So that no two runs create the same names. */
  #runs = 0

  /**
   * @param folder an empty place for its files
   * @param profiles where profiles of the server go, if they are wanted
   */
  constructor(checkout: string, folder: string, profiles: string | undefined) {
    this.#checkout = checkout
    this.#folder = folder
    this.#profiles = profiles
  }

  /** The one that `withPods` has last asked for. */
  get server(): BenchServer {
    if (!this.#server) throw new Error('no server holds pods yet')
    return this.#server
  }

  /** A server that has never started before. */
  freshServer(): BenchServer {
    return new BenchServer(this.#checkout, path.join(this.#folder, `fresh-${this.#folders++}`))
  }

  async start(): Promise<void> {
    await this.server.start({ inspect: this.#profiles !== undefined })
  }

  /** Has a server run with so many pods stored, in an etcd or by itself. Must come before whatever reads them. */
  async withPods(count: number, engine: 'embedded' | 'etcd' = 'embedded'): Promise<void> {
    const name = `${engine}-${count}`
    const known = this.#servers.get(name)
    const flags = engine === 'etcd' ? [`--etcd-servers=${(await this.#ownEtcd()).endpoints}`] : []
    const server = known ?? new BenchServer(this.#checkout, path.join(this.#folder, name), flags)
    if (server !== this.#server) await this.#server?.stop()
    this.#server = server
    this.#servers.set(name, server)
    if (!server.running) await this.start()
    if (known) return
    for (const namespace of [NAMESPACE, CREATED, WATCHED, LARGE]) await createNamespace(server.client, namespace)
    await createPods(server.client, count)
  }

  async #ownEtcd(): Promise<TestEtcd> {
    const missing = withoutEtcd()
    if (missing) throw new Error(missing)
    this.#etcd ??= await startEtcd()
    return this.#etcd
  }

  /** Sends requests over and over with wrk. */
  async load(
    name: string,
    requests: () => LoadRequest[] | Promise<LoadRequest[]>,
    connections: number,
    seconds: number,
  ): Promise<LoadResult> {
    const file = path.join(this.#folder, `${name}.requests`)
    if (!this.#written.has(name)) await writeRequests(file, await requests())
    this.#written.add(name)
    const { url, token } = this.server
    return wrk({ url, token, requests: file, connections, seconds, first: 1_000_000 * this.#runs++ })
  }

  readonly #written = new Set<string>()

  /** Does it, with a profile of the server if these are wanted. It must not stop the server. */
  async recorded<T>(name: string, work: () => Promise<T>): Promise<T> {
    if (this.#profiles === undefined) return work()
    return profile(this.server.inspector, path.join(this.#profiles, `${name}.cpuprofile`), work)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.stop()
    await this.#etcd?.[Symbol.asyncDispose]()
  }
}
