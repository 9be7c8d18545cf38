import type { Exchange } from '../machinery/exchange.ts'
import { parseJson, stringifyJson } from '../machinery/go-json.ts'
import { isTrue } from '../machinery/request-info.ts'
import type { StatusError } from '../machinery/status.ts'
import { jsonToYaml } from '../machinery/yaml.ts'
import type { Form } from './negotiation.ts'

/** Whether `?pretty` asks for it, or a client that people look at. */
export function wantsPretty(exchange: Exchange): boolean {
  if (exchange.rawQuery.includes('pretty')) {
    const asked = exchange.query.get('pretty')
    if (asked !== null) return isTrue(asked)
  }
  const agent = exchange.transport.headers['user-agent']
  return typeof agent === 'string' && (agent.startsWith('curl') || agent.startsWith('Wget') || agent.startsWith('Mozilla/5.0'))
}

/** JSON bytes in the wanted media type. */
export function inForm(json: Buffer, form: Form): Buffer {
  if (form.mediaType === 'application/yaml') return Buffer.from(jsonToYaml(parseJson(json)))
  if (form.pretty) return Buffer.from(stringifyJson(parseJson(json), 2))
  return json
}

export function answerJson(exchange: Exchange, code: number, value: unknown, form: Form): void {
  exchange.respond(code, form.mediaType, inForm(Buffer.from(stringifyJson(value)), form))
}

/** Sends an error as its Status, in the form that the client asked for where that is possible. */
export function answerError(exchange: Exchange, error: StatusError): void {
  const yaml = exchange.header('accept') === 'application/yaml' || exchange.header('accept')?.startsWith('application/yaml,')
  const form: Form = { mediaType: yaml ? 'application/yaml' : 'application/json', pretty: wantsPretty(exchange) }
  const body = inForm(Buffer.from(JSON.stringify(error.status)), form)
  exchange.respond(error.code, form.mediaType, body, error.headers)
}
