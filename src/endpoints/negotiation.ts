import { notAcceptable, StatusError } from '../machinery/status.ts'

/** The form in which an answer is wanted. */
export interface Form {
  mediaType: 'application/json' | 'application/yaml' | 'application/vnd.kubernetes.protobuf'
  /** Another kind to convert to, of meta.k8s.io. */
  as?: 'Table' | 'PartialObjectMetadata' | 'PartialObjectMetadataList'
  /** The version of `as`: v1 or v1beta1. */
  asVersion?: string
  pretty: boolean
}

const JSON_FORM: Form = Object.freeze({ mediaType: 'application/json', pretty: false })

/** What is asked for, which says what it may be converted to; `none` for what is only shown as it is. */
export type Convertible = 'object' | 'list' | 'watch' | 'none'

const PROTOBUF = 'application/vnd.kubernetes.protobuf'
const PRODUCED = ['application/json', 'application/yaml', PROTOBUF]

/**
 * Chooses the form by the Accept header, first acceptable clause first; media types are case-sensitive, as the reference has it.
 * @throws StatusError 406
 */
export function negotiate(accept: string | undefined, convertible: Convertible, pretty: boolean): Form {
  if (accept === undefined || accept === '' || accept === '*/*' || accept === 'application/json') {
    return pretty ? { ...JSON_FORM, pretty } : JSON_FORM
  }
  for (const clause of acceptClauses(accept)) {
    const form = formOf(clause, convertible)
    if (form) return pretty ? { ...form, pretty } : form
  }
  if (acceptClauses(accept).some(({ type }) => type === '*/*' || PRODUCED.includes(type))) throw onlyAccepted()
  throw notProduced(convertible)
}

/** The 406 for media types of which none is known. */
function notProduced(convertible: Convertible): StatusError {
  const streams = convertible === 'list' || convertible === 'watch'
  const types = streams ? [...PRODUCED, `application/json;stream=watch`, `${PROTOBUF};stream=watch`] : PRODUCED
  return new StatusError(406, 'NotAcceptable', `406: Not Acceptable\n\nAvailable representations: ${types.join(', ')}`, {})
}

/** The 406 for a form that can't be had here. */
export function onlyAccepted(): StatusError {
  return notAcceptable(`only the following media types are accepted: ${PRODUCED.join(', ')}`)
}

/**
 * The form of an error: the first plain one that is acceptable, else JSON, for an error isn't hidden behind another about its form.
 */
export function negotiateError(accept: string | undefined, pretty: boolean): Form {
  if (accept) {
    for (const clause of acceptClauses(accept)) {
      const form = clause.parameters.has('stream') ? undefined : formOf(clause, 'none')
      if (form) return pretty ? { ...form, pretty } : form
    }
  }
  return pretty ? { ...JSON_FORM, pretty } : JSON_FORM
}

export interface Clause {
  type: string
  quality: number
  parameters: Map<string, string>
}

const parsed = new Map<string, Clause[]>()

/** Clauses by falling quality; of equal quality as written. Clients repeat few headers, so the parse is kept (within a bound). */
export function acceptClauses(accept: string): Clause[] {
  const known = parsed.get(accept)
  if (known) return known
  const list = accept.split(',').map((text) => {
    const [type = '', ...parameters] = text.split(';').map((part) => part.trim())
    const map = new Map(
      parameters.map((p): [string, string] => {
        const at = p.indexOf('=')
        return at < 0 ? [p, ''] : [p.slice(0, at).trim(), p.slice(at + 1).trim()]
      }),
    )
    const q = Number(map.get('q') ?? '1')
    map.delete('q')
    return { type, quality: Number.isNaN(q) ? 1 : q, parameters: map }
  })
  const sorted = list.filter((c) => c.type).sort((a, b) => b.quality - a.quality)
  if (parsed.size < 256 && accept.length < 512) parsed.set(accept, sorted)
  return sorted
}

function formOf(clause: Clause, convertible: Convertible): Form | undefined {
  const mediaType = clause.type === '*/*' || clause.type === 'application/json' ? 'application/json' : clause.type
  if (mediaType !== 'application/json' && mediaType !== 'application/yaml' && mediaType !== PROTOBUF) return undefined
  const { parameters } = clause
  const as = parameters.get('as')
  const group = parameters.get('g')
  const version = parameters.get('v')
  const pretty = parameters.get('pretty') === '1' || parameters.get('pretty') === 'true'
  if (as === undefined && group === undefined && version === undefined) return { mediaType, pretty }
  if (group !== 'meta.k8s.io' || (version !== 'v1' && version !== 'v1beta1')) return undefined
  if (as !== 'Table' && as !== 'PartialObjectMetadata' && as !== 'PartialObjectMetadataList') return undefined
  // Tables have no protobuf form.
  if (convertible === 'none' || (as === 'Table' && mediaType === PROTOBUF)) return undefined
  return { mediaType, as, asVersion: version, pretty }
}
