import { notAcceptable, StatusError } from '../machinery/status.ts'

export type MediaType = 'application/json' | 'application/yaml' | 'application/vnd.kubernetes.protobuf'

const ENCODINGS: readonly MediaType[] = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf']

export interface Choice {
  mediaType: MediaType
  /** Aggregated discovery is wanted. */
  aggregated: boolean
  pretty: boolean
}

export interface Clause {
  type: string
  quality: number
  parameters: Map<string, string>
}

/**
 * Chooses by the Accept header, best clause first.
 *
 * @param aggregation whether the path has an aggregated form
 * @throws StatusError 406
 */
export function chooseEncoding(accept: string | undefined, aggregation: boolean): Choice {
  if (!accept) return { mediaType: 'application/json', aggregated: false, pretty: false }
  for (const clause of acceptClauses(accept)) {
    const mediaType = ENCODINGS.find((m) => clause.type === m || clause.type === '*/*' || clause.type === 'application/*')
    if (!mediaType) continue
    const [kind, group, version] = ['as', 'g', 'v'].map((name) => clause.parameters.get(name))
    const converted = kind !== undefined || group !== undefined || version !== undefined
    const aggregated = kind === 'APIGroupDiscoveryList' && group === 'apidiscovery.k8s.io' && version === 'v2'
    if (converted && !(aggregated && aggregation)) continue
    return { mediaType, aggregated, pretty: clause.parameters.get('pretty') === '1' }
  }
  throw notAcceptable(`only the following media types are accepted: ${ENCODINGS.join(', ')}`)
}

/** The clauses of an Accept header, the most wanted first, and of equal quality the most specific. */
export function acceptClauses(accept: string): Clause[] {
  const clauses = accept.split(',').map((text): Clause => {
    const [type = '', ...rest] = text.split(';').map((part) => part.trim())
    const parameters = new Map(
      rest.map((parameter): [string, string] => {
        const at = parameter.indexOf('=')
        return at < 0 ? [parameter, ''] : [parameter.slice(0, at), parameter.slice(at + 1)]
      }),
    )
    const quality = Number.parseFloat(parameters.get('q') ?? '1')
    return { type, quality: Number.isNaN(quality) ? 1 : quality, parameters }
  })
  return clauses.filter((c) => c.type).sort((a, b) => b.quality - a.quality || wildness(a.type) - wildness(b.type))
}

const wildness = (type: string): number => (type === '*/*' ? 2 : type.endsWith('/*') ? 1 : 0)

/**
 * The router's own look at the Accept header, before the encoding is chosen: names only, and no wildcard but the full one.
 *
 * @throws StatusError 406
 */
export function checkProduces(accept: string | undefined, produces: readonly string[] = ENCODINGS): void {
  if (!accept) return
  for (const clause of accept.split(',')) {
    const type = (clause.split(';')[0] as string).trim()
    if (type === '*/*' || produces.includes(type)) return
  }
  throw new StatusError(406, 'NotAcceptable', `406: Not Acceptable\n\nAvailable representations: ${produces.join(', ')}`, {})
}
