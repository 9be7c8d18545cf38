import { once } from 'node:events'
import {
  constants,
  createSecureServer,
  type Http2SecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from 'node:http2'
import { createServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { type Authority, authority, serving } from './certificates.ts'

export const GROUP = 'toys.example.com'
export const VERSION = 'v1beta1'
const API_VERSION = `${GROUP}/${VERSION}`
const BASE = `/apis/${API_VERSION}`
const DISCOVERY = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'
const VERBS = ['create', 'delete', 'get', 'list', 'watch']

export interface Gadget {
  apiVersion: string
  kind: string
  metadata: { name: string; namespace: string; resourceVersion: string }
  size: number
}

/** What a request was like when it came in here. */
export interface Received {
  method: string
  url: string
  headers: Record<string, string | string[] | undefined>
  protocol: string
  /** Common name of the client's certificate. */
  client: string | undefined
}

export interface ExtensionServerOptions {
  /** The address of loopback to listen on. */
  host: string
  /** Those in its certificate. */
  dnsNames: readonly string[]
  http2?: boolean
  /** Whether it has the aggregated form of discovery. */
  aggregated?: boolean
  port?: number
}

/** An API server of its own, as small as can be, with one kind: gadgets. Its certificate is of an authority of its own. */
export class ExtensionServer implements AsyncDisposable {
  readonly host: string
  readonly ca: Authority
  readonly gadgets = new Map<string, Gadget>()
  readonly received: Received[] = []
  /** Requests whose answer isn't complete. */
  open = 0
  connections = 0
  readonly #options: ExtensionServerOptions
  readonly #server: Http2SecureServer
  readonly #sockets = new Set<Socket>()
  readonly #watchers = new Set<Http2ServerResponse>()
  #revision = 1

  private constructor(options: ExtensionServerOptions, ca: Authority) {
    this.#options = options
    this.host = options.host
    this.ca = ca
    const { http2 = true, dnsNames } = options
    const tls = { ...serving(ca, dnsNames), requestCert: true, rejectUnauthorized: false }
    this.#server = http2 ? createSecureServer({ ...tls, allowHTTP1: true }) : (createServer(tls) as unknown as Http2SecureServer)
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.on('error', () => {}).on('close', () => this.#sockets.delete(socket))
    })
    this.#server.on('secureConnection', () => this.connections++)
    this.#server.on('sessionError', () => {})
    this.#server.on('request', (request, response) => void this.#handle(request, response))
    this.#server.on('upgrade', (_request: unknown, socket: Socket, head: Buffer) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n')
      if (head.length) socket.write(head)
      socket.pipe(socket)
    })
  }

  static async start(options: ExtensionServerOptions, ca = authority('extension-ca')): Promise<ExtensionServer> {
    const made = new ExtensionServer(options, ca)
    made.#server.listen(options.port ?? 0, options.host)
    await once(made.#server, 'listening')
    return made
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get caBundle(): string {
    return Buffer.from(this.ca.certificatePem).toString('base64')
  }

  put(name: string, size: number): void {
    const metadata = { name, namespace: 'default', resourceVersion: String(++this.#revision) }
    const type = this.gadgets.has(name) ? 'MODIFIED' : 'ADDED'
    const gadget = { apiVersion: API_VERSION, kind: 'Gadget', metadata, size }
    this.gadgets.set(name, gadget)
    for (const watcher of this.#watchers) watcher.write(`${JSON.stringify({ type, object: gadget })}\n`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    if (!this.#server.listening) return
    this.#server.close()
    await once(this.#server, 'close')
  }

  async #handle(request: Http2ServerRequest, response: Http2ServerResponse): Promise<void> {
    const { method, url, headers, httpVersion } = request
    const { subject } = (request.socket as TLSSocket).getPeerCertificate?.() ?? {}
    this.received.push({ method, url, headers: { ...headers }, protocol: httpVersion, client: subject?.CN?.toString() })
    this.open++
    response.on('close', () => this.open--)
    const { pathname, searchParams } = new URL(url, 'https://server')
    const path = decodeURIComponent(pathname)
    const send = (code: number, body: unknown, type = 'application/json'): void => {
      response.writeHead(code, { 'content-type': type })
      response.end(typeof body === 'string' || body instanceof Buffer ? body : JSON.stringify(body))
    }
    const asksFor = (text: string): boolean => String(headers.accept ?? '').includes(text)
    if (path === '/apis' && this.#options.aggregated && asksFor('as=APIGroupDiscoveryList'))
      return send(200, aggregated(), DISCOVERY)
    if (path === BASE) return send(200, resourceList())
    if (path === '/openapi/v3')
      return send(200, { paths: { [BASE.slice(1)]: { serverRelativeURL: `/openapi/v3${BASE}?hash=ABC` } } })
    if (path === `/openapi/v3${BASE}`) return send(200, openApiV3())
    if (path === `${BASE}/away`) {
      response.writeHead(302, { location: 'https://elsewhere.example.com/' }).end()
      return
    }
    if (path === `${BASE}/echo`) {
      response.writeHead(200, { 'content-type': 'application/octet-stream' })
      request.pipe(response as unknown as NodeJS.WritableStream)
      return
    }
    if (path === `${BASE}/endless`) {
      response.writeHead(200, { 'content-type': 'application/octet-stream' })
      this.#flood(response)
      return
    }
    if (path === `${BASE}/broken`) {
      response.writeHead(200, { 'content-type': 'text/plain' })
      response.write('half of')
      const { stream } = response
      setTimeout(() => (stream ? stream.close(constants.NGHTTP2_INTERNAL_ERROR) : request.socket.destroy()), 20)
      return
    }
    if (path === `${BASE}/silent`) return
    if (path === '/openapi/v2') return send(200, openApiV2())
    const [collection = '', name] = path.slice(`${BASE}/`.length).split(/gadgets\/?/)
    if (!path.startsWith(BASE) || !/^(?:namespaces\/default\/)?$/.test(collection)) return send(404, status(404, path))
    const asTable = asksFor('as=Table')
    if (name) {
      const gadget = this.gadgets.get(name)
      if (!gadget) return send(404, status(404, `gadgets.${GROUP} "${name}" not found`))
      return send(200, asTable ? table([gadget]) : gadget)
    }
    if (method === 'POST') {
      const chunks: Buffer[] = []
      for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
      const { metadata, size } = JSON.parse(Buffer.concat(chunks).toString())
      this.put(metadata.name, size)
      return send(201, this.gadgets.get(metadata.name))
    }
    if (searchParams.get('watch')) {
      response.writeHead(200, { 'content-type': 'application/json' })
      ;(response as { flushHeaders?(): void }).flushHeaders?.()
      this.#watchers.add(response)
      response.on('close', () => this.#watchers.delete(response))
      return
    }
    const items = [...this.gadgets.values()]
    const metadata = { resourceVersion: String(this.#revision) }
    send(200, asTable ? table(items) : { apiVersion: API_VERSION, kind: 'GadgetList', metadata, items })
  }

  /** Bytes that were sent to whoever asked for endlessly many. */
  flooded = 0

  #flood(response: Http2ServerResponse): void {
    const chunk = Buffer.alloc(64 * 1024)
    const more = (): void => {
      let goesOn = true
      while (goesOn && !response.destroyed && !response.writableEnded) {
        goesOn = response.write(chunk)
        this.flooded += chunk.length
      }
    }
    response.on('drain', more)
    more()
  }
}

const KIND = { group: GROUP, version: VERSION, kind: 'Gadget' }

const aggregated = (): object => ({
  kind: 'APIGroupDiscoveryList',
  apiVersion: 'apidiscovery.k8s.io/v2',
  metadata: {},
  items: [
    {
      metadata: { name: GROUP },
      versions: [
        {
          version: VERSION,
          freshness: 'Current',
          resources: [
            {
              resource: 'gadgets',
              responseKind: KIND,
              scope: 'Namespaced',
              singularResource: 'gadget',
              shortNames: ['gd'],
              verbs: VERBS,
              unheardOf: true,
            },
          ],
        },
      ],
    },
  ],
})

const resourceList = (): object => ({
  kind: 'APIResourceList',
  apiVersion: 'v1',
  groupVersion: API_VERSION,
  resources: [
    { name: 'gadgets', singularName: 'gadget', namespaced: true, kind: 'Gadget', verbs: VERBS, shortNames: ['gd'] },
    {
      name: 'gadgets/scale',
      singularName: '',
      namespaced: true,
      group: 'autoscaling',
      version: 'v1',
      kind: 'Scale',
      verbs: ['get'],
    },
  ],
})

const openApiV3 = (): object => ({
  openapi: '3.0.0',
  info: { title: 'toys', version: '1' },
  paths: {
    [`${BASE}/namespaces/{namespace}/gadgets`]: {
      get: { responses: {}, 'x-kubernetes-action': 'list', 'x-kubernetes-group-version-kind': KIND },
    },
  },
  components: {
    schemas: {
      'com.example.toys.v1beta1.Gadget': {
        type: 'object',
        description: 'A gadget to play with.',
        properties: { size: { type: 'integer', description: 'How large it is.' } },
        'x-kubernetes-group-version-kind': [KIND],
      },
    },
  },
})

const REF = '#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.Time'

const openApiV2 = (): object => ({
  swagger: '2.0',
  info: { title: 'toys', version: '1' },
  paths: {
    [`${BASE}/namespaces/{namespace}/gadgets`]: {
      get: {
        operationId: 'listGadgets',
        tags: ['toys'],
        responses: { 200: { description: 'OK', schema: { $ref: '#/definitions/com.example.toys.v1beta1.Gadget' } } },
      },
    },
    '/other': {},
  },
  definitions: {
    'com.example.toys.v1beta1.Gadget': {
      type: 'object',
      properties: { size: { type: 'integer' }, made: { $ref: REF } },
      'x-kubernetes-group-version-kind': [KIND],
    },
    // Another type of a name that is taken.
    'io.k8s.apimachinery.pkg.apis.meta.v1.Time': { type: 'integer' },
    unused: {},
  },
})

const status = (code: number, message: string): object => ({
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Failure',
  message,
  reason: 'NotFound',
  code,
})

const table = (gadgets: readonly Gadget[]): object => ({
  kind: 'Table',
  apiVersion: 'meta.k8s.io/v1',
  metadata: {},
  columnDefinitions: [
    { name: 'Name', type: 'string', format: 'name', description: '', priority: 0 },
    { name: 'Largeness', type: 'integer', format: '', description: '', priority: 0 },
  ],
  rows: gadgets.map((gadget) => ({
    cells: [gadget.metadata.name, gadget.size],
    object: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: gadget.metadata },
  })),
})
