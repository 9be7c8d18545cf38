import type { JwtIssuer } from '../authentication/jwt.ts'
import type { AuthenticationMetrics } from '../authentication/metrics.ts'
import type { BoundObjects, Lookup, ObjectFacts } from '../authentication/service-account/bound-objects.ts'
import { BoundToken } from '../authentication/service-account/bound-token.ts'
import { ServiceAccountIssuer } from '../authentication/service-account/issuer.ts'
import { signingKey, verificationKeys } from '../authentication/service-account/keys.ts'
import { LEGACY_ISSUER, LegacyToken } from '../authentication/service-account/legacy-token.ts'
import { JWKS_PATH, type OpenIdMetadata, openIdMetadata } from '../authentication/service-account/metadata.ts'
import { TokenSigner } from '../authentication/service-account/signer.ts'
import type { CoreV1Secret, CoreV1ServiceAccount } from '../generated/types.ts'
import { type KubeObject, metaOf } from '../machinery/object.ts'
import type { Logger } from '../observability/logger.ts'
import type { Options } from '../options/table.ts'
import type { Registry } from '../registry/registry.ts'
import type { TokenIssuer } from '../registry/tokens.ts'
import { objectReader } from './admission.ts'
import { advertisedAddress, type Credentials, read } from './config.ts'

export interface ServiceAccountDeps {
  options: Options
  logger: Logger
  clock: () => number
  registry: Registry
  credential: Pick<Credentials, 'serviceAccount'>
  metrics: AuthenticationMetrics
  uuid: () => string
}

export interface ServiceAccountTokens {
  readonly tokens: TokenIssuer
  readonly openId: OpenIdMetadata | undefined
  issuer(name: string): JwtIssuer | undefined
}

/** A year, for the tokens of pods whose programs don't read them anew. */
const EXTENDED_SECONDS = 365 * 24 * 3600

/** Issues and verifies service account tokens, with the keys that the flags name or our own. */
export async function serviceAccountTokens(deps: ServiceAccountDeps): Promise<ServiceAccountTokens> {
  const { options, logger, clock, registry, credential, metrics, uuid } = deps
  const signingFile = options.serviceAccountSigningKeyFile
  const pem = signingFile ? read(signingFile) : credential.serviceAccount.privateKey
  const signer = new TokenSigner(signingKey(pem, signingFile || 'sa.key'), options.serviceAccountIssuer[0]!)
  const files = options.serviceAccountKeyFile
  const keys =
    files.length > 0
      ? files.flatMap((file) => verificationKeys(read(file), file))
      : verificationKeys(pem, signingFile || 'sa.key')
  const shared = { objects: boundObjects(registry), audiences: options.apiAudiences, clock, metrics }
  const bound = new ServiceAccountIssuer(keys, (payload) => new BoundToken(payload, shared))
  const legacy = new ServiceAccountIssuer(
    keys,
    (payload) =>
      new LegacyToken(payload, {
        ...shared,
        lookup: options.serviceAccountLookup,
        markUsed: (namespace, secret, label, date) => {
          markUsed(registry, namespace, secret, label, date).catch((error: unknown) =>
            logger.warn('the last use of a service account token was not noted', { namespace, secret, error }),
          )
        },
      }),
  )
  const issuers = new Set(options.serviceAccountIssuer)
  return {
    tokens: {
      audiences: options.apiAudiences,
      maxExpirationSeconds: Math.floor(options.serviceAccountMaxTokenExpiration / 1000),
      extendedExpirationSeconds: options.serviceAccountExtendTokenExpiration ? EXTENDED_SECONDS : 0,
      uuid,
      sign: (claims) => signer.sign(claims),
    },
    openId: await openIdMetadata(options.serviceAccountIssuer[0]!, jwksUri(options), keys),
    issuer: (name) => (issuers.has(name) ? bound : name === LEGACY_ISSUER ? legacy : undefined),
  }
}

function jwksUri(options: Options): string {
  if (options.serviceAccountJwksUri) return options.serviceAccountJwksUri
  const host = options.externalHostname || advertisedAddress(options)
  const authority = host.includes(':') ? `[${host}]:${options.securePort}` : `${host}:${options.securePort}`
  return `https://${authority}${JWKS_PATH}`
}

/** Objects out of the watch caches, which are first loaded when a token depends on one. */
function boundObjects(registry: Registry): BoundObjects {
  const lookup = <Facts extends ObjectFacts>(resource: string, derive: (object: KubeObject) => Facts): Lookup<Facts> => {
    let made: Lookup<Facts> | undefined
    const facts = (): Lookup<Facts> => (made ??= objectReader(registry).facts({ group: '', resource }, derive))
    return {
      get: (namespace, name) => facts().get(namespace, name),
      fresh: (namespace, name) => facts().fresh(namespace, name),
    }
  }
  return {
    serviceAccounts: lookup('serviceaccounts', (object) => ({
      ...factsOf(object),
      secrets: ((object as CoreV1ServiceAccount).secrets ?? []).map(({ name = '' }) => name),
    })),
    secrets: lookup('secrets', (object) => {
      const token = (object as CoreV1Secret).data?.token
      return {
        ...factsOf(object),
        token: token === undefined ? undefined : Buffer.from(token, 'base64'),
        labels: object.metadata?.labels ?? {},
      }
    }),
    pods: lookup('pods', factsOf),
    nodes: lookup('nodes', factsOf),
  }
}

function factsOf({ metadata }: KubeObject): ObjectFacts {
  const deleted = metadata?.deletionTimestamp
  return { uid: metadata?.uid ?? '', deletedAt: deleted ? Date.parse(deleted) : undefined }
}

async function markUsed(registry: Registry, namespace: string, secret: string, label: string, date: string): Promise<void> {
  await registry.objects('secrets').update(namespace, secret, (object) => {
    const meta = metaOf(object)
    if (meta.labels?.[label] === date) return undefined
    meta.labels = { ...meta.labels, [label]: date }
    return object
  })
}
