import { readFile } from 'node:fs/promises'
import type { CoreV1Node } from '../generated/types.ts'
import type { BackendTarget, BackendTls } from '../http/backend-client.ts'
import type { KubeObject } from '../machinery/object.ts'
import { StatusError } from '../machinery/status.ts'
import type { Logger } from '../observability/logger.ts'
import type { Options } from '../options/table.ts'

type KubeletOptions = Pick<
  Options,
  'kubeletCertificateAuthority' | 'kubeletClientCertificate' | 'kubeletClientKey' | 'kubeletPort' | 'kubeletPreferredAddressTypes'
>

export interface KubeletAccessDeps {
  readonly options: KubeletOptions
  readonly logger: Logger
  /** ms since the epoch. */
  readonly clock: () => number
}

/** For how long the files are taken to be what they were, in ms. */
const READ_EVERY = 10_000

/** Where kubelets are, how we know them and they us. The files of certificates may be replaced at any time. */
export class KubeletAccess {
  readonly #deps: KubeletAccessDeps
  #tls: BackendTls
  #readAt: number

  private constructor(deps: KubeletAccessDeps, tls: BackendTls) {
    this.#deps = deps
    this.#tls = tls
    this.#readAt = deps.clock()
  }

  /** @throws Error (rejects) with one line when a file can't be read */
  static async load(deps: KubeletAccessDeps): Promise<KubeletAccess> {
    return new KubeletAccess(deps, await readTls(deps.options))
  }

  /** @throws StatusError 500 for a node without an address of the kinds that are preferred */
  async target(node: KubeObject, { insecure = false } = {}): Promise<BackendTarget> {
    const { options } = this.#deps
    const { status = {} } = node as CoreV1Node
    const known = status.addresses ?? []
    const host = options.kubeletPreferredAddressTypes
      .map((type) => known.find((address) => address.type === type)?.address)
      .find((address) => address !== undefined)
    if (host === undefined) {
      const listed = known.map(({ type, address }) => `{${type} ${address}}`).join(' ')
      throw new StatusError(500, '', `no preferred addresses found; known addresses: [${listed}]`)
    }
    const { ca, cert, key } = await this.#current()
    const port = status.daemonEndpoints?.kubeletEndpoint?.Port || options.kubeletPort
    return { host, port, tls: { cert, key, ...(insecure || !ca ? { insecure: true } : { ca }) } }
  }

  async #current(): Promise<BackendTls> {
    const { options, logger, clock } = this.#deps
    const now = clock()
    if (now - this.#readAt < READ_EVERY) return this.#tls
    this.#readAt = now
    try {
      this.#tls = await readTls(options)
    } catch (error) {
      logger.warn('certificates for kubelets can not be used, the old ones stay', { error })
    }
    return this.#tls
  }
}

async function readTls(options: KubeletOptions): Promise<BackendTls> {
  const { kubeletCertificateAuthority, kubeletClientCertificate, kubeletClientKey } = options
  if (!kubeletClientCertificate !== !kubeletClientKey) {
    throw new Error('--kubelet-client-certificate and --kubelet-client-key must be given together')
  }
  const [ca, cert, key] = await Promise.all(
    [kubeletCertificateAuthority, kubeletClientCertificate, kubeletClientKey].map((file) =>
      file ? readFile(file, 'utf8') : undefined,
    ),
  )
  return { ca, cert, key }
}
