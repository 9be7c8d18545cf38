import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const script = path.join(import.meta.dirname, 'load.lua')

/** One request of a load: `########` in its path or body becomes a number that is another one each time. */
export interface LoadRequest {
  method: string
  path: string
  type?: string
  body?: string
}

export interface Load {
  /** Origin, such as `https://127.0.0.1:6443`. */
  url: string
  token: string
  /** A file made by `writeRequests`. */
  requests: string
  connections: number
  seconds: number
  /** Where the numbers begin. */
  first?: number
}

export interface LoadResult {
  requests: number
  /** How long it ran. */
  seconds: number
  bytes: number
  /** Latency in ms. */
  p50: number
  p99: number
}

/** Writes what a load sends, in the form that `load.lua` reads. */
export async function writeRequests(file: string, requests: readonly LoadRequest[]): Promise<string> {
  const lines = requests.map(({ method, path, type = '', body = '' }) => `${method}\t${path}\t${type}\t${body}\n`)
  await writeFile(file, lines.join(''))
  return file
}

/**
 * Runs one wrk thread against a server: it stays below one core at every figure measured here.
 *
 * @throws Error when requests were refused or connections broke: such figures mean nothing
 */
export async function wrk(load: Load): Promise<LoadResult> {
  const { url, token, requests, connections, seconds, first = 0 } = load
  const { stdout } = await run(
    'wrk',
    ['-t1', `-c${connections}`, `-d${Math.max(1, Math.round(seconds))}s`, '--timeout', '30s', '-s', script, url],
    { env: { ...process.env, TOKEN: token, REQUESTS: requests, FIRST: String(first) } },
  )
  const line = /^RESULT (.*)$/m.exec(stdout)?.[1]
  if (!line) throw new Error(`wrk printed no result:\n${stdout}`)
  const result = JSON.parse(line) as LoadResult & { refused: number; broken: number }
  if (result.refused || result.broken) throw new Error(`${result.refused} requests were refused, ${result.broken} broke off`)
  return result
}
