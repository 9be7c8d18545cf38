import { readFile } from 'node:fs/promises'
import { replaceFile } from '../util/atomic-file.ts'

export interface KubeconfigOptions {
  /** The file to write, private to its owner. */
  path: string
  /** The server's URL, such as `https://127.0.0.1:6443`. */
  server: string
  /** The CA's certificate, the client's certificate and its key, all in PEM. */
  ca: string
  cert: string
  key: string
}

/**
 * Writes an administrator's kubeconfig with everything embedded, under the names that kubeadm gives them. A file that
 * already says the same is left alone.
 *
 * @see https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/
 */
export async function writeKubeconfig(options: KubeconfigOptions): Promise<void> {
  const content = kubeconfig(options)
  const existing = await readFile(options.path, 'utf8').catch(() => undefined)
  if (existing !== content) await replaceFile(options.path, content, 0o600)
}

function kubeconfig({ server, ca, cert, key }: KubeconfigOptions): string {
  // A JSON string is a YAML string, whatever is in it.
  return `apiVersion: v1
kind: Config
clusters:
- name: kubernetes
  cluster:
    certificate-authority-data: ${base64(ca)}
    server: ${JSON.stringify(server)}
users:
- name: kubernetes-admin
  user:
    client-certificate-data: ${base64(cert)}
    client-key-data: ${base64(key)}
contexts:
- name: kubernetes-admin@kubernetes
  context:
    cluster: kubernetes
    user: kubernetes-admin
current-context: kubernetes-admin@kubernetes
preferences: {}
`
}

const base64 = (text: string): string => Buffer.from(text).toString('base64')
