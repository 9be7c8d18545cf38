import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'

const binary = path.join(import.meta.dirname, '../../bin/kube-apiserver')

/** A server as a user starts it: `bin/kube-apiserver` in a process of its own, on a folder of its own. */
export class ServerProcess implements AsyncDisposable {
  readonly url: string
  readonly port: number
  readonly dataDir: string
  readonly child: ChildProcess
  /** From the start of the process until it says that it is ready. */
  readonly startMs: number
  readonly #exit: Promise<unknown[]>
  readonly #log: () => string
  readonly #removed: boolean

  private constructor(parts: {
    port: number
    dataDir: string
    child: ChildProcess
    startMs: number
    exit: Promise<unknown[]>
    log: () => string
    removed: boolean
  }) {
    this.port = parts.port
    this.url = `https://127.0.0.1:${parts.port}`
    this.dataDir = parts.dataDir
    this.child = parts.child
    this.startMs = parts.startMs
    this.#exit = parts.exit
    this.#log = parts.log
    this.#removed = parts.removed
  }

  /** @param dataDir one that another server left; a new one, which goes with the server, when unset */
  static async start(options: { args?: readonly string[]; dataDir?: string; port?: number } = {}): Promise<ServerProcess> {
    const port = options.port ?? (await freePort())
    const dataDir = options.dataDir ?? temporaryFolder('data')
    const args = [`--data-dir=${dataDir}`, `--secure-port=${port}`, '--bind-address=127.0.0.1', ...(options.args ?? [])]
    const begun = performance.now()
    // From another folder than the repository's, as other programs do it.
    const child = spawn(binary, args, { cwd: tmpdir(), stdio: ['ignore', 'ignore', 'pipe'] })
    const exit = once(child, 'exit')
    let log = ''
    await new Promise<void>((resolve, reject) => {
      child.stderr!.setEncoding('utf8').on('data', (text: string) => {
        log += text
        if (/ ready url=/.test(log)) resolve()
      })
      exit.then(([code, signal]) => reject(new Error(`the server ended with ${code ?? signal}:\n${log}`)), reject)
    })
    const startMs = performance.now() - begun
    return new ServerProcess({ port, dataDir, child, startMs, exit, log: () => log, removed: options.dataDir === undefined })
  }

  get kubeconfig(): string {
    return path.join(this.dataDir, 'admin.kubeconfig')
  }

  /** What the server said so far. */
  get log(): string {
    return this.#log()
  }

  get ca(): Buffer {
    return readFileSync(path.join(this.dataDir, 'pki/ca.crt'))
  }

  /** The admin's client certificate, as Node's TLS takes it. */
  get admin(): { ca: Buffer; cert: Buffer; key: Buffer } {
    const file = (name: string): Buffer => readFileSync(path.join(this.dataDir, 'pki', name))
    return { ca: this.ca, cert: file('admin.crt'), key: file('admin.key') }
  }

  /** Resident memory in MB, with what of the store's file is mapped, which the system takes back when it needs it. */
  get residentMb(): number {
    return this.#memory('VmRSS')
  }

  /** The part of it that is the server's alone. */
  get ownMb(): number {
    return this.#memory('RssAnon')
  }

  #memory(name: string): number {
    const status = readFileSync(`/proc/${this.child.pid}/status`, 'utf8')
    return Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)![1]) / 1024
  }

  /** Sends a signal and waits for the end; returns how that was, and how long it took. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<{ code: number | null; signal: string | null; ms: number }> {
    const begun = performance.now()
    this.child.kill(signal)
    const [code, ended] = (await this.#exit) as [number | null, string | null]
    return { code, signal: ended, ms: performance.now() - begun }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // A test that fails leaves it running.
    if (this.child.exitCode === null && this.child.signalCode === null) await this.stop('SIGKILL')
    if (this.#removed) rmSync(this.dataDir, { recursive: true, force: true })
  }
}

/** @param name part of the folder's name */
export function temporaryFolder(name: string): string {
  return mkdtempSync(path.join(tmpdir(), `kube-apiserver-${name}-`))
}

/**
 * A port that nobody listens on, below those that systems hand out for outgoing connections, so that none takes it before the server
 * does.
 */
export async function freePort(): Promise<number> {
  const first = Math.floor(Math.random() * 100)
  for (let i = 0; i < 100; i++) {
    const port = 7300 + ((first + i) % 100)
    if (await isFree(port)) return port
  }
  throw new Error('all ports from 7300 to 7399 are in use')
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  })
}
