import type { FlagType } from './flag.ts'
import { parseBool } from './go-values.ts'

export interface FeatureGate {
  readonly stage: 'ALPHA' | 'BETA'
  readonly default: boolean
}

const on = names(`
  APIResponseCompression APIServerIdentity AllowParsingUserUIDFromCertAuth AtomicFIFO
  AuthorizePodWebsocketUpgradeCreatePermission CPUManagerPolicyBetaOptions CRDObservedGenerationTracking
  ClearingNominatedNodeNameAfterBinding ClientsAllowCARotation ClientsAllowTLSCacheGC ComponentFlagz ComponentStatusz
  ConstrainedImpersonation ContainerCheckpoint ContainerRestartRules ContextualLogging DRAConsumableCapacity
  DRADeviceBindingConditions DRADeviceTaints DRAExtendedResource DRAPartitionableDevices DRAResourceClaimDeviceStatus
  DRAResourceClaimGranularStatusAuthorization DRASchedulerFilterTimeout DeclarativeValidationBeta
  DeploymentReplicaSetTerminatingReplicas DetectCacheInconsistency EnvFiles ExtendWebSocketsToKubelet
  GracefulNodeShutdown GracefulNodeShutdownBasedOnPodPriority HPAConfigurableTolerance HostnameOverride
  InOrderInformersBatchProcess InPlacePodLevelResourcesVerticalScaling InPlacePodVerticalScalingInitContainers
  KubeletCrashLoopBackOffMax KubeletEnsureSecretPulledImages KubeletSeparateDiskGC
  KubeletServiceAccountTokenForCredentialProviders ListFromCacheSnapshot LoggingBetaOptions
  MatchLabelKeysInPodTopologySpread MatchLabelKeysInPodTopologySpreadSelectorMerge MutablePodResourcesForSuspendedJobs
  MutableSchedulingDirectivesForSuspendedJobs NodeDeclaredFeatures NominatedNodeNameForExpectation OpenAPIEnums
  OpportunisticBatching PLEGOnDemandRelist PodDeletionCost PodLevelResources PodReadyToStartContainersCondition
  PodTopologyLabelsAdmission PortForwardWebsockets PreventStaticPodAPIReferences RelaxedServiceNameValidation
  ReloadKubeletClientCAFile ReloadKubeletServerCertificateFile RemoteRequestHeaderUID ResourceHealthStatus
  ResourceHealthStatusMessage RestartAllContainersOnContainerExits RotateKubeletServerCertificate
  SchedulerAsyncPreemption SchedulerPopFromBackoffQ ServiceAccountNodeAudienceRestriction SizeBasedListCostEstimate
  StaleControllerConsistencyDaemonSet StaleControllerConsistencyJob StaleControllerConsistencyReplicaSet
  StaleControllerConsistencyStatefulSet StatefulSetSemanticRevisionComparison StorageVersionHash
  StrictIPCIDRValidation StructuredAuthenticationConfigurationEgressSelector
  StructuredAuthenticationConfigurationJWKSMetrics TokenRequestServiceAccountUIDValidation
  TopologyManagerPolicyBetaOptions TranslateStreamCloseWebsocketRequests UnauthenticatedHTTP2DOSMitigation
  UnknownVersionInteroperabilityProxy UnlockWhileProcessingFIFO WatchCacheInitializationPostStartHook WatchList
  WatchListClient WindowsGracefulNodeShutdown
`)

const betaOff = names(`
  AllBeta ClusterTrustBundle ClusterTrustBundleProjection ConcurrentWatchObjectDecode CoordinatedLeaderElection
  DRADeviceTaintRules LocalStorageCapacityIsolationFSQuotaMonitoring MaxUnavailableStatefulSet PodCertificateRequest
  SELinuxMount SchedulerAsyncAPICalls StorageVersionMigrator
`)

const alpha = names(`
  APIServingWithRoutine AllAlpha AllowUnsafeMalformedObjectDeletion CBORServingAndStorage CPUManagerPolicyAlphaOptions
  CRIListStreaming CSIVolumeHealth ClientsAllowCBOR ClientsPreferCBOR
  CloudControllerManagerWatchBasedRoutesReconciliation CloudControllerManagerWebhook ContainerStopSignals
  ControllerManagerReleaseLeaderElectionLockOnExit CrossNamespaceVolumeDataSource DRAListTypeAttributes
  DRANodeAllocatableResources DRAResourcePoolStatus DRAWorkloadResourceClaims EventedPLEG GangScheduling
  GenericWorkload HPAScaleToZero ImageVolumeWithDigest InPlacePodVerticalScalingExclusiveCPUs
  InPlacePodVerticalScalingExclusiveMemory KubeletInUserNamespace LoggingAlphaOptions
  ManifestBasedAdmissionControlConfig MemoryQoS MinimumKubeletVersion MutablePVNodeAffinity NativeHistograms
  PersistentVolumeClaimUnusedSinceTime PodAndContainerStatsFromCRI PodLevelResourceManagers PodLogsQuerySplitStreams
  PodsAPI QOSReserved ReduceDefaultCrashLoopBackOffDecay RouteExternalCertificate RuntimeClassInImageCriApi
  ShardedListAndWatch StorageCapacityScoring StoragePerformantSecurityPolicy StorageVersionAPI
  TaintTolerationComparisonOperators TopologyAwareWorkloadScheduling TopologyManagerPolicyAlphaOptions
  UserNamespacesHostNetworkSupport VolumeLimitScaling WindowsCPUAndMemoryAffinity WorkloadAwarePreemption
  WorkloadWithJob
`)

