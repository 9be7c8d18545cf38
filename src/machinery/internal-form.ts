import { isObject, type Json, type JsonObject } from './json.ts'
import { type FieldFacts, isAlwaysWritten, type SchemaFacts, type TypeExpression } from './schema.ts'

/** How a type of the reference's internal API differs from its versioned one. */
interface Differences {
  /** Go names of fields that aren't the JSON name with its first word in upper case. */
  names?: Readonly<Record<string, string>>
  /** JSON names in the order of the internal struct; others follow in theirs. */
  order?: readonly string[]
  /** JSON names of fields that the internal struct doesn't have. */
  without?: readonly string[]
  /** Embedded metadata: its fields, with their JSON names, stand among the struct's own. */
  inlineMetadata?: boolean
  /** JSON names of fields that aren't pointers in the internal struct. */
  values?: readonly string[]
}

const CORE = 'io.k8s.api.core.v1.'
const RESOURCE = 'io.k8s.api.resource.v1.'
const META = 'io.k8s.apimachinery.pkg.apis.meta.v1.'
const EXTENSIONS = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.'

const DIFFERENCES: Readonly<Record<string, Differences>> = {
  [`${CORE}PodTemplateSpec`]: { inlineMetadata: true },
  [`${CORE}PersistentVolumeClaimTemplate`]: { inlineMetadata: true },
  [`${CORE}PodSpec`]: {
    order: [
      'volumes',
      'initContainers',
      'containers',
      'ephemeralContainers',
      'restartPolicy',
      'terminationGracePeriodSeconds',
      'activeDeadlineSeconds',
      'dnsPolicy',
      'nodeSelector',
      'serviceAccountName',
      'automountServiceAccountToken',
      'nodeName',
      'securityContext',
      'imagePullSecrets',
      'hostname',
      'subdomain',
      'setHostnameAsFQDN',
      'affinity',
      'schedulerName',
      'tolerations',
      'hostAliases',
      'priorityClassName',
      'priority',
      'preemptionPolicy',
      'dnsConfig',
      'readinessGates',
      'runtimeClassName',
      'overhead',
      'enableServiceLinks',
      'topologySpreadConstraints',
    ],
    without: ['serviceAccount', 'hostNetwork', 'hostPID', 'hostIPC', 'shareProcessNamespace', 'hostUsers'],
  },
  [`${CORE}PodSecurityContext`]: {
    order: [
      'seLinuxOptions',
      'windowsOptions',
      'runAsUser',
      'runAsGroup',
      'runAsNonRoot',
      'supplementalGroups',
      'supplementalGroupsPolicy',
      'fsGroup',
      'fsGroupChangePolicy',
    ],
  },
  [`${CORE}PersistentVolumeClaimSpec`]: {
    order: [
      'accessModes',
      'selector',
      'resources',
      'volumeName',
      'storageClassName',
      'volumeMode',
      'dataSource',
      'dataSourceRef',
    ],
  },
  'io.k8s.api.apps.v1.RollingUpdateStatefulSetStrategy': { values: ['partition'] },
  [`${CORE}TypedObjectReference`]: { order: ['apiGroup', 'kind', 'name', 'namespace'] },
  [`${CORE}Volume`]: {
    order: [
      'name',
      'hostPath',
      'emptyDir',
      'gcePersistentDisk',
      'awsElasticBlockStore',
      'gitRepo',
      'secret',
      'nfs',
      'iscsi',
      'glusterfs',
      'persistentVolumeClaim',
      'rbd',
      'quobyte',
      'flexVolume',
      'cinder',
      'cephfs',
      'flocker',
      'downwardAPI',
      'fc',
      'azureFile',
      'configMap',
      'vsphereVolume',
      'azureDisk',
      'photonPersistentDisk',
      'projected',
    ],
    names: { cephfs: 'CephFS', storageos: 'StorageOS' },
  },
  [`${CORE}GlusterfsVolumeSource`]: { names: { endpoints: 'EndpointsName' } },
  [`${CORE}ISCSIVolumeSource`]: { names: { chapAuthDiscovery: 'DiscoveryCHAPAuth', chapAuthSession: 'SessionCHAPAuth' } },
  [`${CORE}RBDVolumeSource`]: { names: { monitors: 'CephMonitors', image: 'RBDImage', pool: 'RBDPool', user: 'RadosUser' } },
  [`${CORE}AzureDiskVolumeSource`]: {
    names: { diskURI: 'DataDiskURI' },
    order: ['diskName', 'diskURI', 'cachingMode', 'fsType', 'readOnly', 'kind'],
  },
  [`${CORE}PhotonPersistentDiskVolumeSource`]: { names: { pdID: 'PdID' } },
  [`${CORE}FCVolumeSource`]: { names: { wwids: 'WWIDs' } },
  [`${CORE}PersistentVolumeSpec`]: {
    order: [
      'capacity',
      'gcePersistentDisk',
      'awsElasticBlockStore',
      'hostPath',
      'glusterfs',
      'nfs',
      'rbd',
      'quobyte',
      'iscsi',
      'flexVolume',
      'cinder',
      'cephfs',
      'fc',
      'flocker',
      'azureFile',
      'vsphereVolume',
      'azureDisk',
      'photonPersistentDisk',
      'portworxVolume',
      'scaleIO',
      'local',
      'storageos',
      'csi',
    ],
    names: { cephfs: 'CephFS', storageos: 'StorageOS' },
  },
  [`${CORE}GlusterfsPersistentVolumeSource`]: { names: { endpoints: 'EndpointsName' } },
  [`${CORE}ISCSIPersistentVolumeSource`]: {
    names: { chapAuthDiscovery: 'DiscoveryCHAPAuth', chapAuthSession: 'SessionCHAPAuth' },
  },
  [`${CORE}RBDPersistentVolumeSource`]: {
    names: { monitors: 'CephMonitors', image: 'RBDImage', pool: 'RBDPool', user: 'RadosUser' },
  },
  [`${RESOURCE}ResourceClaimTemplateSpec`]: { inlineMetadata: true },
  [`${EXTENSIONS}JSONSchemaProps`]: {
    names: {
      $schema: 'Schema',
      $ref: 'Ref',
      'x-kubernetes-preserve-unknown-fields': 'XPreserveUnknownFields',
      'x-kubernetes-embedded-resource': 'XEmbeddedResource',
      'x-kubernetes-int-or-string': 'XIntOrString',
      'x-kubernetes-list-map-keys': 'XListMapKeys',
      'x-kubernetes-list-type': 'XListType',
      'x-kubernetes-map-type': 'XMapType',
      'x-kubernetes-validations': 'XValidations',
    },
    order: ['id', '$schema', '$ref', 'description', 'type', 'nullable'],
  },
  [`${EXTENSIONS}CustomResourceValidation`]: { names: { openAPIV3Schema: 'OpenAPIV3Schema' } },
  [`${RESOURCE}DeviceAttribute`]: {
    names: {
      int: 'IntValue',
      bool: 'BoolValue',
      string: 'StringValue',
      version: 'VersionValue',
      ints: 'IntValues',
      bools: 'BoolValues',
      strings: 'StringValues',
      versions: 'VersionValues',
    },
  },
}

