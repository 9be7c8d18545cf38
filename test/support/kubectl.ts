import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, realpathSync } from 'node:fs'
import path from 'node:path'

/** The oldest and the newest kubectl that the tests speak through. */
export const KUBECTL_VERSIONS = ['1.27', '1.33'] as const

/**
 * Finds `kubectl.<version>` in the folder KUBECTL_DIR or beside the kubectl on the path, or that kubectl itself if it is of the version.
 *
 * @returns undefined when there is none
 */
export function findKubectl(version: string): string | undefined {
  const installed = onPath('kubectl')
  const folders = [process.env.KUBECTL_DIR, installed && path.dirname(installed)].filter((folder) => folder !== undefined)
  for (const folder of folders) {
    const file = path.join(folder, `kubectl.${version}`)
    if (existsSync(file)) return file
  }
  if (!installed) return undefined
  const said = JSON.parse(execFileSync(installed, ['version', '--client', '--output=json'], { encoding: 'utf8' }))
  return String(said.clientVersion.gitVersion).startsWith(`v${version}.`) ? installed : undefined
}

/** What to give a test as `skip`: a tool may be missing on somebody's machine, but not where it counts. */
export function skipWithout(tool: string, found: string | undefined): string | false {
  return found === undefined && process.env.CI !== 'true' ? `${tool} is not installed` : false
}

/** The file behind a command, links followed. */
export function onPath(command: string): string | undefined {
  for (const folder of (process.env.PATH ?? '').split(path.delimiter)) {
    const file = path.join(folder, command)
    if (folder && existsSync(file)) return realpathSync(file)
  }
  return undefined
}

export interface Output {
  code: number | null
  stdout: string
  stderr: string
}

export interface RunOptions {
  /** Given to its standard input. */
  input?: string
  env?: Record<string, string>
}

/** One kubectl on one server and namespace. */
export class Kubectl {
  readonly #binary: string
  readonly #args: readonly string[]
  readonly #env: Record<string, string | undefined>

  /** @param home a folder for its caches, so that runs don't see each other's */
  constructor(options: { binary: string; kubeconfig: string; namespace: string; home: string }) {
    this.#binary = options.binary
    this.#args = [`--kubeconfig=${options.kubeconfig}`, `--namespace=${options.namespace}`]
    this.#env = { ...process.env, HOME: options.home, KUBECACHEDIR: path.join(options.home, 'cache') }
  }

  /** Runs it to its end and returns its standard output; throws with what it said when its exit code isn't 0. */
  async run(args: readonly string[], options: RunOptions = {}): Promise<string> {
    const { code, stdout, stderr } = await this.output(args, options)
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: exit code ${code}\n${stderr}${stdout}`)
    return stdout
  }

  /** Splits at spaces: for the many commands whose arguments have none. */
  sh(line: string, input?: string): Promise<string> {
    return this.run(line.split(' '), input === undefined ? {} : { input })
  }

  /** Runs it to its end, which comes after half a minute at the latest: then its exit code is null. */
  async output(args: readonly string[], options: RunOptions = {}): Promise<Output> {
    const child = this.start(args, options.env)
    child.stdin!.end(options.input ?? '')
    let [stdout, stderr] = ['', '']
    child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
    })
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    const timer = setTimeout(() => child.kill(), 30_000)
    const code = await new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve))
    clearTimeout(timer)
    return { code, stdout, stderr }
  }

  /** Starts it without waiting for its end. */
  start(args: readonly string[], env: Record<string, string> = {}): ChildProcess {
    return spawn(this.#binary, [...this.#args, ...args], { env: { ...this.#env, ...env }, stdio: 'pipe' })
  }
}

/** Collects a process's lines until enough of them are there. */
export async function linesUntil(
  child: ChildProcess,
  done: (lines: readonly string[]) => boolean,
  ms = 10_000,
): Promise<string[]> {
  let text = ''
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`only this came within ${ms} ms:\n${text}`)), ms)
    child.stdout!.setEncoding('utf8').on('data', (more: string) => {
      text += more
      const lines = text.split('\n').slice(0, -1)
      if (!done(lines)) return
      clearTimeout(timer)
      resolve(lines)
    })
    child.once('exit', (code) => reject(new Error(`it ended with ${code} after:\n${text}`)))
  })
}
