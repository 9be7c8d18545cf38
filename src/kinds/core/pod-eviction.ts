import type { CoreV1Pod, PolicyV1Eviction, PolicyV1PodDisruptionBudget } from '../../generated/types.ts'
import type { JsonObject } from '../../machinery/json.ts'
import { type LabelSelectorObject, labelSelectorFromObject } from '../../machinery/label-selector.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { badRequest, notFound, StatusError } from '../../machinery/status.ts'
import { formatTime } from '../../machinery/time.ts'
import type { WriteContext } from '../../registry/context.ts'
import type { Subresource } from '../../registry/kind.ts'

type Budget = PolicyV1PodDisruptionBudget
type Options = NonNullable<PolicyV1Eviction['deleteOptions']>

/** More evictions than this that no controller has taken note of are too many. */
const MAX_DISRUPTED_PODS = 2000
const TRIES = 20

const PODS = { group: '', resource: 'pods' }

/**
 * Deletes a pod unless its disruption budget is used up.
 * https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/
 */
export const podEviction: Subresource<CoreV1Pod> = {
  name: 'eviction',
  kind: { group: 'policy', version: 'v1', kind: 'Eviction', schema: 'io.k8s.api.policy.v1.Eviction' },
  verbs: ['create'],
  create: evict,
}

async function evict(name: string, body: KubeObject, context: WriteContext): Promise<{ code: number; body: JsonObject }> {
  const eviction = body as PolicyV1Eviction
  if (eviction.metadata?.name !== name) throw badRequest('name in URL does not match name in Eviction object')
  const options = eviction.deleteOptions ?? {}
  const dryRun = context.dryRun || Boolean(options.dryRun?.length)
  const deletePod = (more: Options = {}): Promise<KubeObject> =>
    context.env.objects('pods').delete(context.namespace, name, {
      dryRun,
      deleteOptions: { ...options, ...more, ...(dryRun ? { dryRun: ['All'] } : {}) } as JsonObject,
    })
  // Without a version of the caller's, the pod may change while we look at it: then look again.
  const pinned = options.preconditions?.resourceVersion !== undefined
  for (let tries = 1; ; tries++) {
    const pod = (await context.env.objects('pods').get(context.namespace, name)) as CoreV1Pod | undefined
    if (!pod) throw notFound(PODS, name)
    const sameVersion = { preconditions: { ...options.preconditions, resourceVersion: pod.metadata?.resourceVersion } }
    if (needsNoBudget(pod)) {
      try {
        await deletePod(pinned || isOver(pod) ? {} : (sameVersion as Options))
        return SUCCESS
      } catch (error) {
        if (pinned || tries >= TRIES || !isConflict(error)) throw error
        continue
      }
    }
    const budget = await budgetOf(pod, context)
    if (budget === 'several') return { code: 500, body: SEVERAL_BUDGETS }
    const free = !budget || mayIgnore(budget, pod)
    if (budget && !free) await takeFrom(budget, name, dryRun, context)
    try {
      await deletePod(budget && free && !pinned ? (sameVersion as Options) : {})
    } catch (error) {
      if (budget && free && !pinned && isConflict(error)) throw beingProcessed(budget.metadata?.name ?? '')
      throw error
    }
    return SUCCESS
  }
}

const SUCCESS = {
  code: 201,
  body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 } as JsonObject,
}

const SEVERAL_BUDGETS: JsonObject = {
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Failure',
  message: 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
  code: 500,
}

const isConflict = (error: unknown): boolean => error instanceof StatusError && error.reason === 'Conflict'

const isOver = ({ metadata, status }: CoreV1Pod): boolean =>
  status?.phase === 'Succeeded' || status?.phase === 'Failed' || Boolean(metadata?.deletionTimestamp)

/** A pod that doesn't run, or not any more, is no disruption. */
const needsNoBudget = (pod: CoreV1Pod): boolean => isOver(pod) || pod.status?.phase === 'Pending'

const isReady = (pod: CoreV1Pod): boolean =>
  pod.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') ?? false

/** A pod that isn't ready can go when its budget says so, or when enough others are well (KEP-3017). */
function mayIgnore({ spec, status = {} }: Budget, pod: CoreV1Pod): boolean {
  if (isReady(pod)) return false
  if (spec?.unhealthyPodEvictionPolicy === 'AlwaysAllow') return true
  const { currentHealthy = 0, desiredHealthy = 0 } = status
  return currentHealthy >= desiredHealthy && desiredHealthy > 0
}

