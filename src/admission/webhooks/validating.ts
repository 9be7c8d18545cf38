import type { AdmissionAttributes, AdmissionPlugin } from '../plugin.ts'
import { RequestVariables } from '../policies/request.ts'
import type { Match } from '../policies/rules.ts'
import { callHook } from './call.ts'
import type { Hook } from './hooks.ts'
import { withOutcome } from './outcome.ts'
import { HookMatching, type PlacedHook, storedHooks, type WebhookDeps } from './stored-hooks.ts'

/**
 * Asks the webhooks of ValidatingWebhookConfigurations, all at once.
 * https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/
 */
export function validatingAdmissionWebhook(deps: WebhookDeps): AdmissionPlugin {
  const matching = new HookMatching(deps)
  const calls = { transport: deps.transport, show: deps.forms.show, uuid: deps.uuid }
  const dispatch = async (attributes: AdmissionAttributes, hooks: readonly PlacedHook[]): Promise<void> => {
    const request = new RequestVariables(attributes, deps.forms.show, deps.authorize)
    const asked: { hook: Hook; match: Match }[] = []
    for (const { hook } of hooks) {
      const match = await matching.match(hook, attributes, request)
      if (match) asked.push({ hook, match })
    }
    const refusals: unknown[] = []
    await Promise.all(
      asked.map(async ({ hook, match }, i) => {
        try {
          await withOutcome(deps, { hook, type: 'validating', attributes, place: `round_0_index_${i}` }, () =>
            callHook(calls, hook, attributes, match, false),
          )
        } catch (error) {
          refusals.push(error)
        }
      }),
    )
    // The one that refused first.
    if (refusals.length) throw refusals[0]
  }
  return {
    name: 'ValidatingAdmissionWebhook',
    operations: ['CREATE', 'UPDATE', 'DELETE', 'CONNECT'],
    validate: storedHooks(deps, 'validatingwebhookconfigurations', dispatch),
  }
}
