import { built } from './flag.ts'
import { duration, string, strings } from './flag-types.ts'

/** Every authorization mode, with whether it exists yet. */
export const authorizationModes: Readonly<Record<string, boolean>> = {
  AlwaysAllow: true,
  AlwaysDeny: true,
  ABAC: true,
  Webhook: true,
  RBAC: true,
  Node: true,
  Scope: false,
  SystemMasters: false,
  MinimumKubeletVersion: false,
}

export const authorization = {
  'authorization-config': built(
    string,
    '',
    'File that configures the authorizers. Excludes --authorization-mode and the --authorization-webhook-* flags.',
  ),
  'authorization-mode': built(
    strings,
    [],
    `Authorizers to ask, in order, comma-separated: ${Object.keys(authorizationModes).join(',')}. Left out: Node,RBAC, so that nothing is open by default.`,
  ),
  'authorization-policy-file': built(string, '', 'Policy of the mode ABAC: one JSON object a line.'),
  'authorization-webhook-cache-authorized-ttl': built(duration, 300_000, "How long the webhook's permissions are remembered."),
  'authorization-webhook-cache-unauthorized-ttl': built(duration, 30_000, "How long the webhook's refusals are remembered."),
  'authorization-webhook-config-file': built(string, '', 'Kubeconfig of the server that the mode Webhook asks.'),
  'authorization-webhook-version': built(
    string,
    'v1beta1',
    'API version of the SubjectAccessReview objects (authorization.k8s.io) for the webhook.',
  ),
}
