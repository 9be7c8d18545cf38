import type { AccessReviewer } from '../registry/access.ts'
import type { KindEnvironment, WriteContext } from '../registry/context.ts'

export interface WriteContextOptions extends Partial<Omit<WriteContext, 'env'>> {
  /** Feature gates that are on; all others are off. */
  features?: readonly string[]
  access?: Partial<AccessReviewer>
  env?: Partial<KindEnvironment>
}

/** 2026-01-02T03:04:05Z, the time of every context unless another is given. */
export const TEST_TIME = Date.UTC(2026, 0, 2, 3, 4, 5)

/** A context for calling a kind's hooks by themselves. What a hook uses beyond what was given fails with a TypeError. */
export function writeContext(options: WriteContextOptions = {}): WriteContext {
  const { features = [], access, env, ...rest } = options
  return {
    now: TEST_TIME,
    user: { name: 'alice', uid: 'u-1', groups: ['devs'], extra: {} },
    dryRun: false,
    apiVersion: 'v1',
    namespace: '',
    name: '',
    subresource: '',
    operation: 'create',
    warn: () => {},
    annotate: () => {},
    env: { settings: { feature: (name: string) => features.includes(name) }, access, ...env } as unknown as KindEnvironment,
    ...rest,
  }
}