/** Words that Go writes in upper case when a JSON name starts with them. */
const INITIALISMS: ReadonlySet<string> = new Set(
  'api aws cel cidr csi dns fc fs gce gmsa grpc http https id ip iqn iscsi ipc json nfs os pd pid rbd se ssl tcp tls tty uid uri url'.split(
    ' ',
  ),
)

/** The Go name of a field whose JSON name is the usual one. */
function goName(name: string): string {
  const first = /^[a-z]+/.exec(name)?.[0] ?? ''
  if (INITIALISMS.has(first)) return first.toUpperCase() + name.slice(first.length)
  return name.charAt(0).toUpperCase() + name.slice(1)
}

const ZERO: Readonly<Record<string, Json>> = {
  string: '',
  boolean: false,
  int32: 0,
  int64: 0,
  double: 0,
  quantity: '0',
  intorstring: 0,
}

/**
 * An object as the reference prints it in messages on its internal types, which have no JSON names: Go's field names, and every field
 * there whether set or not.
 * @param type full name of the versioned type, such as `io.k8s.api.core.v1.PodSpec`
 */
export function internalForm(facts: SchemaFacts, type: string, value: JsonObject): JsonObject {
  // Types of the machinery are the same everywhere and keep their JSON names.
  if (type.includes('.apimachinery.')) return withoutEmpties(facts, type, value)
  const differences = DIFFERENCES[type] ?? {}
  const out: JsonObject = {}
  for (const field of orderedFields(facts.type(type).fields, differences)) {
    const given = value[field.name]
    if (field.name === 'metadata' && differences.inlineMetadata)
      Object.assign(out, isObject(given) ? internalForm(facts, `${META}ObjectMeta`, given) : undefined)
    else {
      const isValue = given === undefined && differences.values?.includes(field.name)
      out[differences.names?.[field.name] ?? goName(field.name)] = isValue
        ? (ZERO[String(field.type)] ?? null)
        : valueForm(facts, field, given)
    }
    if (type === `${CORE}PodSpec` && field.name === 'securityContext') {
      out.SecurityContext = { ...hostForm(value), ...(out.SecurityContext as JsonObject | null) }
    }
  }
  return out
}

