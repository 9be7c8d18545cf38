import { badRequest, internalError, StatusError } from '../machinery/status.ts'

/** By code: the reason of the Status, and what it says; where nothing is said, what the kubelet said. */
const ANSWERS: Readonly<Record<number, readonly [reason: string, message: string | undefined] | undefined>> = {
  401: ['Unauthorized', 'the server has asked for the client to provide credentials'],
  403: ['Forbidden', undefined],
  404: ['NotFound', 'the server could not find the requested resource'],
  405: ['MethodNotAllowed', 'the server does not allow this method on the requested resource'],
  406: ['NotAcceptable', undefined],
  409: ['Conflict', 'the server reported a conflict'],
  415: ['UnsupportedMediaType', undefined],
  422: ['Invalid', 'the server rejected our request due to an error in our request'],
  429: ['TooManyRequests', 'the server has received too many requests and has asked us to try again later'],
  503: ['ServiceUnavailable', 'the server is currently unable to handle the request'],
  504: ['Timeout', 'the server was unable to return a response in the time allotted, but may still be processing the request'],
}

/** What a client is told when a kubelet answers a request for a pod's log with an error. */
export function logRefusal(code: number, text: string, pod: string): StatusError {
  if (code === 500) return internalError(text)
  if (code === 400) return badRequest(text)
  const [reason, said] = ANSWERS[code] ?? [code >= 500 ? 'InternalError' : '', unexpected(code, text)]
  return new StatusError(code, reason, `${said ?? text} ( pods/log ${pod})`, { name: pod, kind: 'pods/log' })
}

const unexpected = (code: number, text: string): string =>
  code >= 500
    ? `an error on the server (${JSON.stringify(text)}) has prevented the request from succeeding`
    : `the server responded with the status code ${code} but did not return more information`
