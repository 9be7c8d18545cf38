import { built, unbuilt } from './flag.ts'
import { int, string, strings } from './flag-types.ts'

/**
 * Every admission plugin in the order in which they run, with whether it is on by default and whether it exists yet.
 */
export const admissionPlugins: ReadonlyMap<string, { readonly on: boolean; readonly built: boolean }> = plugins(`
  AlwaysAdmit off built
  NamespaceAutoProvision off
  NamespaceLifecycle on built
  NamespaceExists off built
  LimitPodHardAntiAffinityTopology off built
  LimitRanger on built
  ServiceAccount on built
  NodeRestriction off built
  TaintNodesByCondition on built
  AlwaysPullImages off built
  ImagePolicyWebhook off
  PodSecurity on built
  PodNodeSelector off
  Priority on built
  DefaultTolerationSeconds on built
  PodTolerationRestriction off
  EventRateLimit off
  ExtendedResourceToleration off built
  DefaultStorageClass on built
  StorageObjectInUseProtection on built
  PodGroupProtection on
  OwnerReferencesPermissionEnforcement off
  PersistentVolumeClaimResize on built
  RuntimeClass on built
  CertificateApproval on built
  CertificateSigning on built
  ClusterTrustBundleAttest on
  CertificateSubjectRestriction on built
  DefaultIngressClass on built
  DenyServiceExternalIPs off built
  PodTopologyLabels on
  PodGroupWorkloadExists on
  NodeDeclaredFeatureValidator on
  JobValidation on
  PodResizeValidator on
  MutatingAdmissionPolicy on built
  MutatingAdmissionWebhook on built
  ValidatingAdmissionPolicy on built
  ValidatingAdmissionWebhook on built
  ResourceQuota on built
  AlwaysDeny off built
`)

const all = [...admissionPlugins.keys()].sort().join(', ')
const onByDefault = [...admissionPlugins]
  .filter(([, plugin]) => plugin.on)
  .map(([name]) => name)
  .join(', ')

export const admission = {
  'admission-control': unbuilt(strings, [], `Admission plugins to run, comma-separated: ${all}. Their order says nothing.`, {
    deprecated: 'use --enable-admission-plugins and --disable-admission-plugins instead',
  }),
  'admission-control-config-file': built(string, '', 'File with the configurations of admission plugins.'),
  'default-not-ready-toleration-seconds': built(
    int,
    300,
    'Seconds for which a pod that says nothing of its own stays on a node that is not ready.',
  ),
  'default-unreachable-toleration-seconds': built(
    int,
    300,
    'Seconds for which a pod that says nothing of its own stays on a node that cannot be reached.',
  ),
  'disable-admission-plugins': built(
    strings,
    [],
    `Admission plugins to leave out of those that are on by default (${onByDefault}), comma-separated: ${all}. Their order says nothing.`,
  ),
  'enable-admission-plugins': built(
    strings,
    [],
    `Admission plugins to add to those that are on by default (${onByDefault}), comma-separated: ${all}. Their order says nothing.`,
  ),
}

/**
 * The admission plugins to run, in order. Those that are on by default but don't exist yet are left out.
 */
export const enabledAdmissionPlugins = (enable: readonly string[], disable: readonly string[]): string[] =>
  [...admissionPlugins]
    .filter(([name, plugin]) => plugin.built && (enable.includes(name) || (plugin.on && !disable.includes(name))))
    .map(([name]) => name)

function plugins(table: string): Map<string, { on: boolean; built: boolean }> {
  const rows = table.trim().split('\n')
  return new Map(
    rows.map((row) => {
      const [name, ...words] = row.trim().split(' ')
      return [name!, { on: words.includes('on'), built: words.includes('built') }]
    }),
  )
}
