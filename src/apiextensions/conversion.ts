import type { WebhookTransport } from '../admission/webhooks/call.ts'
import { answerError } from '../admission/webhooks/http-answer.ts'
import type { ApiextensionsV1WebhookConversion } from '../generated/types.ts'
import { parseJson, stringifyJson } from '../machinery/go-json.ts'
import { isObject, type Json, type JsonObject } from '../machinery/json.ts'
import { StatusError } from '../machinery/status.ts'

const REVIEW_VERSIONS = ['v1', 'v1beta1']
const TIMEOUT_MS = 30_000

export interface ConverterInit {
  webhook: ApiextensionsV1WebhookConversion
  transport: WebhookTransport
  uuid(): string
}

/**
 * Converts custom resources by asking the webhook that their definition names.
 * @see https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definition-versioning/#webhook-conversion
 */
export class WebhookConverter {
  readonly #init: ConverterInit

  constructor(init: ConverterInit) {
    this.#init = init
  }

  /**
   * @param objects of whatever versions, none of which is the wanted one; they stay as they are
   * @returns the objects in the wanted version, in their order; new ones
   * @throws (rejects) StatusError 500
   */
  async convert(objects: readonly JsonObject[], apiVersion: string): Promise<JsonObject[]> {
    const [first] = objects
    if (!first) return []
    const about = `conversion webhook for ${first.apiVersion}, Kind=${first.kind}`
    let converted: readonly Json[]
    try {
      converted = await this.#ask(objects, apiVersion)
    } catch (error) {
      throw failure(`${about} failed: ${(error as Error).message}`, error)
    }
    if (converted.length !== objects.length)
      throw failure(`${about} returned ${converted.length} objects, expected ${objects.length}`)
    return objects.map((object, i) => {
      try {
        return restored(object, converted[i], apiVersion)
      } catch (error) {
        throw failure(`${about} returned invalid converted object at index ${i}: ${(error as Error).message}`)
      }
    })
  }

  async #ask(objects: readonly JsonObject[], desiredAPIVersion: string): Promise<readonly Json[]> {
    const { webhook, transport, uuid } = this.#init
    const known = webhook.conversionReviewVersions?.find((version) => REVIEW_VERSIONS.includes(version))
    if (!known) throw new Error('webhook does not accept known ConversionReview versions (v1, v1beta1)')
    const uid = uuid()
    const body = stringifyJson({
      kind: 'ConversionReview',
      apiVersion: `apiextensions.k8s.io/${known}`,
      request: { uid, desiredAPIVersion, objects: objects as JsonObject[] },
    })
    const answer = await transport.post(webhook.clientConfig ?? {}, body, TIMEOUT_MS, undefined)
    const error = answerError(answer)
    if (error !== undefined) throw new Error(error)
    return convertedIn(parseJson(Buffer.from(answer.body)), uid)
  }
}

function failure(message: string, cause?: unknown): StatusError {
  const error = new StatusError(500, '', message)
  error.cause = cause
  return error
}

/** @throws Error when the webhook didn't do it */
function convertedIn(review: Json, uid: string): readonly Json[] {
  const response = isObject(review) ? review.response : undefined
  if (!isObject(response)) throw new Error('no response provided')
  if (response.uid !== uid) {
    const given = typeof response.uid === 'string' ? response.uid : ''
    throw new Error(`expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(given)}`)
  }
  const { status = '', message = '' } = isObject(response.result) ? response.result : {}
  if (status !== 'Success') {
    throw new Error(typeof message === 'string' && message ? message : `response.result.status was '${status}', not 'Success'`)
  }
  return Array.isArray(response.convertedObjects) ? response.convertedObjects : []
}

/** A conversion may change no more of the metadata than labels and annotations. @throws Error */
function restored(original: JsonObject, converted: Json | undefined, apiVersion: string): JsonObject {
  if (!isObject(converted)) throw new Error('invalid object')
  if (converted.apiVersion !== apiVersion) {
    throw new Error(`invalid groupVersion (expected ${apiVersion}, received ${converted.apiVersion ?? ''})`)
  }
  if (converted.kind !== original.kind)
    throw new Error(`invalid kind (expected ${original.kind}, received ${converted.kind ?? ''})`)
  const metadata = converted.metadata
  if (metadata === undefined) throw new Error('missing metadata in converted object')
  if (!isObject(metadata)) throw new Error('invalid metadata in converted object')
  const before = isObject(original.metadata) ? original.metadata : {}
  for (const [field, told] of [
    ['name', 'name'],
    ['namespace', 'namespace'],
    ['uid', 'UID'],
  ] as const) {
    if ((metadata[field] ?? '') === (before[field] ?? '')) continue
    throw new Error(`must have the same ${told}: ${before[field] ?? ''} != ${metadata[field] ?? ''}`)
  }
  const { labels: _labels, annotations: _annotations, ...kept } = before
  const { labels, annotations } = metadata
  return {
    ...converted,
    metadata: { ...kept, ...(labels === undefined ? {} : { labels }), ...(annotations === undefined ? {} : { annotations }) },
  }
}