/** Those types leave out lists and maps with nothing in them. */
function withoutEmpties(facts: SchemaFacts, type: string, value: JsonObject): JsonObject {
  const out: JsonObject = {}
  for (const [name, item] of Object.entries(value)) {
    const field = facts.field(facts.type(type), name)
    const isCollection = field !== undefined && typeof field.type !== 'string' && !isAlwaysWritten(field)
    if (item === undefined || (isCollection && isEmpty(item))) continue
    out[name] = field && item !== null ? typed(facts, field.type, item) : item
  }
  return out
}

const isEmpty = (value: Json): boolean =>
  Array.isArray(value) ? value.length === 0 : isObject(value) && !Object.keys(value).length

/** What a pod shares with its host: part of the internal security context. */
const hostForm = (spec: JsonObject): JsonObject => ({
  HostNetwork: spec.hostNetwork ?? false,
  HostPID: spec.hostPID ?? false,
  HostIPC: spec.hostIPC ?? false,
  ShareProcessNamespace: spec.shareProcessNamespace ?? null,
  HostUsers: spec.hostUsers ?? null,
})

function orderedFields(fields: readonly FieldFacts[], { order, without }: Differences): FieldFacts[] {
  const kept = without ? fields.filter((field) => !without.includes(field.name)) : [...fields]
  if (!order) return kept
  const place = (field: FieldFacts): number => {
    const i = order.indexOf(field.name)
    return i < 0 ? order.length : i
  }
  return kept.sort((a, b) => place(a) - place(b))
}

function valueForm(facts: SchemaFacts, field: FieldFacts, value: Json | undefined): Json {
  const { type } = field
  const either = typeof type === 'string' && type.startsWith('props')
  if (value !== undefined && (value !== null || either)) return typed(facts, type, value)
  if (typeof type !== 'string') return null
  if (type.startsWith('#')) {
    const isPointer = field.default === undefined && !field.value
    return isPointer ? null : internalForm(facts, type.slice(1), {})
  }
  if (field.pointer || (type === 'quantity' && !field.value) || (type === 'intorstring' && !field.required && !field.value))
    return null
  return ZERO[type] ?? null
}

function typed(facts: SchemaFacts, type: TypeExpression, value: Json): Json {
  if (typeof type !== 'string') {
    if ('list' in type) return Array.isArray(value) ? value.map((item) => typed(facts, type.list, item)) : value
    if (!isObject(value)) return value
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, typed(facts, type.map, item as Json)]))
  }
  if (type.startsWith('props')) return eitherForm(facts, type, value)
  return type.startsWith('#') && isObject(value) ? internalForm(facts, type.slice(1), value) : value
}

/** Parts of schemas that are a schema or something else, for which the internal types have a field each. */
function eitherForm(facts: SchemaFacts, type: string, value: Json): JsonObject {
  const props = `${EXTENSIONS}JSONSchemaProps`
  const schema = isObject(value) ? internalForm(facts, props, value) : null
  const list = Array.isArray(value) ? value : null
  if (type === 'propsorbool') return { Allows: value !== false, Schema: schema }
  if (type === 'propsorstrings') return { Schema: schema, Property: list }
  return { Schema: schema, JSONSchemas: list?.map((item) => internalForm(facts, props, item as JsonObject)) ?? null }
}

/** As Go's encoder indents it by one space, with the characters escaped that matter in HTML. */
export function printIndented(value: JsonObject): string {
  return JSON.stringify(value, undefined, 1).replace(
    /[<>&\u2028\u2029]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
