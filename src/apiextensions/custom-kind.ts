import type { WebhookTransport } from '../admission/webhooks/call.ts'
import type { ApiextensionsV1CustomResourceDefinitionVersion, ApiextensionsV1SelectableField } from '../generated/types.ts'
import { type Definition, isTrue } from '../kinds/apiextensions/conditions.ts'
import type { TypeDecoder } from '../machinery/decode.ts'
import { equal, type Json, type JsonObject } from '../machinery/json.ts'
import { compileJsonPath } from '../machinery/json-path.ts'
import type { Schema } from '../machinery/json-schema/schema.ts'
import type { KubeObject } from '../machinery/object.ts'
import { keepMetadata } from '../registry/keep-metadata.ts'
import { defineKind, type KindDefinition, type KindSpec, type Verb } from '../registry/kind.ts'
import { WebhookConverter } from './conversion.ts'
import { CustomRules, finalizerWarnings } from './custom-validation.ts'
import { printerColumns } from './printer-columns.ts'
import { customScale, namesIn } from './scale.ts'
import { SchemaCodec } from './schema-codec.ts'
import { versionForms } from './version-forms.ts'
import { versionViews } from './version-views.ts'
import { deprecationWarning, storageVersion } from './versions.ts'

type Version = ApiextensionsV1CustomResourceDefinitionVersion

export interface CustomKindDeps {
  decoder: TypeDecoder
  /** Asks the webhooks that convert between versions. */
  transport: WebhookTransport
  uuid(): string
}

const VERBS: readonly Verb[] = ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch']
/** Nothing new comes to a resource whose definition goes. */
const LAST_VERBS: readonly Verb[] = ['delete', 'deletecollection', 'get', 'list', 'watch']

/**
 * The kinds that a definition makes: one for each version that it serves, and for the one in which objects are stored.
 * @param tag tells them from those of other definitions, and of this one before it changed
 * @see https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/
 */
export function customKinds(definition: Definition, tag: string, deps: CustomKindDeps): KindDefinition[] {
  const { spec = {} } = definition
  const { strategy, webhook } = spec.conversion ?? {}
  const converter = strategy === 'Webhook' && webhook ? new WebhookConverter({ ...deps, webhook }) : undefined
  const versions = (spec.versions ?? []).filter(({ served, storage }) => served || storage)
  return versions.map((version) => customKind(definition, version, tag, deps, converter))
}

function customKind(
  definition: Definition,
  version: Version,
  tag: string,
  { decoder }: CustomKindDeps,
  converter: WebhookConverter | undefined,
): KindDefinition {
  const { spec = {}, status = {} } = definition
  const { group = '', scope } = spec
  const { plural = '', singular = '', shortNames = [], kind = '', listKind = '', categories = [] } = status.acceptedNames ?? {}
  const { name = '', subresources } = version
  const schema = schemaOf(version)
  const stored = storageVersion(spec)
  const preservesUnknown = spec.preserveUnknownFields === true
  const schemas = new Map((spec.versions ?? []).map((one) => [one.name ?? '', schemaOf(one)]))
  const codec = new SchemaCodec({ group, kind, schemas, preservesUnknown, decoder })
  const rules = new CustomRules({ group, version: name, kind, schema, scale: subresources?.scale })
  const hasStatus = subresources?.status !== undefined
  const validateUpdate: KindSpec<KubeObject>['validateUpdate'] = (object, old, context) => rules.errors(object, old, context)
  const apiVersion = `${group}/${name}`
  const scalePaths = new Map(
    (spec.versions ?? []).map((one) => [`${group}/${one.name}`, one.subresources?.scale?.specReplicasPath]),
  )
  const deprecated = deprecationWarning(spec, kind, version)
  const terminating = isTrue(definition, 'Terminating')
  return defineKind<KubeObject>({
    group,
    version: name,
    kind,
    resource: plural,
    singular,
    shortNames,
    categories,
    scope: scope === 'Cluster' ? 'Cluster' : 'Namespaced',
    schema: [...group.split('.').reverse(), name, kind].join('.'),
    ...(schema ? { jsonSchemas: { [name]: schema } } : {}),
    storagePrefix: `${group}/${plural}`,
    verbs: terminating ? LAST_VERBS : VERBS,
    unconditionalUpdate: false,
    updateSkipsMetadata: true,
    generation: (object, old) => !equal({ ...object, metadata: undefined }, { ...old, metadata: undefined }),
    prepareForCreate: (object) => rules.checkType(object),
    prepareForUpdate: (object) => rules.checkType(object),
    validate: (object, context) => rules.errors(object, undefined, context),
    validateUpdate,
    warnings: finalizerWarnings,
    ...(hasStatus ? { status: statusOf(rules), resetFields: { '': ['status'], status: ['metadata', 'spec'] } } : {}),
    ...(subresources?.scale ? { subresources: [customScale(subresources.scale, validateUpdate)] } : {}),
    columns: printerColumns(version.additionalPrinterColumns),
    fields: selectableFields(version.selectableFields),
    ...(deprecated ? { deprecated } : {}),
    custom: {
      tag: `${tag} ${apiVersion}`,
      listKind,
      storageVersion: stored,
      served: version.served === true,
      terminating,
      codec,
      ...versionForms({ apiVersion, stored: `${group}/${stored}`, kind, tag: `${tag} ${apiVersion}`, codec, converter }),
      views: versionViews({ group, kind, version: name, schemas, codec, converts: converter !== undefined }),
      replicas: (of) => {
        const path = scalePaths.get(of)
        return path ? namesIn(path).map((field) => `f:${field}`) : undefined
      },
    },
  })
}

const schemaOf = ({ schema }: Version): Schema | undefined => schema?.openAPIV3Schema

/** Only the status itself changes. */
function statusOf(rules: CustomRules): KindSpec<KubeObject>['status'] {
  return {
    prepare: (object, old) => {
      rules.checkType(object)
      keepMetadata(object, old)
    },
    validate: (object, old, context) => rules.errors(object, old, context, 'status'),
  }
}

function selectableFields(
  fields: readonly ApiextensionsV1SelectableField[] = [],
): Record<string, (object: KubeObject) => string> {
  const getters: Record<string, (object: KubeObject) => string> = {}
  for (const { jsonPath = '' } of fields) {
    const find = compileJsonPath(jsonPath)
    getters[jsonPath.replace(/^\./, '')] = (object) => textOf(find?.(object as JsonObject)[0])
  }
  return getters
}

const textOf = (value: Json | undefined): string =>
  value === undefined || value === null || typeof value === 'object' ? '' : String(value)
