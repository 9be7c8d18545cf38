import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type InProcessStream, open } from '../http/in-process.ts'
import { Logger } from '../observability/logger.ts'
import { optionsWith } from '../options/options.ts'
import { controllerEnabled } from '../options/standalone.ts'
import type { Options } from '../options/table.ts'
import { ApiServer } from '../server/server.ts'
import { MemoryStorage } from '../storage/memory.ts'

export interface TestServerOptions {
  /**
   * Flags, named as on the command line but in camel case, such as `{ authorizationMode: ['AlwaysAllow'] }`; durations are in
   * milliseconds. The server listens on a free port whatever they say. With `controllers: []` nothing runs but the server: then pods need
   * no service account either, unless `disableAdmissionPlugins` is given.
   */
  flags?: Partial<Options>
  /** `memory` (the default) keeps nothing; `embedded` is the durable store, which is found again in the same `dataDir`. */
  storage?: 'memory' | 'embedded'
  /** Folder for the store, certificates and kubeconfig, which `close()` leaves alone; a temporary one, which it removes, when unset. */
  dataDir?: string
  /** Milliseconds since the epoch; the machine's clock when unset. */
  clock?: () => number
  /** Takes the server's log, a line at a time; it goes nowhere when unset. */
  log?: (line: string) => void
}

export interface RequestOptions {
  method?: string
  headers?: Readonly<Record<string, string>>
  /** Text and bytes are sent as they are, anything else as JSON; as `application/json` unless the headers say otherwise. */
  body?: unknown
  /** The bearer token: the admin's when unset, none at all (an anonymous request) when null. */
  token?: string | null
  /** Ends the request, as a client does that hangs up. */
  signal?: AbortSignal
}

/** A server in this process, and what clients need to talk to it. */
export interface TestServer extends AsyncDisposable {
  /** `https://127.0.0.1:<port>`. */
  readonly url: string
  readonly port: number
  /** Path of a kubeconfig for the admin. */
  readonly kubeconfig: string
  /** The certificate to trust, in PEM. */
  readonly ca: string
  /** A bearer token, and a client certificate with its key in PEM, of members of `system:masters`. */
  readonly admin: { readonly token: string; readonly cert: string; readonly key: string }
  /** The server itself. */
  readonly server: ApiServer
  /**
   * Makes a request without any socket. Resolves once the answer's head is there: the body comes as it is read, so that a watch can be
   * followed.
   *
   * @param url path and query, such as `/api/v1/pods?watch=1`
   * @throws Error when the server drops the request, or `signal` ends it before there is an answer
   */
  request(url: string, options?: RequestOptions): Promise<Response>
  /** Stops the server and removes its temporary folder. */
  close(): Promise<void>
}

/**
 * Starts an API server in this process, on a temporary store and a free port of loopback:
 *
 *     await using server = await startTestServer()
 *     const pods = await (await server.request('/api/v1/pods')).json()
 *
 * Any number of them run side by side. The first one takes as long as it takes to load the code; later ones share its certificates and
 * take some hundredths of a second.
 *
 * Controllers run as in any other server: a namespace gets its service account and goes when it is deleted, and so do dependents of what
 * is deleted, since that is what operators live with in a cluster. They add a few milliseconds to a start. A test that would rather have
 * nothing happen by itself switches them off.
 *
 * @throws OptionsError with one line when a flag is unknown, has a bad value or isn't built yet
 */
export async function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const { flags = {}, clock = Date.now, log } = options
  const dir = options.dataDir ?? (await mkdtemp(path.join(tmpdir(), 'kube-apiserver-')))
  const remove = async (): Promise<void> => {
    if (options.dataDir === undefined) await rm(dir, { recursive: true, force: true })
  }
  try {
    const certDir = flags.certDir ?? (options.dataDir === undefined ? sharedCertificates() : path.join(dir, 'pki'))
    const token = randomBytes(16).toString('hex')
    const tokenAuthFile = await writeTokens(path.join(dir, 'tokens.csv'), token, flags.tokenAuthFile)
    const server = await ApiServer.start({
      options: optionsWith({ ...defaults(flags), ...flags, dataDir: dir, certDir, tokenAuthFile }),
      logger: new Logger({ level: log ? 'debug' : 'error', format: 'text', clock, write: log ?? (() => {}) }),
      clock,
      port: 0,
      ...(options.storage === 'embedded' ? {} : { openStorage: async () => new MemoryStorage() }),
    })
    const [ca, cert, key] = await Promise.all(
      ['ca.crt', 'admin.crt', 'admin.key'].map((file) => readFile(path.join(certDir, file), 'utf8')),
    )
    const close = async (): Promise<void> => {
      await server.close()
      await remove()
    }
    return {
      url: server.url,
      port: server.port,
      kubeconfig: server.kubeconfig,
      ca: ca!,
      admin: { token, cert: cert!, key: key! },
      server,
      request: (url, request) => send(server, token, url, request),
      close,
      [Symbol.asyncDispose]: close,
    }
  } catch (error) {
    await remove()
    throw error
  }
}

/** Where nothing makes service accounts, pods would be refused for want of one. */
function defaults({ controllers = ['*'] }: Partial<Options>): Partial<Options> {
  const accounts = controllerEnabled(controllers, 'serviceaccount-controller')
  return { bindAddress: '127.0.0.1', disableAdmissionPlugins: accounts ? [] : ['ServiceAccount'] }
}

/** The flag's own file, if there is one, and the admin's token. */
async function writeTokens(file: string, token: string, given: string | undefined): Promise<string> {
  const own = given ? `${await readFile(given, 'utf8')}\n` : ''
  await writeFile(file, `${own}${token},admin,admin,system:masters\n`, { mode: 0o600 })
  return file
}

let certificates: string | undefined

/**
 * The folder with the certificates of all servers of this process, which take longer to make than the rest of a start. It is the one
 * thing that test servers have in common, and goes when the process ends.
 */
function sharedCertificates(): string {
  if (certificates === undefined) {
    const dir = mkdtempSync(path.join(tmpdir(), 'kube-apiserver-pki-'))
    process.once('exit', () => rmSync(dir, { recursive: true, force: true }))
    certificates = dir
  }
  return certificates
}

async function send(server: ApiServer, adminToken: string, url: string, options: RequestOptions = {}): Promise<Response> {
  const { method = 'GET', body, token = adminToken, signal } = options
  signal?.throwIfAborted()
  const headers: Record<string, string> = {}
  if (token !== null) headers.authorization = `Bearer ${token}`
  if (body !== undefined) headers['content-type'] = 'application/json'
  for (const [name, value] of Object.entries(options.headers ?? {})) headers[name.toLowerCase()] = value
  const answer = await open(server.handle, { method, url, headers, ...(body === undefined ? {} : { body: encode(body) }) })
  if (signal?.aborted) answer.abort()
  signal?.throwIfAborted()
  signal?.addEventListener('abort', () => answer.abort(), { once: true })
  return toResponse(answer)
}

function encode(body: unknown): Buffer | string {
  if (typeof body === 'string') return body
  return body instanceof Uint8Array ? Buffer.from(body) : JSON.stringify(body)
}

function toResponse(answer: InProcessStream): Response {
  const headers = new Headers()
  for (const [name, value] of Object.entries(answer.headers)) for (const item of [value].flat()) headers.append(name, item)
  const bodiless = answer.code === 204 || answer.code === 304
  return new Response(bodiless ? null : ReadableStream.from(answer), { status: answer.code, headers })
}