/** Features that are finished: they may be switched on, which they are, and neither off nor seen in the help. */
const finished: ReadonlySet<string> = new Set(
  names(`
  AnonymousAuthConfigurableEndpoints AnyVolumeDataSource APIServerTracing AuthorizeWithSelectors BtreeWatchCache
  ConsistentListFromCache CPUManagerPolicyOptions CRDValidationRatcheting CSIMigrationPortworx
  CustomResourceFieldSelectors DeclarativeValidation DRAAdminAccess DRAPrioritizedList DynamicResourceAllocation
  ExecProbeTimeout ExternalServiceAccountTokenSigner HonorPVReclaimPolicy ImageMaximumGCAge ImageVolume
  InPlacePodVerticalScaling JobBackoffLimitPerIndex JobManagedBy JobPodReplacementPolicy JobSuccessPolicy
  KubeletCgroupDriverFromCRI KubeletFineGrainedAuthz KubeletPodResourcesDynamicResources KubeletPodResourcesGet
  KubeletPSI KubeletTracing LoadBalancerIPMode MatchLabelKeysInPodAffinity MemoryManager MultiCIDRServiceAllocator
  MutableCSINodeAllocatableCount MutatingAdmissionPolicy NFTablesProxyMode NodeInclusionPolicyInPodTopologySpread
  NodeLogQuery NodeSwap OrderedNamespaceDeletion PodLifecycleSleepAction PodLifecycleSleepActionAllowZero
  PodObservedGenerationTracking PreferSameTrafficDistribution ProcMountType RecoverVolumeExpansionFailure
  RecursiveReadOnlyMounts RelaxedDNSSearchValidation RelaxedEnvironmentVariableValidation
  ResilientWatchCacheInitialization RetryGenerateName SchedulerQueueingHints SELinuxChangePolicy
  SELinuxMountReadWriteOncePod SeparateTaintEvictionController ServiceAccountTokenJTI ServiceAccountTokenNodeBinding
  ServiceAccountTokenNodeBindingValidation ServiceAccountTokenPodNodeInfo ServiceTrafficDistribution
  SidecarContainers StreamingCollectionEncodingToJSON StreamingCollectionEncodingToProtobuf
  StrictCostEnforcementForVAP StrictCostEnforcementForWebhooks StructuredAuthenticationConfiguration
  StructuredAuthorizationConfiguration SupplementalGroupsPolicy SystemdWatchdog TopologyAwareHints
  TopologyManagerPolicyOptions UserNamespacesSupport VolumeAttributesClass
`),
)

/** Every feature gate that makes a difference, sorted by name. */
export const featureGates: ReadonlyMap<string, FeatureGate> = new Map(
  [
    ...on.map((name): [string, FeatureGate] => [name, { stage: 'BETA', default: true }]),
    ...betaOff.map((name): [string, FeatureGate] => [name, { stage: 'BETA', default: false }]),
    ...alpha.map((name): [string, FeatureGate] => [name, { stage: 'ALPHA', default: false }]),
  ].sort(([a], [b]) => (a < b ? -1 : 1)),
)

/** The gates that were set, by name. */
export type FeatureGateSettings = Readonly<Record<string, boolean>>

/**
 * `Gate=true,kube:Other=false`; repeated, the last one wins. `kube` is the only component.
 */
export const featureGateMap: FlagType<FeatureGateSettings> = {
  label: 'colonSeparatedMultimapStringString',
  zero: [''],
  parse(text, soFar = {}) {
    const settings = new Map(Object.entries(soFar))
    for (const item of text.split(',').filter((pair) => pair !== '')) {
      const colon = item.indexOf(':')
      const component = colon < 0 ? 'kube' : item.slice(0, colon).trim() || 'kube'
      if (component !== 'kube') throw new Error(`component not registered: ${component}`)
      const [name, value] = item
        .slice(colon + 1)
        .split(/=(.*)/s)
        .map((part) => part.trim()) as [string, string | undefined]
      if (value === undefined) throw new Error(`missing bool value for ${name}`)
      const isOn = gateValue(name, value)
      if (finished.has(name)) {
        if (!isOn) throw new Error(`cannot set feature gate ${name} to false, feature is locked to true`)
      } else if (!featureGates.has(name)) throw new Error(`unrecognized feature gate: ${name}`)
      settings.set(name, isOn)
    }
    return Object.fromEntries(settings)
  },
  format: (settings) =>
    Object.keys(settings)
      .sort()
      .map((name) => `kube:${name}=${settings[name]}`)
      .join(','),
}

function gateValue(name: string, text: string): boolean {
  try {
    return parseBool(text)
  } catch (error) {
    throw new Error(`invalid value of ${name}=${text}, err: ${(error as Error).message}`)
  }
}

/**
 * Whether a feature is on: by its own setting, else by AllAlpha or AllBeta, else by its default.
 * @throws Error for a gate that doesn't exist, which is a mistake in the caller
 */
export function featureEnabled(settings: FeatureGateSettings, name: string): boolean {
  const gate = featureGates.get(name)
  if (!gate) throw new Error(`no feature gate ${name}`)
  if (Object.hasOwn(settings, name)) return settings[name]!
  const group = gate.stage === 'ALPHA' ? 'AllAlpha' : 'AllBeta'
  return Object.hasOwn(settings, group) ? settings[group]! : gate.default
}

/** The lines of help that list the gates. */
export const featureGateLines = (): string[] =>
  [...featureGates].map(([name, gate]) => `kube:${name}=true|false (${gate.stage} - default=${gate.default})`)

function names(text: string): string[] {
  return text.trim().split(/\s+/)
}
