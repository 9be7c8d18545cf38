import type { CoreV1Container, CoreV1Lifecycle, CoreV1LifecycleHandler, CoreV1Probe } from '../../generated/types.ts'
import { type FieldError, forbiddenField, invalid, required } from '../../machinery/field-errors.ts'
import { isHttpHeaderName, isValidPortNum } from '../../machinery/validation.ts'
import { checked, mustChoose, portOrName, present } from './pod-field-rules.ts'
import { notNegative } from './rules.ts'

type Handler = CoreV1LifecycleHandler & Pick<CoreV1Probe, 'grpc'>

/** What is run or asked; exactly one kind. `grace` is how long the pod has to end. */
function validateHandler(handler: Handler, path: string, grace: number | undefined): FieldError[] {
  const errors: FieldError[] = []
  let count = 0
  const add = (kind: string, found: () => FieldError[]): void => {
    if (count++) errors.push(forbiddenField(`${path}.${kind}`, 'may not specify more than 1 handler type'))
    else errors.push(...found())
  }
  const { exec, httpGet, tcpSocket, grpc, sleep } = handler
  if (exec) add('exec', () => (exec.command?.length ? [] : [required(`${path}.exec.command`)]))
  if (httpGet) {
    const at = `${path}.httpGet`
    add('httpGet', () => [
      ...present(`${at}.path`, httpGet.path),
      ...portOrName(`${at}.port`, httpGet.port),
      ...mustChoose(`${at}.scheme`, httpGet.scheme, ['HTTP', 'HTTPS']),
      ...(httpGet.httpHeaders ?? []).flatMap(({ name = '' }) => checked(`${at}.httpHeaders`, name, isHttpHeaderName)),
    ])
  }
  if (tcpSocket) add('tcpSocket', () => portOrName(`${path}.tcpSocket.port`, tcpSocket.port))
  if (grpc) {
    const port = grpc.port ?? 0
    add('grpc', () => isValidPortNum(port).map((message) => invalid(`${path}.grpc.port`, port, message)))
  }
  if (sleep) {
    const seconds = sleep.seconds ?? 0
    add('sleep', () => {
      if (grace === undefined || (seconds >= 0 && seconds <= grace)) return []
      const detail = `must be non-negative and less than terminationGracePeriodSeconds (${grace})`
      return [invalid(`${path}.sleep`, seconds, detail)]
    })
  }
  return count ? errors : [required(path, 'must specify a handler type')]
}

export function validateLifecycle(lifecycle: CoreV1Lifecycle | undefined, path: string, grace: number | undefined): FieldError[] {
  const { postStart, preStop } = lifecycle ?? {}
  return [
    ...(postStart ? validateHandler(postStart, `${path}.postStart`, grace) : []),
    ...(preStop ? validateHandler(preStop, `${path}.preStop`, grace) : []),
  ]
}

const NUMBERS = ['initialDelaySeconds', 'timeoutSeconds', 'periodSeconds', 'successThreshold', 'failureThreshold'] as const

export function validateProbes(container: CoreV1Container, path: string, grace: number | undefined): FieldError[] {
  return (['livenessProbe', 'readinessProbe', 'startupProbe'] as const).flatMap((kind) => {
    const probe = container[kind]
    if (!probe) return []
    const at = `${path}.${kind}`
    const errors = [...validateHandler(probe, at, grace), ...notNegative(probe, at, NUMBERS)]
    const { successThreshold, terminationGracePeriodSeconds: seconds } = probe
    const field = `${at}.terminationGracePeriodSeconds`
    if (seconds !== undefined && seconds <= 0) errors.push(invalid(field, seconds, 'must be greater than 0'))
    if (kind === 'readinessProbe') {
      if (seconds !== undefined) errors.push(invalid(field, seconds, 'must not be set for readinessProbes'))
    } else if (successThreshold !== 1) errors.push(invalid(`${at}.successThreshold`, successThreshold, 'must be 1'))
    return errors
  })
}
