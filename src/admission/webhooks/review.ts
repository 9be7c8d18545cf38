import { GoJsonError, kindOfWrongType, kindUnreadable, parseJson, stringifyJson } from '../../machinery/go-json.ts'
import { isObject, type Json, type JsonObject } from '../../machinery/json.ts'
import type { AdmissionAttributes } from '../plugin.ts'
import { admissionRequest } from '../policies/request.ts'
import type { Match } from '../policies/rules.ts'
import type { ReviewVersion } from './hooks.ts'

const GROUP = 'admission.k8s.io'

/** What a webhook says of a request. */
export interface ReviewAnswer {
  readonly allowed: boolean
  /** A Status, where it is refused. */
  readonly status: JsonObject | undefined
  readonly warnings: readonly string[]
  readonly annotations: Readonly<Record<string, string>>
  /** The JSON of a patch; undefined for none. */
  readonly patch: Buffer | undefined
  readonly patchType: string
}

/** A webhook's answer isn't one; the message is the reference's. */
export class InvalidAnswer extends Error {
  override name = 'InvalidAnswer'
}

/**
 * The body that a webhook gets: an AdmissionReview with a request.
 * @see https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#request
 */
export function reviewBody(
  attributes: AdmissionAttributes,
  match: Match,
  { uid, version, object, oldObject }: { uid: string; version: ReviewVersion; object?: JsonObject; oldObject?: JsonObject },
): string {
  const { operation, userInfo, dryRun, options = null, ...names } = admissionRequest(attributes, match)
  const request = {
    uid,
    ...names,
    operation,
    userInfo,
    object: object ?? null,
    oldObject: oldObject ?? null,
    dryRun,
    options,
  }
  return stringifyJson({ kind: 'AdmissionReview', apiVersion: `${GROUP}/${version}`, request })
}

/**
 * Reads the AdmissionReview that a webhook answered with.
 *
 * @throws Error for what is no AdmissionReview, InvalidAnswer for one that says nothing usable
 */
export function readAnswer(text: string, uid: string, version: ReviewVersion, mutating: boolean): ReviewAnswer {
  const review = parsed(text)
  const { response } = review
  if (!isObject(response)) throw new InvalidAnswer('webhook response was absent')
  const patch = patchOf(response)
  // The older version was never strict.
  if (version === 'v1') checkAnswer(review, response, { uid, mutating, patch })
  const hasPatch = mutating && patch !== undefined && patch.length > 0
  const { auditAnnotations, warnings, status } = response
  return {
    allowed: response.allowed === true,
    status: isObject(status) ? status : undefined,
    warnings: Array.isArray(warnings) ? warnings.filter((warning) => typeof warning === 'string') : [],
    annotations: isObject(auditAnnotations) ? texts(auditAnnotations) : {},
    patch: hasPatch ? patch : undefined,
    patchType: version === 'v1' && typeof response.patchType === 'string' ? response.patchType : 'JSONPatch',
  }
}

function checkAnswer(
  review: JsonObject,
  response: JsonObject,
  { uid, mutating, patch }: { uid: string; mutating: boolean; patch: Buffer | undefined },
): void {
  const given = typeof response.uid === 'string' ? response.uid : ''
  if (given !== uid) throw new InvalidAnswer(`expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(given)}`)
  const wanted = `${GROUP}/v1, Kind=AdmissionReview`
  const got = `${review.apiVersion}, Kind=${review.kind}`
  if (got !== wanted) throw new InvalidAnswer(`expected webhook response of ${wanted}, got ${got}`)
  const hasPatch = patch !== undefined && patch.length > 0
  const { patchType } = response
  const hasType = patchType !== undefined && patchType !== null
  if (!mutating && hasPatch) throw new InvalidAnswer('validating webhook may not return response.patch')
  if (!mutating && hasType) throw new InvalidAnswer('validating webhook may not return response.patchType')
  if (hasPatch && !hasType) throw new InvalidAnswer('webhook returned response.patch but not response.patchType')
  if (!hasPatch && hasType) throw new InvalidAnswer('webhook returned response.patchType but not response.patch')
  if (hasType && patchType === '') throw new InvalidAnswer('webhook returned invalid response.patchType of ""')
}

/** @throws Error in the words of the reference's decoder */
function parsed(text: string): JsonObject {
  let value: Json
  try {
    value = parseJson(Buffer.from(text))
  } catch (error) {
    throw error instanceof GoJsonError ? new Error(kindUnreadable(error)) : error
  }
  if (!isObject(value)) throw new Error(kindUnreadable(kindOfWrongType(value)))
  for (const [name, member] of [
    ['Kind', value.kind],
    ['apiVersion', value.apiVersion],
  ] as const)
    if (typeof member !== 'string' || member === '') throw new Error(`Object '${name}' is missing in '${text}'`)
  const known = value.apiVersion === `${GROUP}/v1` || value.apiVersion === `${GROUP}/v1beta1`
  if (!known || value.kind !== 'AdmissionReview') {
    throw new Error(
      `no kind "${value.kind}" is registered for version "${value.apiVersion}" in scheme "pkg/runtime/scheme.go:110"`,
    )
  }
  return value
}

function patchOf({ patch }: JsonObject): Buffer | undefined {
  return typeof patch === 'string' ? Buffer.from(patch, 'base64') : undefined
}

function texts(object: JsonObject): Record<string, string> {
  return Object.fromEntries(Object.entries(object).filter((entry): entry is [string, string] => typeof entry[1] === 'string'))
}
