const DOMAIN_COMPONENT = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])'
const DOMAIN = `(?:${DOMAIN_COMPONENT}(?:\\.${DOMAIN_COMPONENT})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?`
const PATH_COMPONENT = '[a-z0-9]+(?:(?:[._]|__|[-]+)[a-z0-9]+)*'
const TAG = '[\\w][\\w.-]{0,127}'
const DIGEST = '[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}'
const REFERENCE = new RegExp(`^(?:${DOMAIN})/(${PATH_COMPONENT}(?:/${PATH_COMPONENT})*)(?::(${TAG}))?(?:@(${DIGEST}))?$`)
const IDENTIFIER = /^[a-f0-9]{64}$/
const MAX_REPOSITORY_LENGTH = 255
const DIGEST_LENGTHS: Readonly<Record<string, number | undefined>> = { sha256: 64, sha384: 96, sha512: 128 }

/**
 * The tag in a container image's name: `latest` when it has neither tag nor digest, '' when it has only a digest or is no image name
 * at all (validation's business). The grammar is that of https://github.com/distribution/reference.
 */
export function imageTag(image: string): string {
  if (IDENTIFIER.test(image)) return ''
  const match = REFERENCE.exec(withDomain(image))
  if (!match) return ''
  const [, path = '', tag = '', digest = ''] = match
  if (path.length > MAX_REPOSITORY_LENGTH) return ''
  if (digest && !isKnownDigest(digest)) return ''
  return tag || (digest ? '' : 'latest')
}

/** What decides the default pull policy of containers and image volumes. */
export function defaultPullPolicy(image: string | undefined): 'Always' | 'IfNotPresent' {
  return imageTag(image ?? '') === 'latest' ? 'Always' : 'IfNotPresent'
}

/** Names without a registry are Docker Hub's, those without a user there its own library. */
function withDomain(image: string): string {
  const slash = image.indexOf('/')
  const first = slash < 0 ? '' : image.slice(0, slash)
  const hasDomain =
    slash >= 0 && (first.includes('.') || first.includes(':') || first === 'localhost' || first.toLowerCase() !== first)
  if (hasDomain && first !== 'docker.io' && first !== 'index.docker.io') return image
  const rest = hasDomain ? image.slice(slash + 1) : image
  return rest.includes('/') ? `docker.io/${rest}` : `docker.io/library/${rest}`
}

function isKnownDigest(digest: string): boolean {
  const colon = digest.indexOf(':')
  const hex = digest.slice(colon + 1)
  return DIGEST_LENGTHS[digest.slice(0, colon)] === hex.length && /^[0-9a-f]+$/.test(hex)
}
