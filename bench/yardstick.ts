import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { freePort, reachable } from './ports.ts'
import { cpuSeconds } from './processes.ts'

/** About the size of a small object; what nginx does with it is the unit that other figures are shares of. */
const SIZE = 3300

export interface Yard {
  /** Requests per second. */
  rate: number
  /** Processor time of nginx per request, in µs. */
  cpu: number
}

/**
 * One nginx worker that serves a file over TLS: what the machine can do at the moment.
 * @param folder an empty place for its files
 * @param tls PEM files
 */
export class Yardstick implements AsyncDisposable {
  readonly #stop: () => Promise<void>
  readonly #url: string
  readonly #pid: number

  private constructor(url: string, pid: number, stop: () => Promise<void>) {
    this.#url = url
    this.#pid = pid
    this.#stop = stop
  }

  static async start(folder: string, tls: { cert: string; key: string }): Promise<Yardstick> {
    const root = path.join(folder, 'files')
    await mkdir(root, { recursive: true })
    await writeFile(path.join(root, 'object'), 'x'.repeat(SIZE))
    const port = await freePort()
    const config = path.join(folder, 'nginx.conf')
    await writeFile(config, configuration(folder, root, port, tls))
    const child = spawn(nginxBinary, ['-p', folder, '-c', config], { stdio: ['ignore', 'ignore', 'inherit'] })
    const exited = once(child, 'exit')
    const stop = async () => {
      child.kill('SIGTERM')
      await exited
    }
    const url = `https://127.0.0.1:${port}`
    for (let tries = 0; !(await reachable(port)); tries++) {
      if (tries > 200 || child.exitCode !== null) throw new Error('nginx does not start')
      await sleep(10)
    }
    return new Yardstick(`${url}/object`, child.pid ?? 0, stop)
  }

  /** Serves as much as it can to 16 connections. */
  async measure(seconds: number): Promise<Yard> {
    const used = await cpuSeconds(this.#pid)
    const { stdout } = await promisify(execFile)('wrk', ['-t1', '-c16', `-d${seconds}s`, this.#url])
    const rate = Number(/^Requests\/sec: *([\d.]+)/m.exec(stdout)?.[1])
    if (!(rate > 0) || stdout.includes('Non-2xx')) throw new Error(`nginx can not be measured:\n${stdout}`)
    return { rate, cpu: (((await cpuSeconds(this.#pid)) - used) / (rate * seconds)) * 1e6 }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stop()
  }
}

/** Debian keeps it where only root's path leads. */
export const nginxBinary = '/usr/sbin/nginx'

function configuration(folder: string, root: string, port: number, tls: { cert: string; key: string }): string {
  const user = process.getuid?.() === 0 ? 'user root;' : ''
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/${name};`)
  return `
    daemon off; master_process off; worker_processes 1; ${user}
    pid ${folder}/nginx.pid; error_log ${folder}/nginx.log;
    events {}
    http {
      access_log off; keepalive_requests 1000000000; ${temporary.join(' ')}
      server {
        listen 127.0.0.1:${port} ssl; root ${root};
        ssl_certificate ${tls.cert}; ssl_certificate_key ${tls.key};
      }
    }
  `
}
