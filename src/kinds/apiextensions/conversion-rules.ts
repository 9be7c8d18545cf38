import { X509Certificate } from 'node:crypto'
import type {
  ApiextensionsV1CustomResourceConversion,
  ApiextensionsV1CustomResourceDefinition,
  ApiextensionsV1CustomResourceDefinitionSpec,
} from '../../generated/types.ts'
import { type FieldError, forbiddenField, invalid, notSupported, required } from '../../machinery/field-errors.ts'
import { knowsReviewVersion, reviewVersionErrors, webhookClientErrors } from '../webhook-client-rules.ts'
import type { Strictness } from './schema-strictness.ts'

const STRATEGIES = ['None', 'Webhook']
const PATH = 'spec.conversion'

/** How objects are converted between versions. Field names are those of the reference's internal type. */
export function conversionErrors(spec: ApiextensionsV1CustomResourceDefinitionSpec, rules: Strictness): FieldError[] {
  const { conversion } = spec
  if (!conversion) return []
  const { strategy = '', webhook } = conversion
  const errors: FieldError[] = []
  if (strategy !== 'None' && spec.preserveUnknownFields) {
    errors.push(invalid(`${PATH}.strategy`, strategy, 'must be None if spec.preserveUnknownFields is true'))
  }
  if (strategy === '') errors.push(required(`${PATH}.strategy`))
  else if (!STRATEGIES.includes(strategy)) errors.push(notSupported(`${PATH}.strategy`, strategy, STRATEGIES))
  const client = webhook?.clientConfig
  const versions = webhook?.conversionReviewVersions
  const clientField = `${PATH}.webhookClientConfig`
  const versionsField = `${PATH}.conversionReviewVersions`
  if (strategy !== 'Webhook') {
    const detail = 'should not be set when strategy is not set to Webhook'
    if (client) errors.push(forbiddenField(clientField, detail))
    if (versions?.length) errors.push(forbiddenField(versionsField, detail))
    return errors
  }
  if (!client) errors.push(required(clientField, 'required when strategy is set to Webhook'))
  else {
    errors.push(...webhookClientErrors(clientField, client))
    if (client.caBundle && !rules.badCaBundle) errors.push(...caBundleErrors(`${clientField}.caBundle`, client.caBundle))
  }
  return [...errors, ...reviewVersionErrors(versionsField, versions, '', rules.knownReviews)]
}

/** Whether a definition whose versions of reviews were all unknown may stay so. */
export function requiresKnownReviews(old: ApiextensionsV1CustomResourceConversion | undefined): boolean {
  const versions = old?.webhook?.conversionReviewVersions ?? []
  return versions.length === 0 || knowsReviewVersion(versions)
}

/** A bundle that can't be read is only refused once the definition is in use, unless it couldn't be read before. */
export function mayHaveBadCaBundle(old: ApiextensionsV1CustomResourceDefinition): boolean {
  const established = old.status?.conditions?.some(({ type, status }) => type === 'Established' && status === 'True')
  if (!established) return true
  const bundle = old.spec?.conversion?.webhook?.clientConfig?.caBundle
  return bundle ? caBundleErrors('', bundle).length > 0 : false
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g

/** @param bundle in base64 */
function caBundleErrors(field: string, bundle: string): FieldError[] {
  const text = Buffer.from(bundle, 'base64').toString('latin1')
  const blocks = text.match(CERTIFICATE) ?? []
  const unable = (detail: string): FieldError[] => [invalid(field, bundle, `unable to load root certificates: ${detail}`)]
  if (!blocks.length) return unable('unable to parse bytes as PEM block')
  try {
    for (const block of blocks) new X509Certificate(block)
    return []
  } catch {
    return unable('x509: malformed certificate')
  }
}
