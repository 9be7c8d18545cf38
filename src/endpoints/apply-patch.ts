import { hasDuplicateKeys } from '../machinery/duplicate-keys.ts'
import { isObject, type Json, type JsonObject } from '../machinery/json.ts'
import type { KubeObject } from '../machinery/object.ts'
import { jsonKind } from '../machinery/patch-values.ts'
import { badRequest } from '../machinery/status.ts'
import { yamlToJson, yamlToJsonStrict } from '../machinery/yaml.ts'
import type { Subresource } from '../registry/kind.ts'
import type { RequestContext } from '../registry/request-context.ts'
import { duplicateWarnings } from './body.ts'
import type { Call } from './deps.ts'
import type { WriteOptions } from './options.ts'
import { checkName, checkNamespace, dropRepeatedOwners } from './write.ts'

export const APPLY_PATCH = 'application/apply-patch+yaml'

/** Applies one request's configuration to an object, as often as conflicts of writes make it necessary. */
export class Applier {
  readonly #call: Call
  readonly #bytes: Buffer
  readonly #options: WriteOptions
  readonly #context: RequestContext
  readonly #subresource: Subresource<KubeObject> | undefined
  #warned = false

  constructor(
    call: Call,
    bytes: Buffer,
    options: WriteOptions,
    context: RequestContext,
    subresource: Subresource<KubeObject> | undefined,
  ) {
    this.#call = call
    this.#bytes = bytes
    this.#options = options
    this.#context = context
    this.#subresource = subresource
  }

  /** @param current undefined when there is no such object yet @throws StatusError */
  apply(current: KubeObject | undefined): KubeObject {
    const config = this.#parse()
    const { fields } = this.#call.endpoint.resource
    const force = this.#options.force ?? false
    const kind = this.#subresource?.kind
    const object =
      kind && current
        ? fields.applySubresource(kind, current, config, force, this.#context)
        : fields.apply(current, config, force, this.#context)
    this.#checkDuplicates(config)
    dropRepeatedOwners(this.#call, object)
    checkNamespace(this.#call, object)
    checkName(this.#call, object)
    return object
  }

  #parse(): JsonObject {
    let value: Json
    try {
      value = yamlToJson(this.#bytes)
    } catch (error) {
      throw badRequest(`error decoding YAML: error converting YAML to JSON: ${withoutPrefix((error as Error).message)}`)
    }
    if (value === null || value === undefined) return {}
    if (isObject(value)) return value
    const why = `json: cannot unmarshal ${jsonKind(value)} into Go value of type map[string]interface {}`
    throw badRequest(`error decoding YAML: error unmarshaling JSON: while decoding JSON: ${why}`)
  }

  /** Keys that occur twice are told of once the configuration is known to be good. */
  #checkDuplicates(config: JsonObject): void {
    const { fieldValidation } = this.#options
    if (fieldValidation === 'Ignore' || this.#warned) return
    this.#warned = true
    // What is JSON, as nearly always, is looked through much faster.
    if (this.#bytes[0] === 0x7b && !hasDuplicateKeys(this.#bytes, config)) return
    const { duplicates } = yamlToJsonStrict(this.#bytes)
    if (!duplicates) return
    if (fieldValidation === 'Strict') throw badRequest(`error strict decoding YAML: error converting YAML to JSON: ${duplicates}`)
    this.#call.exchange.warnings.push(...duplicateWarnings(duplicates))
  }
}

const withoutPrefix = (text: string): string => text.replace(/^error converting YAML to JSON: /, '')
