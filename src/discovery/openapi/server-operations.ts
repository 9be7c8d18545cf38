import type { ServedGroup } from '../groups.ts'
import { ENCODINGS, groupTag, groupTitle, isCustom, type Operation } from './operation-parts.ts'

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1'

const get = (
  path: string,
  id: string,
  description: string,
  tag: string,
  answer?: string,
  produces: readonly string[] = ENCODINGS,
  consumes = produces,
): Operation => ({
  path,
  method: 'get',
  id,
  description,
  tag,
  parameters: [],
  codes: [200],
  ...(answer ? { answer } : {}),
  consumes,
  produces,
})

/** Operations that belong to no group version, under the name of the document that holds them. */
export function serverOperations(groups: readonly ServedGroup[]): Map<string, Operation[]> {
  const documents = new Map<string, Operation[]>([
    [
      '.well-known/openid-configuration',
      [
        get(
          '/.well-known/openid-configuration/',
          'getServiceAccountIssuerOpenIDConfiguration',
          "get service account issuer OpenID configuration, also known as the 'OIDC discovery doc'",
          'WellKnown',
          undefined,
          ['application/json'],
          [],
        ),
      ],
    ],
    ['api', [get('/api/', 'getCoreAPIVersions', 'get available API versions', 'core', `${META}.APIVersions`)]],
    ['apis', [get('/apis/', 'getAPIVersions', 'get available API versions', 'apis', `${META}.APIGroupList`)]],
    [
      'openid/v1/jwks',
      [
        get(
          '/openid/v1/jwks/',
          'getServiceAccountIssuerOpenIDKeyset',
          'get service account issuer OpenID JSON Web Key Set (contains public token verification keys)',
          'openid',
          undefined,
          ['application/jwk-set+json'],
          [],
        ),
      ],
    ],
    [
      'version',
      [
        get(
          '/version/',
          'getCodeVersion',
          'get the version information for this server',
          'version',
          'io.k8s.apimachinery.pkg.version.Info',
          ['application/json'],
        ),
      ],
    ],
  ])
  for (const { name, versions } of groups) {
    if (!name || versions.every(isCustom)) continue
    const operation = get(
      `/apis/${name}/`,
      `get${groupTitle(name)}APIGroup`,
      'get information of a group',
      groupTag(name),
      `${META}.APIGroup`,
    )
    documents.set(`apis/${name}`, [operation])
  }
  return documents
}
