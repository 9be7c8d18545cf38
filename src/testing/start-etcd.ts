import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** A member of an etcd of its own, as a process. */
export interface EtcdMember {
  /** Where clients reach it. */
  readonly endpoint: string
  /** Starts it, or starts it again on what it had. */
  start(): Promise<void>
  /** Kills it without warning, and waits until it is gone. */
  kill(): Promise<void>
  /** Whether it leads the others. */
  leads(): Promise<boolean>
}

/** An etcd of one or more members on free ports of loopback, with its data in a temporary folder. */
export interface TestEtcd extends AsyncDisposable {
  readonly members: readonly EtcdMember[]
  readonly endpoints: readonly string[]
}

export interface TestEtcdOptions {
  /** One when unset. */
  members?: number
  /** Files of TLS for clients, who must show a certificate of the same authority. */
  tls?: { readonly ca: string; readonly cert: string; readonly key: string }
  /** Further flags for each member. */
  flags?: readonly string[]
  /** The program; the one of the path when unset. */
  program?: string
}

/** The version of the etcd of the path; undefined when there is none. */
export function etcdVersion(program = 'etcd'): string | undefined {
  const { status, stdout } = spawnSync(program, ['--version'], { encoding: 'utf8' })
  return status === 0 ? /etcd Version: (\S+)/.exec(stdout)?.[1] : undefined
}

/**
 * Why tests with etcd are to be skipped: there is none.
 * @throws Error instead where CI runs them, which has all that tests need
 */
export function withoutEtcd(): string | false {
  if (etcdVersion()) return false
  if (process.env.CI) throw new Error('there is no etcd: install etcd-server')
  return 'there is no etcd: install etcd-server'
}

/** Starts an etcd. Resolves when it serves. */
export async function startEtcd(options: TestEtcdOptions = {}): Promise<TestEtcd> {
  const { members: count = 1, tls, flags = [], program = 'etcd' } = options
  const dir = await mkdtemp(path.join(tmpdir(), 'etcd-'))
  const ports = await freePorts(count * 3)
  const names = Array.from({ length: count }, (_, i) => `m${i}`)
  const [clients, peers, metrics] = [0, 1, 2].map((kind) =>
    names.map((_, i) => `${kind === 0 && tls ? 'https' : 'http'}://127.0.0.1:${ports[3 * i + kind]}`),
  )
  const cluster = names.map((name, i) => `${name}=${peers![i]}`).join(',')
  const secure = tls ? ['--cert-file', tls.cert, '--key-file', tls.key, '--trusted-ca-file', tls.ca, '--client-cert-auth'] : []
  const members = names.map((name, i) => {
    const [client, peer, metric] = [clients![i]!, peers![i]!, metrics![i]!]
    return new Member(client, metric, program, [
      ...['--name', name, '--data-dir', path.join(dir, name), '--initial-cluster', cluster],
      ...['--listen-client-urls', client, '--advertise-client-urls', client, '--listen-metrics-urls', metric],
      ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer],
      ...secure,
      ...flags,
    ])
  })
  const stop = async (): Promise<void> => {
    await Promise.all(members.map((member) => member.kill()))
    await rm(dir, { recursive: true, force: true })
  }
  try {
    await Promise.all(members.map((member) => member.start()))
  } catch (error) {
    await stop()
    throw error
  }
  return { members, endpoints: members.map(({ endpoint }) => endpoint), [Symbol.asyncDispose]: stop }
}

class Member implements EtcdMember {
  readonly endpoint: string
  readonly #metrics: string
  readonly #program: string
  readonly #flags: readonly string[]
  #process: ChildProcess | undefined

  constructor(endpoint: string, metrics: string, program: string, flags: readonly string[]) {
    this.endpoint = endpoint
    this.#metrics = metrics
    this.#program = program
    this.#flags = flags
  }

  async start(): Promise<void> {
    const child = spawn(this.#program, [...this.#flags], { stdio: 'ignore' })
    const kill = () => child.kill('SIGKILL')
    process.once('exit', kill)
    child.once('exit', () => process.off('exit', kill))
    this.#process = child
    for (const end = performance.now() + 20_000; ; await sleep(50)) {
      if (await this.#healthy()) return
      if (child.exitCode !== null) throw new Error(`etcd ended with ${child.exitCode}`)
      if (performance.now() > end) throw new Error('etcd does not serve within 20 s')
    }
  }

  async kill(): Promise<void> {
    const child = this.#process
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }

  async leads(): Promise<boolean> {
    const answer = await fetch(`${this.endpoint}/v3/maintenance/status`, { method: 'POST', body: '{}' })
    const { header, leader } = (await answer.json()) as { header: { member_id: string }; leader: string }
    return header.member_id === leader
  }

  async #healthy(): Promise<boolean> {
    try {
      const answer = await fetch(`${this.#metrics}/health`)
      return ((await answer.json()) as { health: string }).health === 'true'
    } catch {
      return false
    }
  }
}

/** Ports that are free now. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => (server.address() as { port: number }).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}
