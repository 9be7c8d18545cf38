import { type EtcdMember, startEtcd, type TestEtcd } from '../../src/testing/start-etcd.ts'
import { AdminClient } from '../support/client.ts'
import { ServerProcess } from '../support/server-process.ts'

export interface ClusterOptions {
  servers: number
  members?: number
  /** Where the servers reach etcd, if not at its own endpoints. */
  via?: (endpoints: readonly string[]) => Promise<readonly string[]>
}

/** API servers, each in a process of its own, on one etcd. */
export class Cluster implements AsyncDisposable {
  readonly etcd: TestEtcd
  readonly servers: ServerProcess[] = []
  readonly clients: AdminClient[] = []
  readonly #endpoints: readonly string[]

  private constructor(etcd: TestEtcd, endpoints: readonly string[]) {
    this.etcd = etcd
    this.#endpoints = endpoints
  }

  static async start({ servers, members = 1, via }: ClusterOptions): Promise<Cluster> {
    const etcd = await startEtcd({ members })
    const cluster = new Cluster(etcd, via ? await via(etcd.endpoints) : etcd.endpoints)
    try {
      for (let i = 0; i < servers; i++) await cluster.#add(i)
      return cluster
    } catch (error) {
      await cluster[Symbol.asyncDispose]()
      throw error
    }
  }

  async #add(index: number): Promise<void> {
    const args = [`--etcd-servers=${this.#endpoints.join(',')}`, '--authorization-mode=AlwaysAllow']
    const server = await ServerProcess.start({ args })
    this.servers[index] = server
    this.clients[index] = new AdminClient(server)
  }

  /** Starts another server in the place of one that is gone. */
  async replace(index: number): Promise<void> {
    await this.servers[index]![Symbol.asyncDispose]()
    this.clients[index]![Symbol.dispose]()
    await this.#add(index)
  }

  /** The member that the others follow. */
  async leader(): Promise<EtcdMember> {
    for (const member of this.etcd.members) if (await member.leads()) return member
    throw new Error('no member of etcd leads')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.clients) client[Symbol.dispose]()
    await Promise.all(this.servers.map((server) => server[Symbol.asyncDispose]()))
    await this.etcd[Symbol.asyncDispose]()
  }
}
