import type { CoreV1Pod, CoreV1Toleration } from '../generated/types.ts'
import type { AdmissionPlugin } from './plugin.ts'
import { isFor } from './refusal.ts'

const NOT_READY = 'node.kubernetes.io/not-ready'
const UNREACHABLE = 'node.kubernetes.io/unreachable'
const NO_EXECUTE = 'NoExecute'

/**
 * Pods that don't say themselves how long they stay on a node that is not ready or out of reach stay a while.
 * https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#defaulttolerationseconds
 * @param seconds how long
 */
export function defaultTolerationSeconds(seconds: { notReady: number; unreachable: number }): AdmissionPlugin {
  const defaults = [toleration(NOT_READY, seconds.notReady), toleration(UNREACHABLE, seconds.unreachable)]
  return {
    name: 'DefaultTolerationSeconds',
    operations: ['CREATE', 'UPDATE'],
    admit(attributes) {
      if (!isFor(attributes, 'pods')) return
      const pod = attributes.object as CoreV1Pod
      const spec = (pod.spec ??= {})
      const given = spec.tolerations ?? []
      const missing = defaults.filter(({ key }) => !tolerates(given, key))
      if (missing.length) spec.tolerations = [...given, ...missing.map((each) => ({ ...each }))]
    },
  }
}

function tolerates(tolerations: readonly CoreV1Toleration[], taint: string): boolean {
  return tolerations.some(({ key, effect }) => (!key || key === taint) && (!effect || effect === NO_EXECUTE))
}

const toleration = (key: string, tolerationSeconds: number) => ({
  key,
  operator: 'Exists',
  effect: NO_EXECUTE,
  tolerationSeconds,
})
