import type {
  AuthenticationV1BoundObjectReference,
  AuthenticationV1TokenRequest,
  CoreV1Pod,
  CoreV1ServiceAccount,
} from '../../generated/types.ts'
import { type FieldError, invalid, invalidObject } from '../../machinery/field-errors.ts'
import type { JsonObject } from '../../machinery/json.ts'
import { type KubeObject, metaOf } from '../../machinery/object.ts'
import { badRequest, conflict, notFound, pathNotFound } from '../../machinery/status.ts'
import type { WriteContext } from '../../registry/context.ts'
import { timestamp } from '../../registry/write-rules.ts'

const GROUP = 'authentication.k8s.io'
const KIND = { group: GROUP, kind: 'TokenRequest' }

const DEFAULT_SECONDS = 3600
const MIN_SECONDS = 600
const MAX_SECONDS = 2 ** 32
/** What pods are given asks for this long: clients that don't read their tokens anew are warned of instead of refused. */
const WARN_ONLY_SECONDS = 3607

export function defaultTokenRequest(request: AuthenticationV1TokenRequest): void {
  request.spec ??= { audiences: [] }
  request.spec.expirationSeconds ??= DEFAULT_SECONDS
}

/**
 * POST of `serviceaccounts/<name>/token`: issues a token.
 *
 * @see https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-request-v1/
 */
export async function createToken(
  name: string,
  body: KubeObject,
  context: WriteContext,
): Promise<{ code: number; body: JsonObject }> {
  const request = body as AuthenticationV1TokenRequest
  const { tokens } = context.env
  const meta = metaOf(request)
  if (meta.name && meta.name !== name)
    throw invalidObject(KIND, name, [invalid('metadata.name', meta.name, 'must match the service account name if specified')])
  const account = (await context.env.objects('serviceaccounts').get(context.namespace, name)) as CoreV1ServiceAccount | undefined
  if (!account) throw notFound({ group: '', resource: 'serviceaccounts' }, name)
  // So does a server that was started without an issuer.
  if (!tokens) throw pathNotFound()
  const uid = account.metadata?.uid ?? ''
  if (meta.uid && meta.uid !== uid)
    throw conflict(
      { group: GROUP, resource: KIND.kind },
      name,
      `the UID in the token request (${meta.uid}) does not match the UID of the service account (${uid})`,
    )
  const { audiences: wanted, expirationSeconds = DEFAULT_SECONDS, boundObjectRef } = request.spec ?? {}
  const errors = durationErrors(expirationSeconds)
  if (errors.length > 0) throw invalidObject(KIND, '', errors)
  const audiences = wanted?.length ? wanted : [...tokens.audiences]
  const bound = boundObjectRef ? await boundTo(boundObjectRef, name, context) : {}
  const seconds = shortened(expirationSeconds, context)
  const extended =
    bound.pod && seconds === WARN_ONLY_SECONDS && audiences.every((audience) => tokens.audiences.includes(audience))
      ? tokens.extendedExpirationSeconds
      : 0
  const now = Math.floor(context.now / 1000)
  const id = tokens.uuid()
  context.annotate('authentication.kubernetes.io/issued-credential-id', `JTI=${id}`)
  const token = await tokens.sign({
    aud: audiences,
    exp: now + (extended || seconds),
    iat: now,
    nbf: now,
    jti: id,
    sub: `system:serviceaccount:${context.namespace}:${name}`,
    'kubernetes.io': {
      namespace: context.namespace,
      serviceaccount: { name, uid },
      ...bound,
      ...(extended ? { warnafter: now + seconds } : {}),
    },
  })
  return {
    code: 201,
    body: {
      kind: KIND.kind,
      apiVersion: `${GROUP}/v1`,
      metadata: {
        ...meta,
        name,
        namespace: context.namespace,
        uid,
        creationTimestamp: timestamp(context.now),
      } as unknown as JsonObject,
      spec: { audiences, expirationSeconds: seconds, boundObjectRef: (boundObjectRef ?? null) as JsonObject | null },
      status: { token, expirationTimestamp: timestamp(context.now + seconds * 1000) },
    },
  }
}

function durationErrors(seconds: number): FieldError[] {
  const path = 'spec.expirationSeconds'
  if (seconds < MIN_SECONDS) return [invalid(path, seconds, 'may not specify a duration less than 10 minutes')]
  if (seconds > MAX_SECONDS) return [invalid(path, seconds, 'may not specify a duration larger than 2^32 seconds')]
  return []
}

function shortened(seconds: number, context: WriteContext): number {
  const max = context.env.tokens?.maxExpirationSeconds ?? 0
  if (max === 0 || seconds <= max) return seconds
  context.warn(`requested expiration of ${seconds} seconds shortened to ${max} seconds`)
  return max
}

/** The claims about what a token is bound to. */
interface BoundClaims extends JsonObject {
  pod?: JsonObject
  secret?: JsonObject
  node?: JsonObject
}

async function boundTo(
  reference: AuthenticationV1BoundObjectReference,
  account: string,
  context: WriteContext,
): Promise<BoundClaims> {
  const { apiVersion = '', kind = '', name = '' } = reference
  // As in the reference any version of a group will do, and an unset one is the core group's.
  const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : ''
  if (group === '' && kind === 'Pod') {
    const pod = (await find('pods', context.namespace, name, context)) as CoreV1Pod
    if (pod.spec?.serviceAccountName !== account)
      throw badRequest(`cannot bind token for serviceaccount "${account}" to pod running with different serviceaccount name.`)
    checkUid(reference, pod)
    const node = await nodeOf(pod, context)
    return { pod: nameAndUid(pod), ...(node ? { node } : {}) }
  }
  if (group === '' && kind === 'Secret') {
    const secret = await find('secrets', context.namespace, name, context)
    checkUid(reference, secret)
    return { secret: nameAndUid(secret) }
  }
  if (group === '' && kind === 'Node') {
    const node = await find('nodes', '', name, context)
    checkUid(reference, node)
    return { node: nameAndUid(node) }
  }
  throw badRequest(`cannot bind token to object of type ${apiVersion.includes('/') ? '' : '/'}${apiVersion}, Kind=${kind}`)
}

async function find(resource: string, namespace: string, name: string, context: WriteContext): Promise<KubeObject> {
  if (name === '') throw badRequest('Name parameter required.')
  const found = await context.env.objects(resource).get(namespace, name)
  if (!found) throw notFound({ group: '', resource }, name)
  return found
}

function checkUid(
  { apiVersion = '', kind = '', name = '', uid = '' }: AuthenticationV1BoundObjectReference,
  found: KubeObject,
): void {
  if (uid === '' || uid === found.metadata?.uid) return
  const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : ''
  throw conflict(
    { group, resource: kind },
    name,
    `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`,
  )
}

/** The node that a pod is on; only its name when it doesn't exist. */
async function nodeOf(pod: CoreV1Pod, context: WriteContext): Promise<JsonObject | undefined> {
  const name = pod.spec?.nodeName
  if (!name) return undefined
  const node = await context.env.objects('nodes').get('', name)
  return node ? nameAndUid(node) : { name }
}

const nameAndUid = ({ metadata }: KubeObject): JsonObject => ({ name: metadata?.name ?? '', uid: metadata?.uid ?? '' })
