import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { createServer, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import { decrypt, encrypt, type KmsMethod, status } from '../storage/encryption/kms/messages.ts'
import { Frames, framed } from '../storage/etcd/frames.ts'
import type { Decoded, Fields, Given } from '../storage/etcd/wire.ts'

/** A KMS plugin on a Unix socket, with keys in memory, which tests can make behave badly. */
export class TestKmsPlugin {
  readonly socket: string
  /** What it says of itself. */
  healthz = 'ok'
  version = 'v2'
  /** Calls so far, by method. */
  readonly calls = { Status: 0, Encrypt: 0, Decrypt: 0 }
  readonly #keys = new Map<string, Buffer>()
  readonly #sessions = new Set<ServerHttp2Session>()
  #keyId = ''
  #server: Http2Server | undefined

  /** @param socket path of the socket to listen on */
  constructor(socket: string) {
    this.socket = socket
    this.rotate('key-1')
  }

  get endpoint(): string {
    return `unix://${this.socket}`
  }

  /** Uses another key from now on; the older ones still decrypt. */
  rotate(keyId: string): void {
    this.#keyId = keyId
    this.#keys.set(keyId, randomBytes(32))
  }

  /** Loses a key: what it encrypted is gone. */
  forget(keyId: string): void {
    this.#keys.delete(keyId)
  }

  async start(): Promise<void> {
    rmSync(this.socket, { force: true })
    const server = createServer()
    server.on('session', (session) => {
      this.#sessions.add(session)
      session.once('close', () => this.#sessions.delete(session))
    })
    server.on('stream', (stream, headers) => this.#serve(stream as ServerHttp2Stream, String(headers[':path'])))
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(this.socket, resolve)
    })
    this.#server = server
  }

  async stop(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    for (const session of this.#sessions) session.destroy()
    if (server) await new Promise((resolve) => server.close(resolve))
  }

  #serve(stream: ServerHttp2Stream, path: string): void {
    stream.on('error', () => {})
    if (path === status.path) {
      this.#answer(stream, status, () => {
        this.calls.Status++
        return { version: this.version, healthz: this.healthz, keyId: this.#keyId }
      })
    } else if (path === encrypt.path) {
      this.#answer(stream, encrypt, ({ plaintext }) => {
        this.calls.Encrypt++
        return {
          ciphertext: this.#seal(plaintext),
          keyId: this.#keyId,
          annotations: [{ key: 'version.plugin.example', value: Buffer.from('1') }],
        }
      })
    } else if (path === decrypt.path) {
      this.#answer(stream, decrypt, ({ ciphertext, keyId, annotations }) => {
        this.calls.Decrypt++
        if (annotations[0]?.value.toString() !== '1') throw new Error('the annotation is missing')
        return { plaintext: this.#unseal(ciphertext, keyId) }
      })
    } else stream.respond({ ':status': 404 }, { endStream: true })
  }

  #answer<Request extends Fields, Response extends Fields>(
    stream: ServerHttp2Stream,
    method: KmsMethod<Request, Response>,
    make: (request: Decoded<Request>) => Given<Response>,
  ): void {
    const frames = new Frames((message) => {
      let body: Buffer | undefined
      let trailers: Record<string, string> = { 'grpc-status': '0' }
      try {
        body = framed(method.response, make(method.request.decode(message)))
      } catch (error) {
        trailers = { 'grpc-status': '2', 'grpc-message': encodeURIComponent((error as Error).message) }
      }
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
      stream.on('wantTrailers', () => stream.sendTrailers(trailers))
      stream.end(body)
    })
    stream.on('data', (chunk: Buffer) => frames.add(chunk))
  }

  #seal(plain: Buffer): Buffer {
    const nonce = randomBytes(12)
    const cipher = createCipheriv('aes-256-gcm', this.#keys.get(this.#keyId)!, nonce)
    return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
  }

  #unseal(sealed: Buffer, keyId: string): Buffer {
    const key = this.#keys.get(keyId)
    if (!key) throw new Error(`there is no key ${keyId}`)
    const cipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12)).setAuthTag(sealed.subarray(-16))
    return Buffer.concat([cipher.update(sealed.subarray(12, -16)), cipher.final()])
  }
}
