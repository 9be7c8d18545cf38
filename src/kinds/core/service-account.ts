import type { CoreV1ServiceAccount } from '../../generated/types.ts'
import { age } from '../../registry/columns.ts'
import { defineKind } from '../../registry/kind.ts'
import { createToken, defaultTokenRequest } from './service-account-token.ts'

const ENFORCE_SECRETS = 'kubernetes.io/enforce-mountable-secrets'

export const serviceAccount = defineKind<CoreV1ServiceAccount>({
  group: '',
  version: 'v1',
  kind: 'ServiceAccount',
  resource: 'serviceaccounts',
  shortNames: ['sa'],
  scope: 'Namespaced',
  schema: 'io.k8s.api.core.v1.ServiceAccount',
  returnsDeleted: true,
  prepareForCreate: keepSecretNames,
  prepareForUpdate: keepSecretNames,
  warnings(account, old) {
    const value = account.metadata?.annotations?.[ENFORCE_SECRETS]
    if (value === undefined || value === old?.metadata?.annotations?.[ENFORCE_SECRETS]) return []
    return [
      `metadata.annotations[${ENFORCE_SECRETS}]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets`,
    ]
  },
  subresources: [
    {
      name: 'token',
      kind: {
        group: 'authentication.k8s.io',
        version: 'v1',
        kind: 'TokenRequest',
        schema: 'io.k8s.api.authentication.v1.TokenRequest',
      },
      verbs: ['create'],
      defaults: defaultTokenRequest,
      create: createToken,
    },
  ],
  columns: [age],
})

/** Secrets are known by their names; what else a reference says would go stale. */
function keepSecretNames(account: CoreV1ServiceAccount): void {
  if (account.secrets) account.secrets = account.secrets.map((secret) => (secret.name ? { name: secret.name } : {}))
}
