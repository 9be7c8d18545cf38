import type { NetworkingV1Ingress } from '../generated/types.ts'
import { defaultableBy, defaultClass } from './default-class.ts'
import { type ObjectReader, then } from './objects.ts'
import type { AdmissionPlugin } from './plugin.ts'
import { isFor } from './refusal.ts'

const GROUP = 'networking.k8s.io'
/** How ingresses named their class before there was a field for it. */
const CLASS_ANNOTATION = 'kubernetes.io/ingress.class'

/**
 * Ingresses that name no class get the default one.
 * https://kubernetes.io/docs/concepts/services-networking/ingress/#default-ingress-class
 */
export function defaultIngressClass(objects: ObjectReader): AdmissionPlugin {
  const isDefault = defaultableBy(['ingressclass.kubernetes.io/is-default-class'])
  const classes = objects.facts({ group: GROUP, resource: 'ingressclasses' }, isDefault)
  return {
    name: 'DefaultIngressClass',
    operations: ['CREATE'],
    admit(attributes) {
      if (!isFor(attributes, 'ingresses', GROUP)) return
      const ingress = attributes.object as NetworkingV1Ingress
      const named = ingress.spec?.ingressClassName ?? ingress.metadata?.annotations?.[CLASS_ANNOTATION]
      if (named !== undefined) return
      return then(classes.all(), (all) => {
        const name = defaultClass(all)
        if (name !== undefined) (ingress.spec ??= {}).ingressClassName = name
      })
    },
  }
}
