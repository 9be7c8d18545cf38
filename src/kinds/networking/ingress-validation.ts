import type {
  NetworkingV1HTTPIngressPath,
  NetworkingV1Ingress,
  NetworkingV1IngressBackend,
  NetworkingV1IngressRule,
  NetworkingV1IngressTLS,
} from '../../generated/types.ts'
import { type FieldError, invalid, notSupported, required } from '../../machinery/field-errors.ts'
import {
  isDns1123Label,
  isDns1123Subdomain,
  isValidPortName,
  isValidPortNum,
  isWildcardDns1123Subdomain,
} from '../../machinery/validation.ts'
import { familyOf, ipErrors } from '../addresses.ts'
import { referenceErrors } from './reference.ts'

export const CLASS_ANNOTATION = 'kubernetes.io/ingress.class'

const PATH_TYPES = ['Exact', 'ImplementationSpecific', 'Prefix']
const BAD_SEQUENCES = ['//', '/./', '/../', '%2f', '%2F']
const BAD_ENDINGS = ['/..', '/.']

/** The class may be named by the field or, as of old, by an annotation: a new object must not say both. */
export function validateIngressCreate(ingress: NetworkingV1Ingress): FieldError[] {
  const annotation = ingress.metadata?.annotations?.[CLASS_ANNOTATION]
  const name = ingress.spec?.ingressClassName
  const differ = annotation !== undefined && name !== undefined && annotation !== name
  const detail = 'must match `ingressClassName` when both are specified'
  return [...validateIngress(ingress), ...(differ ? [invalid(`annotations.${CLASS_ANNOTATION}`, annotation, detail)] : [])]
}

export function validateIngress(ingress: NetworkingV1Ingress): FieldError[] {
  const { rules = [], defaultBackend, tls = [], ingressClassName } = ingress.spec ?? {}
  const errors: FieldError[] = []
  if (!rules.length && !defaultBackend) {
    errors.push(invalid('spec', ingress.spec?.rules ?? null, 'either `defaultBackend` or `rules` must be specified'))
  }
  if (defaultBackend) errors.push(...backendErrors('spec.defaultBackend', defaultBackend))
  errors.push(...rules.flatMap((rule, i) => ruleErrors(`spec.rules[${i}]`, rule)))
  errors.push(...tls.flatMap((entry, i) => tlsErrors(`spec.tls[${i}]`, entry)))
  if (ingressClassName !== undefined) {
    const messages = isDns1123Subdomain(ingressClassName)
    errors.push(...messages.map((message) => invalid('spec.ingressClassName', ingressClassName, message)))
  }
  return errors
}

function hostErrors(field: string, host: string): FieldError[] {
  const messages = host.includes('*') ? isWildcardDns1123Subdomain(host) : isDns1123Subdomain(host)
  return messages.map((message) => invalid(field, host, message))
}

function ruleErrors(field: string, { host, http }: NetworkingV1IngressRule): FieldError[] {
  const errors: FieldError[] = []
  if (host) {
    if (familyOf(host)) errors.push(invalid(`${field}.host`, host, 'must be a DNS name, not an IP address'))
    errors.push(...hostErrors(`${field}.host`, host))
  }
  if (!http) return errors
  if (!http.paths?.length) errors.push(required(`${field}.http.paths`))
  return [...errors, ...(http.paths ?? []).flatMap((path, i) => pathErrors(`${field}.http.paths[${i}]`, path))]
}

function pathErrors(field: string, { path = '', pathType, backend = {} }: NetworkingV1HTTPIngressPath): FieldError[] {
  if (pathType === undefined) return [required(`${field}.pathType`, 'pathType must be specified')]
  const errors: FieldError[] = []
  const wrong = (detail: string): void => {
    errors.push(invalid(`${field}.path`, path, detail))
  }
  const absolute = path.startsWith('/')
  if (pathType === 'Exact' || pathType === 'Prefix') {
    if (!absolute) wrong('must be an absolute path')
    for (const sequence of BAD_SEQUENCES) if (path.includes(sequence)) wrong(`must not contain '${sequence}'`)
    for (const ending of BAD_ENDINGS) if (path.endsWith(ending)) wrong(`cannot end with '${ending}'`)
  } else if (pathType === 'ImplementationSpecific') {
    if (path !== '' && !absolute) wrong('must be an absolute path')
  } else errors.push(notSupported(`${field}.pathType`, pathType, PATH_TYPES))
  return [...errors, ...backendErrors(`${field}.backend`, backend)]
}

function backendErrors(field: string, { resource, service }: NetworkingV1IngressBackend): FieldError[] {
  if (resource && service) return [invalid(field, '', 'cannot set both resource and service backends')]
  if (resource) return referenceErrors(`${field}.resource`, resource)
  if (!service) return [invalid(field, '', 'resource or service backend is required')]
  const { name = '', port: { name: portName = '', number = 0 } = {} } = service
  const errors: FieldError[] = []
  if (name === '') errors.push(required(`${field}.service.name`))
  else errors.push(...isDns1123Label(name).map((message) => invalid(`${field}.service.name`, name, message)))
  if (portName && number) errors.push(invalid(field, '', 'cannot set both port name & port number'))
  else if (portName) {
    errors.push(...isValidPortName(portName).map((message) => invalid(`${field}.service.port.name`, portName, message)))
  } else if (number) {
    errors.push(...isValidPortNum(number).map((message) => invalid(`${field}.service.port.number`, number, message)))
  } else errors.push(required(field, 'port name or number is required'))
  return errors
}

function tlsErrors(field: string, { hosts = [], secretName }: NetworkingV1IngressTLS): FieldError[] {
  const errors = hosts.flatMap((host, i) => hostErrors(`${field}.hosts[${i}]`, host))
  if (!secretName) return errors
  return [...errors, ...isDns1123Subdomain(secretName).map((message) => invalid(`${field}.secretName`, secretName, message))]
}

/** What controllers report. */
export function validateIngressStatus(ingress: NetworkingV1Ingress, old: NetworkingV1Ingress): FieldError[] {
  const before = (old.status?.loadBalancer?.ingress ?? []).map(({ ip = '' }) => ip)
  return (ingress.status?.loadBalancer?.ingress ?? []).flatMap(({ ip, hostname }, i) => {
    const field = `status.loadBalancer.ingress[${i}]`
    const errors = ip ? ipErrors(`${field}.ip`, ip, before) : []
    if (hostname) {
      errors.push(...isDns1123Subdomain(hostname).map((message) => invalid(`${field}.hostname`, hostname, message)))
      if (familyOf(hostname)) errors.push(invalid(`${field}.hostname`, hostname, 'must be a DNS name, not an IP address'))
    }
    return errors
  })
}
