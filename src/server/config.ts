import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { parseIp } from '../machinery/ip-address.ts'
import type { Options } from '../options/table.ts'
import { ensurePki } from './pki.ts'

/** Certificates and keys that the server works with, and where they came from. */
export interface Credentials {
  serving: { cert: string; key: string }
  clientCa: string | undefined
  /** Those of proxies that name users in headers. */
  requestHeaderCa: string | undefined
  /** Further serving certificates; without names, for those in the certificate. */
  sni: readonly { cert: string; key: string; names: readonly string[] }[]
  /** For the kubeconfig; unset when serving certificates were given by flags. */
  ca: string
  admin: { cert: string; key: string } | undefined
  /** Our own key pair for service account tokens, in PEM. */
  serviceAccount: { publicKey: string; privateKey: string }
  issued: readonly { file: string; reason: string }[]
}

/** Files named by flags, and for the rest our own, made when they are missing. */
export async function credentials(options: Options, clock: () => number): Promise<Credentials> {
  const pki = await ensurePki({
    dir: options.certDir,
    hostnames: options.externalHostname ? [options.externalHostname] : [],
    ips: [options.bindAddress, options.advertiseAddress, firstServiceAddress(options)].filter((ip) => ip !== ''),
    clock: { now: clock },
  })
  const serving =
    options.tlsCertFile && options.tlsPrivateKeyFile
      ? { cert: read(options.tlsCertFile), key: read(options.tlsPrivateKeyFile) }
      : { cert: pki.serving.cert, key: pki.serving.key }
  const clientCa = options.clientCaFile ? read(options.clientCaFile) : pki.ca.cert
  return {
    serving,
    clientCa,
    requestHeaderCa: options.requestheaderClientCaFile ? read(options.requestheaderClientCaFile) : undefined,
    sni: options.tlsSniCertKey.map(({ certFile, keyFile, names }) => ({ cert: read(certFile), key: read(keyFile), names })),
    ca: options.tlsCertFile ? serving.cert : pki.ca.cert,
    admin: options.clientCaFile ? undefined : { cert: pki.admin.cert, key: pki.admin.key },
    serviceAccount: pki.serviceAccount,
    issued: pki.issued,
  }
}

/** @throws Error with one line that names the file */
export function read(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8')
  } catch (error) {
    throw new Error(`can't read ${file}: ${(error as Error).message}`)
  }
}

/** The cluster IP of the `kubernetes` service: the first address of the service range. */
export function firstServiceAddress(options: Options): string {
  const range = options.serviceClusterIpRange[0] ?? '10.0.0.0/24'
  const network = range.split('/')[0] as string
  if (network.includes(':')) return network.endsWith('::') ? `${network}1` : network
  const parts = network.split('.').map(Number)
  const last = parts.at(-1) ?? 0
  return [...parts.slice(0, -1), last + 1].join('.')
}

/** The address that other members of the cluster reach this server at. */
export function advertisedAddress(options: Options): string {
  if (options.advertiseAddress) return options.advertiseAddress
  // An address of this machine alone is none for others.
  if (parseIp(options.bindAddress) && !/^(0\.0\.0\.0|::|::1|127\..*)$/.test(options.bindAddress)) return options.bindAddress
  for (const addresses of Object.values(os.networkInterfaces())) {
    for (const address of addresses ?? []) if (address.family === 'IPv4' && !address.internal) return address.address
  }
  return '127.0.0.1'
}

export function storePath(options: Options): string {
  return path.join(options.dataDir, 'store')
}
