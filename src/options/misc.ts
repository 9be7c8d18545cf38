import { built, unbuilt } from './flag.ts'
import { bool, cidrs, duration, int, portRange, string, strings, uint } from './flag-types.ts'

const peers = 'Used by several servers of one cluster, with the feature UnknownVersionInteroperabilityProxy.'

export const endpointReconcilers = ['master-count', 'lease', 'none'] as const

export const misc = {
  'aggregator-reject-forwarding-redirect': built(bool, true, 'Do not pass redirects of aggregated servers on to the client.'),
  'allow-privileged': built(bool, false, 'Allow privileged containers.'),
  'apiserver-count': built(int, 1, 'Number of servers in the cluster, for the endpoint reconciler master-count.', {
    deprecated: 'the lease endpoint reconciler counts servers by itself',
    hidden: true,
  }),
  'coordinated-leadership-lease-duration': unbuilt(
    duration,
    15_000,
    'How long a lease of the coordinated leader election lasts.',
  ),
  'coordinated-leadership-renew-deadline': unbuilt(duration, 10_000, 'Time within which a leader must renew its lease.'),
  'coordinated-leadership-retry-period': unbuilt(duration, 2_000, 'Time between attempts to renew a lease.'),
  'enable-aggregator-routing': built(
    bool,
    false,
    'Reach webhooks and aggregated servers that are services by the addresses of their endpoints instead of the cluster IP.',
  ),
  'enable-logs-handler': unbuilt(bool, false, 'Serve log files under /logs.', { deprecated: 'serving log files is going away' }),
  'endpoint-reconciler-type': built(
    string,
    'lease',
    `Who keeps the endpoints of the kubernetes service: ${endpointReconcilers.join(', ')}. master-count is deprecated.`,
  ),
  'event-ttl': built(duration, 3_600_000, 'How long events are kept.'),
  'kubelet-certificate-authority': built(
    string,
    '',
    'Certificate authority to verify kubelets with. Left out: kubelets are not verified.',
  ),
  'kubelet-client-certificate': built(string, '', 'Client certificate for kubelets.'),
  'kubelet-client-key': built(string, '', 'Key of the client certificate for kubelets.'),
  'kubelet-port': built(uint, 10_250, 'Port of kubelets.', { deprecated: 'nodes say their port themselves', hidden: true }),
  'kubelet-preferred-address-types': built(
    strings,
    ['Hostname', 'InternalDNS', 'InternalIP', 'ExternalDNS', 'ExternalIP'],
    'Kinds of node addresses to reach kubelets by, best first.',
  ),
  'kubelet-read-only-port': unbuilt(uint, 10_255, 'Read-only port of kubelets.', {
    deprecated: 'the read-only port is not used',
    hidden: true,
  }),
  'kubelet-timeout': built(duration, 5_000, 'Not used: streams of containers last as long as they like.'),
  'kubernetes-service-node-port': built(
    int,
    0,
    'Node port of the kubernetes service, which is then of type NodePort; 0 for the type ClusterIP.',
  ),
  'max-connection-bytes-per-sec': unbuilt(int, 0, 'Bytes a second that a long-running request may transfer; 0 for no limit.'),
  'peer-advertise-ip': unbuilt(string, '', `Address under which other servers of the cluster reach this one. ${peers}`),
  'peer-advertise-port': unbuilt(string, '', `Port on which other servers of the cluster reach this one. ${peers}`),
  'peer-ca-file': unbuilt(string, '', `Certificate authorities to verify other servers of the cluster with. ${peers}`),
  'proxy-client-cert-file': built(
    string,
    '',
    'Client certificate with which the server calls aggregated servers. It should be of the authority in --requestheader-client-ca-file, which they find in the ConfigMap extension-apiserver-authentication in kube-system.',
  ),
  'proxy-client-key-file': built(string, '', 'Key of the --proxy-client-cert-file.'),
  'service-account-signing-endpoint': unbuilt(
    string,
    '',
    'Socket of a program that signs service account tokens. Excludes --service-account-signing-key-file and --service-account-key-file.',
  ),
  'service-account-signing-key-file': built(
    string,
    '',
    'Private key to sign service account tokens with. Left out: one that the server makes for itself.',
  ),
  'service-cluster-ip-range': built(
    cidrs,
    [],
    'Networks to take the cluster IPs of services from, in CIDR notation: one, or two of different families, comma-separated. They must not overlap with the networks of nodes or pods. Left out: 10.0.0.0/24.',
  ),
  'service-node-port-range': built(
    portRange,
    { base: 30_000, size: 2_768 },
    "Ports for services that are reachable on every node, both ends included, such as '30000-32767'. They must not overlap with the nodes' ephemeral ports.",
  ),
}
