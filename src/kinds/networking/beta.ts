import type { KubeObject } from '../../machinery/object.ts'
import type { ServedVersion } from '../../registry/kind.ts'

/** The beta version of a kind, which has the same fields. */
export function betaVersion<T extends KubeObject>(kind: string): ServedVersion<T> {
  return {
    group: 'networking.k8s.io',
    version: 'v1beta1',
    schema: `io.k8s.api.networking.v1beta1.${kind}`,
    toStorage: (object) => object as T,
    fromStorage: (object) => object,
  }
}
