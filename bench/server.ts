import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from './client.ts'
import { freePort, reachable } from './ports.ts'

const START_WITHIN = 60_000
const TOKEN = 'bench-token'

/** The server of one checkout on one data folder, started and stopped as often as needed. */
export class BenchServer implements AsyncDisposable {
  /** The checkout. */
  readonly checkout: string
  readonly data: string
  readonly #flags: readonly string[]
  readonly token = TOKEN
  /** What the last start took until `/readyz` was fine, in ms. */
  startMs = 0
  #process: ChildProcess | undefined
  #port = 0
  #inspector = 0
  #client: Client | undefined

  /** @param flags besides those that every server under measurement gets */
  constructor(checkout: string, data: string, flags: readonly string[] = []) {
    this.checkout = checkout
    this.data = data
    this.#flags = flags
  }

  get url(): string {
    return `https://127.0.0.1:${this.#port}`
  }

  get client(): Client {
    if (!this.#client) throw new Error('the server is not running')
    return this.#client
  }

  /** The port of the process's inspector, if it was started with one. */
  get inspector(): number {
    return this.#inspector
  }

  get pid(): number {
    const { pid } = this.#process ?? {}
    if (pid === undefined) throw new Error('the server is not running')
    return pid
  }

  get running(): boolean {
    return this.#process !== undefined
  }

  /** Starts it and waits until it is ready. */
  async start({ inspect = false }: { inspect?: boolean } = {}): Promise<void> {
    await mkdir(this.data, { recursive: true })
    const tokens = path.join(this.data, 'tokens.csv')
    await writeFile(tokens, `${TOKEN},bench,1,"system:masters"\n`)
    this.#port = await freePort()
    this.#inspector = inspect ? await freePort() : 0
    const log = openSync(path.join(this.data, 'server.log'), 'a')
    const args = [
      `--data-dir=${this.data}`,
      `--secure-port=${this.#port}`,
      '--bind-address=127.0.0.1',
      `--token-auth-file=${tokens}`,
      ...this.#flags,
    ]
    const options = inspect ? { NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --inspect=127.0.0.1:${this.#inspector}` } : {}
    const begun = performance.now()
    const child = spawn(path.join(this.checkout, 'bin/kube-apiserver'), args, {
      stdio: ['ignore', log, log],
      env: { ...process.env, ...options },
    })
    closeSync(log)
    this.#process = child
    const client = new Client(this.url, TOKEN)
    this.#client = client
    while (!(await this.#ready(client))) {
      if (child.exitCode !== null || performance.now() - begun > START_WITHIN) {
        throw new Error(`the server does not start:\n${await readFile(path.join(this.data, 'server.log'), 'utf8')}`)
      }
      await sleep(2)
    }
    this.startMs = performance.now() - begun
  }

  async #ready(client: Client): Promise<boolean> {
    if (!(await reachable(this.#port))) return false
    return client.request('GET', '/readyz').then(
      ({ status }) => status === 200,
      () => false,
    )
  }

  async stop(): Promise<void> {
    const child = this.#process
    if (!child) return
    this.#process = undefined
    this.#client?.close()
    this.#client = undefined
    if (child.exitCode !== null) return
    const exited = once(child, 'exit')
    child.kill('SIGTERM')
    const late = setTimeout(() => child.kill('SIGKILL'), 15_000)
    await exited
    clearTimeout(late)
  }

  /** Forgets what is stored, but keeps the certificates. Only while stopped. */
  async forget(): Promise<void> {
    await rm(path.join(this.data, 'store'), { recursive: true, force: true })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }
}