async function budgetOf(pod: CoreV1Pod, context: WriteContext): Promise<Budget | undefined | 'several'> {
  const budgets = (await context.env.objects('poddisruptionbudgets', 'policy').list(context.namespace)) as Budget[]
  const matching = budgets.filter((budget) => selects(budget, pod))
  return matching.length > 1 ? 'several' : matching[0]
}

function selects({ spec }: Budget, pod: CoreV1Pod): boolean {
  try {
    return labelSelectorFromObject(spec?.selector as LabelSelectorObject | undefined).matches(pod.metadata?.labels)
  } catch {
    return false
  }
}

/** Takes one disruption from the budget, or refuses. */
async function takeFrom(budget: Budget, podName: string, dryRun: boolean, context: WriteContext): Promise<void> {
  if (dryRun) {
    checkBudget(budget)
    return
  }
  await context.env.objects('poddisruptionbudgets', 'policy').update(
    context.namespace,
    budget.metadata?.name ?? '',
    (current) => {
      const now = current as Budget
      checkBudget(now)
      const status = (now.status ??= {})
      status.disruptionsAllowed = (status.disruptionsAllowed ?? 0) - 1
      status.disruptedPods = sortedPods({ ...status.disruptedPods, [podName]: formatTime(context.now) })
      if (status.disruptionsAllowed === 0) noneLeft(now, context.now)
      return now
    },
    { subresource: 'status' },
  )
}

const sortedPods = (pods: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(pods).sort(([a], [b]) => (a < b ? -1 : 1)))

/** Says so in the budget's condition. */
function noneLeft({ metadata, status = {} }: Budget, now: number): void {
  const conditions = (status.conditions ??= [])
  const index = conditions.findIndex((c) => c.type === 'DisruptionAllowed')
  const known = conditions[index]
  const condition = {
    type: 'DisruptionAllowed',
    status: 'False',
    observedGeneration: status.observedGeneration ?? metadata?.generation,
    lastTransitionTime: known?.status === 'False' ? known.lastTransitionTime : formatTime(now),
    reason: 'InsufficientPods',
    message: '',
  }
  if (known) conditions[index] = condition
  else conditions.push(condition)
}

/** @throws StatusError 429 when there is nothing to take, 403 when the budget's status makes no sense */
function checkBudget({ metadata, status = {} }: Budget): void {
  const name = metadata?.name ?? ''
  const allowed = status.disruptionsAllowed ?? 0
  if ((status.observedGeneration ?? 0) < (metadata?.generation ?? 0)) throw beingProcessed(name)
  if (allowed < 0) throw senseless(name, 'pdb disruptions allowed is negative')
  if (Object.keys(status.disruptedPods ?? {}).length > MAX_DISRUPTED_PODS) {
    throw senseless(name, 'DisruptedPods map too big - too many evictions not confirmed by PDB controller')
  }
  if (allowed === 0) throw exhausted(whyNot(name, status), 0)
}

function whyNot(name: string, status: NonNullable<Budget['status']>): string {
  const { currentHealthy = 0, desiredHealthy = 0 } = status
  const problem = status.conditions?.find((c) => c.type === 'DisruptionAllowed' && c.status === 'False' && c.message)
  const refusal = `The disruption budget ${name} does not allow evicting pods currently`
  if (problem?.reason === 'SyncFailed') return `${refusal} because it failed sync: ${problem.message}`
  if (currentHealthy <= desiredHealthy) {
    return `The disruption budget ${name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`
  }
  return problem ? `${refusal} (${problem.reason}): ${problem.message}` : refusal
}

const RETRY_SECONDS = 10

const beingProcessed = (name: string): StatusError =>
  exhausted(`The disruption budget ${name} is still being processed by the server.`, RETRY_SECONDS)

function exhausted(cause: string, retryAfterSeconds: number): StatusError {
  const causes = [{ reason: 'DisruptionBudget', message: cause }]
  return new StatusError(
    429,
    'TooManyRequests',
    "Cannot evict pod as it would violate the pod's disruption budget.",
    retryAfterSeconds ? { causes, retryAfterSeconds } : { causes },
    retryAfterSeconds ? { 'retry-after': String(retryAfterSeconds) } : undefined,
  )
}

function senseless(name: string, cause: string): StatusError {
  return new StatusError(403, 'Forbidden', `poddisruptionbudget.policy "${name}" is forbidden: ${cause}`, {
    name,
    group: 'policy',
    kind: 'poddisruptionbudget',
  })
}
