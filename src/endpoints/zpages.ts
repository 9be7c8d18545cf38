import type { Exchange } from '../machinery/exchange.ts'
import type { JsonObject } from '../machinery/json.ts'
import { notAcceptable } from '../machinery/status.ts'
import { inForm } from './encode.ts'
import { acceptClauses, type Clause } from './negotiation.ts'

export interface ZPagesDeps {
  /** ms since the epoch. */
  clock(): number
  /** Versions of the server, without a `v`. */
  version: { goVersion: string; binaryVersion: string; emulationVersion: string; minimumCompatibilityVersion: string }
  /** Every path of the server, for the first parts of them. */
  paths(): readonly string[]
  /** Flags by their names; undefined without `ComponentFlagz`. */
  flags: Readonly<Record<string, string>> | undefined
  /** `ComponentStatusz`. */
  statusz: boolean
}

const COMPONENT = 'kube-apiserver'
const GROUP = 'config.k8s.io'
const VERSIONS = ['v1alpha1', 'v1beta1']
const STRUCTURED = ['application/json', 'application/yaml'] as const
const NOT_FOR_MACHINES =
  'Warning: This endpoint is not meant to be machine parseable, has no formatting compatibility guarantees and is for debugging purposes only.\n'

interface Page {
  kind: string
  text(): string
  fields(): JsonObject
}

/**
 * `/statusz` and `/flagz`: what this server is, and with what flags it was started. Text for people; objects of `config.k8s.io` for whoever
 * names one in the Accept header.
 *
 * @see https://kubernetes.io/docs/reference/instrumentation/zpages/, KEP 4827 and KEP 4828
 */
export class ZPages {
  readonly #deps: ZPagesDeps
  readonly #started: number
  readonly #pages = new Map<string, Page>()

  constructor(deps: ZPagesDeps) {
    this.#deps = deps
    this.#started = deps.clock()
    const { flags, statusz } = deps
    if (statusz) this.#pages.set('/statusz', { kind: 'Statusz', text: () => this.#status(), fields: () => this.#statusFields() })
    if (flags) this.#pages.set('/flagz', { kind: 'Flagz', text: () => flagsText(flags), fields: () => ({ flags: { ...flags } }) })
  }

  /** Every path served, for the list at `/`. */
  listed(): string[] {
    return [...this.#pages.keys()]
  }

  /** @returns false when the path is none of these @throws StatusError 406 */
  handle(exchange: Exchange): boolean {
    const page = this.#pages.get(exchange.path)
    if (!page) return false
    for (const clause of acceptClauses(exchange.header('accept') || '*/*')) {
      const form = STRUCTURED.find((type) => type === clause.type)
      if (form && asks(clause, page.kind)) {
        const value = {
          kind: page.kind,
          apiVersion: `${GROUP}/${clause.parameters.get('v')}`,
          metadata: { name: COMPONENT },
          ...page.fields(),
        }
        exchange.respond(200, form, inForm(Buffer.from(JSON.stringify(value)), { mediaType: form, pretty: false }))
        return true
      }
      if (!['text/plain', 'text/*', '*/*'].includes(clause.type) || clause.parameters.has('as')) continue
      exchange.respond(200, 'text/plain; charset=utf-8', page.text())
      return true
    }
    throw notAcceptable(`only the following media types are accepted: ${[...STRUCTURED, 'text/plain'].join(', ')}`)
  }

  #status(): string {
    const { version } = this.#deps
    const up = this.#seconds()
    const two = (n: number): string => String(n).padStart(2, '0')
    return `\n${COMPONENT} statusz\n${NOT_FOR_MACHINES}
Started: ${unixDate(this.#started)}
Up: ${Math.floor(up / 3600)} hr ${two(Math.floor(up / 60) % 60)} min ${two(up % 60)} sec
Go version: ${version.goVersion}
Binary version: ${version.binaryVersion}
Emulation version: ${version.emulationVersion}
Paths: ${this.#folders().join(' ')}
`
  }

  #statusFields(): JsonObject {
    return {
      startTime: `${new Date(this.#started).toISOString().slice(0, 19)}Z`,
      uptimeSeconds: this.#seconds(),
      ...this.#deps.version,
      paths: this.#folders(),
    }
  }

  #seconds(): number {
    return Math.max(0, Math.floor((this.#deps.clock() - this.#started) / 1000))
  }

  #folders(): string[] {
    return [...new Set(this.#deps.paths().map((path) => `/${path.split('/')[1]}`))].sort()
  }
}

const asks = ({ parameters }: Clause, kind: string): boolean =>
  parameters.get('g') === GROUP && parameters.get('as') === kind && VERSIONS.includes(parameters.get('v') ?? '')

function flagsText(flags: Readonly<Record<string, string>>): string {
  const lines = Object.keys(flags)
    .sort()
    .map((name) => `${name}=${flags[name]}\n`)
  return `\n${COMPONENT} flags\n${NOT_FOR_MACHINES}\n${lines.join('')}`
}

/** `Wed Oct 16 21:03:43 UTC 2024` */
function unixDate(ms: number): string {
  const [, day, date, month, year, time] = /^(\w+), (\d+) (\w+) (\d+) ([\d:]+)/.exec(new Date(ms).toUTCString())!
  return `${day} ${month} ${String(Number(date)).padStart(2)} ${time} UTC ${year}`
}
