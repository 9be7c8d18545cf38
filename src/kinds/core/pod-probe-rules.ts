import type {
  CoreV1Container,
  CoreV1HTTPGetAction,
  CoreV1Lifecycle,
  CoreV1LifecycleHandler,
  CoreV1Probe,
} from '../../generated/types.ts'
import { addMessages, type FieldError, forbiddenField, invalid, required } from '../../machinery/field-errors.ts'
import { isHttpHeaderName, isValidPortNum } from '../../machinery/validation.ts'
import { checkNeededChoice, checkPort, checkPresent, checkText } from './field-checks.ts'
import { checkNotNegative } from './rules.ts'

type Handler = CoreV1LifecycleHandler & Pick<CoreV1Probe, 'grpc'>

const SCHEMES = ['HTTP', 'HTTPS']
const HANDLERS = ['exec', 'httpGet', 'tcpSocket', 'grpc', 'sleep'] as const

/** What is run or asked; exactly one kind. `grace` is how long the pod has to end. */
function validateHandler(errors: FieldError[], handler: Handler, path: string, grace: number | undefined): void {
  let count = 0
  for (const kind of HANDLERS) {
    if (!handler[kind]) continue
    if (count++) errors.push(forbiddenField(`${path}.${kind}`, 'may not specify more than 1 handler type'))
    else validateOneHandler(errors, handler, path, grace)
  }
  if (!count) errors.push(required(path, 'must specify a handler type'))
}

/** The first kind of a handler. */
function validateOneHandler(
  errors: FieldError[],
  { exec, httpGet, tcpSocket, grpc, sleep }: Handler,
  path: string,
  grace: number | undefined,
): void {
  if (exec) {
    if (!exec.command?.length) errors.push(required(`${path}.exec.command`))
  } else if (httpGet) validateHttpGet(errors, httpGet, path)
  else if (tcpSocket) checkPort(errors, path, 'tcpSocket.port', tcpSocket.port)
  else if (grpc) addMessages(errors, `${path}.grpc.port`, grpc.port ?? 0, isValidPortNum(grpc.port ?? 0))
  else if (sleep) {
    const seconds = sleep.seconds ?? 0
    if (grace === undefined || (seconds >= 0 && seconds <= grace)) return
    const detail = `must be non-negative and less than terminationGracePeriodSeconds (${grace})`
    errors.push(invalid(`${path}.sleep`, seconds, detail))
  }
}

function validateHttpGet(errors: FieldError[], { path, port, scheme, httpHeaders }: CoreV1HTTPGetAction, at: string): void {
  checkPresent(errors, at, 'httpGet.path', path)
  checkPort(errors, at, 'httpGet.port', port)
  checkNeededChoice(errors, at, 'httpGet.scheme', scheme, SCHEMES)
  if (!httpHeaders) return
  for (const { name = '' } of httpHeaders) {
    checkText(errors, at, 'httpGet.httpHeaders', name, isHttpHeaderName)
  }
}

export function validateLifecycle(
  errors: FieldError[],
  lifecycle: CoreV1Lifecycle | undefined,
  path: string,
  grace: number | undefined,
): void {
  if (lifecycle?.postStart) validateHandler(errors, lifecycle.postStart, `${path}.postStart`, grace)
  if (lifecycle?.preStop) validateHandler(errors, lifecycle.preStop, `${path}.preStop`, grace)
}

const NUMBERS = ['initialDelaySeconds', 'timeoutSeconds', 'periodSeconds', 'successThreshold', 'failureThreshold'] as const
const PROBES = ['livenessProbe', 'readinessProbe', 'startupProbe'] as const

export function validateProbes(errors: FieldError[], container: CoreV1Container, path: string, grace: number | undefined): void {
  for (const kind of PROBES) {
    const probe = container[kind]
    if (!probe) continue
    const at = `${path}.${kind}`
    validateHandler(errors, probe, at, grace)
    checkNotNegative(errors, probe, at, NUMBERS)
    const { successThreshold, terminationGracePeriodSeconds: seconds } = probe
    if (seconds !== undefined && seconds <= 0) {
      errors.push(invalid(`${at}.terminationGracePeriodSeconds`, seconds, 'must be greater than 0'))
    }
    if (kind === 'readinessProbe') {
      if (seconds === undefined) continue
      errors.push(invalid(`${at}.terminationGracePeriodSeconds`, seconds, 'must not be set for readinessProbes'))
    } else if (successThreshold !== 1) errors.push(invalid(`${at}.successThreshold`, successThreshold, 'must be 1'))
  }
}
