import { randomInt } from 'node:crypto'
import { featureEnabled } from '../options/feature-gates.ts'
import type { Options } from '../options/table.ts'
import { NodePorts } from '../registry/allocators/port-allocator.ts'
import { StoredServiceAddresses } from '../registry/allocators/service-addresses.ts'
import { componentHealth } from '../registry/bootstrap/component-health.ts'
import type { KindEnvironment } from '../registry/context.ts'
import type { Registry } from '../registry/registry.ts'
import { accessReviewer } from './access.ts'
import type { Authentication } from './authentication.ts'
import type { Authorization } from './authorization.ts'
import { expressionChecks } from './expressions.ts'
import type { Stores } from './store.ts'

/** An integer in [0, max). */
export const randomBelow = (max: number): number =>
  max <= 1 ? 0 : max < 2 ** 31 ? Math.floor(Math.random() * max) : randomInt(max)

/** What kinds may ask of the server around them. */
export function environment(
  options: Options,
  registry: Registry,
  access: Authorization,
  { reviews, tokens }: Authentication,
  stores: Stores,
): KindEnvironment {
  const ranges = options.serviceClusterIpRange
  return {
    settings: {
      allowPrivileged: options.allowPrivileged,
      serviceClusterIpRanges: ranges,
      feature: (name) => featureEnabled(options.featureGates, name),
      defaultNotReadyTolerationSeconds: options.defaultNotReadyTolerationSeconds,
      defaultUnreachableTolerationSeconds: options.defaultUnreachableTolerationSeconds,
      eventTtlSeconds: Math.round(options.eventTtl / 1000),
    },
    serviceAddresses: new StoredServiceAddresses({
      ranges,
      objects: (resource, group) => registry.objects(resource, group),
      random: randomBelow,
    }),
    nodePorts: new NodePorts({ range: options.serviceNodePortRange, random: randomBelow }),
    access: accessReviewer(access.authorizer, access.policy, reviews),
    tokens,
    expressions: expressionChecks,
    componentHealth: () =>
      componentHealth(() =>
        stores.ping().then(
          () => undefined,
          (error: Error) => error.message,
        ),
      ),
    resourceOf: (kind) => registry.resourceOf(kind)?.resource.kind.resource,
    objects: (resource, group) => registry.objects(resource, group),
  }
}
