import { timeout } from '../../machinery/status.ts'
import type { AdmissionAttributes } from '../plugin.ts'
import type { Hook } from './hooks.ts'
import { CallError, Denial, failedClosed } from './refusals.ts'
import type { WebhookDeps, WebhookType } from './stored-hooks.ts'

const PREFIX: Readonly<Record<WebhookType, string>> = {
  admit: 'failed-open.mutation.webhook.admission.k8s.io',
  validating: 'failed-open.validating.webhook.admission.k8s.io',
}

/**
 * Does what asks a webhook, and what follows from its failing.
 *
 * @param place `round_0_index_2`: which it is of those that are asked, for audit
 * @returns undefined when it failed and that is to be ignored
 * @throws (rejects) StatusError when the request is refused
 */
export async function withOutcome<T>(
  { metrics, onFailure }: Pick<WebhookDeps, 'metrics' | 'onFailure'>,
  { hook, type, attributes, place }: { hook: Hook; type: WebhookType; attributes: AdmissionAttributes; place: string },
  work: () => Promise<T>,
): Promise<T | undefined> {
  const started = performance.now()
  const called = (rejected: boolean, code: number, error?: Parameters<typeof metrics.called>[0]['error']): void => {
    const seconds = (performance.now() - started) / 1000
    metrics.called({
      name: hook.name,
      type,
      operation: attributes.operation,
      rejected,
      code,
      seconds,
      ...(error ? { error } : {}),
    })
  }
  try {
    const result = await work()
    called(false, 200)
    return result
  } catch (error) {
    if (!(error instanceof CallError)) {
      if (error instanceof Denial) called(true, error.code, 'no_error')
      else called(true, 0, 'apiserver_internal_error')
      throw error
    }
    called(!hook.ignoreFailures, 0, hook.ignoreFailures ? undefined : 'calling_webhook_error')
    if (attributes.request?.signal.aborted) throw timeout('request did not complete within requested timeout')
    onFailure(hook.name, error, hook.ignoreFailures)
    if (!hook.ignoreFailures) throw failedClosed(hook.name, error)
    metrics.failedOpen(hook.name, type)
    attributes.annotate(`${PREFIX[type]}/${place}`, hook.name)
    return undefined
  }
}
