import { X509Certificate } from 'node:crypto'
import {
  duplicate,
  type FieldError,
  forbiddenField,
  invalid,
  notSupported,
  required,
  tooLong,
} from '../../machinery/field-errors.ts'
import { isDns1123Label, isDns1123Subdomain } from '../../machinery/validation.ts'
import { type Request, validateConditionChanges, validateConditions } from './conditions.ts'

const LEGACY_SIGNER = 'kubernetes.io/legacy-unknown'
const MIN_SECONDS = 600

const USAGES = [
  'any',
  'cert sign',
  'client auth',
  'code signing',
  'content commitment',
  'crl sign',
  'data encipherment',
  'decipher only',
  'digital signature',
  'email protection',
  'encipher only',
  'ipsec end system',
  'ipsec tunnel',
  'ipsec user',
  'key agreement',
  'key encipherment',
  'microsoft sgc',
  'netscape sgc',
  'ocsp signing',
  's/mime',
  'server auth',
  'signing',
  'timestamping',
]

/** @param old on updates: what was stored may stay as it is, however wrong */
export function validateRequest(request: Request, old?: Request): FieldError[] {
  const spec = request.spec ?? {}
  return [
    ...validatePkcs10(spec.request),
    ...validateUsages(spec.usages ?? [], old?.spec?.usages),
    ...validateSigner(spec.signerName ?? '', old?.spec?.signerName),
    ...(spec.expirationSeconds !== undefined && spec.expirationSeconds < MIN_SECONDS
      ? [
          invalid(
            'spec.expirationSeconds',
            spec.expirationSeconds,
            'may not specify a duration less than 600 seconds (10 minutes)',
          ),
        ]
      : []),
    ...validateConditions(request, old),
    ...validateCertificate(request.status?.certificate, old?.status?.certificate),
  ]
}

/** What the status subresource, the approval subresource and the object itself may change. */
export function validateRequestUpdate(request: Request, old: Request, through: 'object' | 'status' | 'approval'): FieldError[] {
  const errors = [...validateRequest(request, old), ...validateConditionChanges(request, old, through === 'approval')]
  const issued = old.status?.certificate
  if (through === 'status' && issued && request.status?.certificate !== issued) {
    errors.push(forbiddenField('status.certificate', 'updates may not modify existing certificate content'))
  }
  return errors
}

/** The first PEM block of a text: what is between the lines that begin and end it. */
const PEM_BLOCK = /-----BEGIN ([^\n-]*)-----\r?\n([\s\S]*?)-----END \1-----/g

function validatePkcs10(request: string | undefined): FieldError[] {
  const text = Buffer.from(request ?? '', 'base64').toString('latin1')
  const [block] = text.matchAll(PEM_BLOCK)
  if (block?.[1] === 'CERTIFICATE REQUEST') return []
  return [invalid('spec.request', request, 'PEM block type must be CERTIFICATE REQUEST')]
}

function validateUsages(usages: readonly string[], old: readonly string[] | undefined): FieldError[] {
  if (!usages.length) return [required('spec.usages')]
  const errors: FieldError[] = []
  const mayBeUnknown = old?.some((usage) => !USAGES.includes(usage))
  const mayRepeat = old && new Set(old).size < old.length
  const seen = new Set<string>()
  for (const [i, usage] of usages.entries()) {
    if (!USAGES.includes(usage) && !mayBeUnknown) errors.push(notSupported(`spec.usages[${i}]`, usage, USAGES))
    if (seen.has(usage) && !mayRepeat) errors.push(duplicate(`spec.usages[${i}]`, usage))
    seen.add(usage)
  }
  return errors
}

function validateSigner(name: string, old: string | undefined): FieldError[] {
  const field = 'spec.signerName'
  if (name === LEGACY_SIGNER && old !== LEGACY_SIGNER) {
    return [invalid(field, name, 'the legacy signerName is not allowed via this API version')]
  }
  if (!name) return [required(field)]
  const parts = name.split('/')
  const [domain = '', path = ''] = parts
  if (parts.length !== 2) {
    return [invalid(field, name, "must be a fully qualified domain and path of the form 'example.com/signer-name'")]
  }
  const errors: FieldError[] = domain.length > 253 ? [tooLong(field, 253)] : []
  const labels = domain.split('.')
  for (const label of labels) {
    for (const message of isDns1123Label(label)) errors.push(invalid(field, domain, `validating label "${label}": ${message}`))
  }
  if (labels.length < 2) errors.push(invalid(field, domain, 'should be a domain with at least two segments separated by dots'))
  for (const label of path.split('.')) {
    for (const message of isDns1123Subdomain(label)) errors.push(invalid(field, path, `validating label "${label}": ${message}`))
  }
  return errors
}

function validateCertificate(certificate: string | undefined, old: string | undefined): FieldError[] {
  if (!certificate || (old && certificateFault(old))) return []
  const fault = certificateFault(certificate)
  return fault ? [invalid('status.certificate', '<certificate data>', fault)] : []
}

function certificateFault(certificate: string): string | undefined {
  const text = Buffer.from(certificate, 'base64').toString('latin1')
  let blocks = 0
  for (const [, type = '', content = ''] of text.matchAll(PEM_BLOCK)) {
    if (type !== 'CERTIFICATE') return `only CERTIFICATE PEM blocks are allowed, found "${type}"`
    if (content.includes(':')) return 'no PEM block headers are permitted'
    blocks++
    try {
      new X509Certificate(Buffer.from(content, 'base64'))
    } catch {
      return 'x509: malformed certificate'
    }
  }
  return blocks ? undefined : 'must contain at least one CERTIFICATE PEM block'
}
