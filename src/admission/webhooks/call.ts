import type { AdmissionregistrationV1WebhookClientConfig } from '../../generated/types.ts'
import type { JsonObject } from '../../machinery/json.ts'
import type { KubeObject } from '../../machinery/object.ts'
import type { Show } from '../forms.ts'
import type { AdmissionAttributes } from '../plugin.ts'
import type { Match } from '../policies/rules.ts'
import type { Hook } from './hooks.ts'
import { answerError, type HttpAnswer } from './http-answer.ts'
import { CallError, deniedBy, noDryRun } from './refusals.ts'
import { InvalidAnswer, type ReviewAnswer, readAnswer, reviewBody } from './review.ts'

/** Sends reviews to webhooks. */
export interface WebhookTransport {
  /**
   * @param signal ends it before its time
   * @throws Error (rejects) when there is no answer, with what the reference would say of it
   */
  post(
    target: AdmissionregistrationV1WebhookClientConfig,
    body: string,
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ): Promise<HttpAnswer>
}

export interface CallDeps {
  readonly transport: WebhookTransport
  readonly show: Show
  readonly uuid: () => string
}

/**
 * Asks a webhook about a request, in the names under which its rules know it.
 *
 * @returns its answer, which allows the request; warnings and annotations are passed on already
 * @throws (rejects) CallError when it didn't answer, StatusError when it refuses
 */
export async function callHook(
  deps: CallDeps,
  hook: Hook,
  attributes: AdmissionAttributes,
  match: Match,
  mutating: boolean,
): Promise<ReviewAnswer> {
  if (attributes.dryRun && !hook.dryRun) throw noDryRun(hook.name)
  const answer = await ask(deps, hook, attributes, match, mutating)
  for (const [key, value] of Object.entries(answer.annotations)) attributes.annotate(`${hook.name}/${key}`, value)
  for (const warning of answer.warnings) attributes.warn(warning)
  if (!answer.allowed) throw deniedBy(hook.name, answer.status)
  return answer
}

async function ask(
  { transport, show, uuid }: CallDeps,
  hook: Hook,
  attributes: AdmissionAttributes,
  match: Match,
  mutating: boolean,
): Promise<ReviewAnswer> {
  const { version } = hook
  if (!version) {
    throw new CallError(
      'could not create admission objects: webhook does not accept known AdmissionReview versions (v1, v1beta1)',
    )
  }
  const uid = uuid()
  const shown = (object: KubeObject): JsonObject | Promise<JsonObject> => show(object, attributes, match.kind)
  const { object, oldObject } = attributes
  const body = reviewBody(attributes, match, {
    uid,
    version,
    ...(object ? { object: await shown(object) } : {}),
    ...(oldObject ? { oldObject: await shown(oldObject) } : {}),
  })
  try {
    const answer = await transport.post(hook.client, body, hook.timeoutMs, attributes.request?.signal)
    const error = answerError(answer)
    if (error !== undefined) throw new Error(error)
    return readAnswer(answer.body, uid, version, mutating)
  } catch (error) {
    const what = error instanceof InvalidAnswer ? 'received invalid webhook response' : 'failed to call webhook'
    throw new CallError(`${what}: ${(error as Error).message}`)
  }
}
