import { humanDuration } from '../../machinery/duration.ts'
import { age, column } from '../../registry/columns.ts'
import { defineKind } from '../../registry/kind.ts'
import { completeConditionTimes, conditionsOf, keepConditions, type Request } from './conditions.ts'
import { validateRequest, validateRequestUpdate } from './validation.ts'

// The reference takes this text from an older version's documentation.
const SIGNER_NAME = `Requested signer for the request. It is a qualified name in the form: \`scope-hostname.io/name\`. If empty, it will be defaulted:
 1. If it's a kubelet client certificate, it is assigned
    "kubernetes.io/kube-apiserver-client-kubelet".
 2. If it's a kubelet serving certificate, it is assigned
    "kubernetes.io/kubelet-serving".
 3. Otherwise, it is assigned "kubernetes.io/legacy-unknown".
Distribution of trust for signers happens out of band. You can select on this field using \`spec.signerName\`.`

export const certificateSigningRequest = defineKind<Request>({
  group: 'certificates.k8s.io',
  version: 'v1',
  kind: 'CertificateSigningRequest',
  resource: 'certificatesigningrequests',
  shortNames: ['csr'],
  scope: 'Cluster',
  schema: 'io.k8s.api.certificates.v1.CertificateSigningRequest',
  // Any name at all that can stand in a path.
  names: 'pathSegment',
  prepareForCreate(object, context) {
    object.spec ??= {}
    const { name, uid, groups, extra } = context.user
    object.spec.username = name || undefined
    object.spec.uid = uid || undefined
    object.spec.groups = groups.length ? [...groups] : undefined
    const extras = Object.keys(extra).sort()
    object.spec.extra = extras.length ? Object.fromEntries(extras.map((key) => [key, [...(extra[key] ?? [])]])) : undefined
  },
  // A request says the same forever.
  prepareForUpdate(object, old) {
    object.spec = old.spec
  },
  validate: (object) => validateRequest(object),
  validateUpdate: (object, old) => validateRequestUpdate(object, old, 'object'),
  resetFields: {
    '': ['spec', 'status'],
    status: ['spec', 'status.conditions'],
    approval: ['spec', 'status.certificate'],
  },
  status: {
    prepare(object, old, context) {
      const conditions = [...conditionsOf(object)]
      keepConditions(conditions, old, 'Approved')
      keepConditions(conditions, old, 'Denied')
      if (object.status?.conditions) object.status.conditions = completeConditionTimes(conditions, old, context.now)
    },
    validate: (object, old) => validateRequestUpdate(object, old, 'status'),
  },
  subresources: [
    {
      name: 'approval',
      verbs: ['get', 'patch', 'update'],
      write(parent, incoming: Request, context) {
        const { conditions: _old, ...status } = parent.status ?? {}
        const conditions = completeConditionTimes(conditionsOf(incoming), parent, context.now)
        return {
          ...parent,
          metadata: incoming.metadata ?? {},
          status: { ...(conditions.length ? { conditions } : {}), ...status },
        }
      },
      validate: (object, old) => validateRequestUpdate(object, old, 'approval'),
    },
  ],
  columns: [
    age,
    column('SignerName', SIGNER_NAME, (object) => object.spec?.signerName || '<none>'),
    column('Requestor', 'Base64-encoded PKCS#10 CSR data', (object) => object.spec?.username ?? ''),
    column('RequestedDuration', '@io.k8s.api.certificates.v1.CertificateSigningRequestSpec.expirationSeconds', (object) => {
      const seconds = object.spec?.expirationSeconds
      return seconds === undefined ? '<none>' : humanDuration(seconds * 1000)
    }),
    column('Condition', 'Conditions applied to the request, such as approval or denial.', condition),
  ],
  fields: { 'spec.signerName': (object) => object.spec?.signerName ?? '' },
})

function condition(request: Request): string {
  const types = new Set(conditionsOf(request).map(({ type }) => type))
  const decision = types.has('Denied') ? 'Denied' : types.has('Approved') ? 'Approved' : 'Pending'
  return `${decision}${types.has('Failed') ? ',Failed' : ''}${request.status?.certificate ? ',Issued' : ''}`
}
