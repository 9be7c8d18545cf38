import type { BootstrapSecret, BootstrapTokenDeps } from '../authentication/bootstrap-token.ts'
import type { CoreV1Secret } from '../generated/types.ts'
import type { Registry } from '../registry/registry.ts'
import { objectReader } from './admission.ts'

/** Secrets in kube-system out of the watch cache, which is first loaded when a token asks for one. */
export function bootstrapSecrets(registry: Registry): BootstrapTokenDeps['secret'] {
  const make = () =>
    objectReader(registry).facts({ group: '', resource: 'secrets' }, (object): BootstrapSecret => {
      const { type = '', data = {}, metadata } = object as CoreV1Secret
      const decoded = Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64')])
      return { type, deleted: metadata?.deletionTimestamp !== undefined, data: Object.fromEntries(decoded) }
    })
  let secrets: ReturnType<typeof make> | undefined
  return (name) => (secrets ??= make()).get('kube-system', name)
}
