import type { Authenticator, Credentials, Outcome } from './authenticator.ts'
import { bearer } from './bearer.ts'
import type { TokenAuthenticator } from './token.ts'

const PREFIX = 'base64url.bearer.authorization.k8s.io.'

/**
 * Authenticates by a bearer token in the protocols of a WebSocket: browsers can't send an Authorization header with one. The
 * token is base64url, and another protocol must be asked for beside it.
 */
export function webSocketBearer(tokens: TokenAuthenticator): Authenticator<Credentials> {
  const inner = bearer(tokens)
  return {
    name: 'web-socket',
    authenticate(request: Credentials): Outcome {
      const { headers } = request
      // Any other request has no such header: the common case is one look.
      const offered = headers['sec-websocket-protocol']
      if (offered === undefined || !isWebSocket(headers)) return undefined
      const protocols = String(offered)
        .split(',')
        .map((protocol) => protocol.trim())
      const encoded = protocols.filter((protocol) => protocol.startsWith(PREFIX)).map((protocol) => protocol.slice(PREFIX.length))
      if (encoded.length === 0) return undefined
      if (encoded.length > 1) throw new Error('multiple base64.bearer.authorization tokens specified')
      if (protocols.length < 2) throw new Error('missing additional subprotocol')
      if (!/^[\w-]+$/.test(encoded[0]!)) throw new Error('invalid base64.bearer.authorization token encoding')
      const token = Buffer.from(encoded[0]!, 'base64url').toString('latin1')
      return inner.authenticate({ ...request, authorization: `Bearer ${token}`, warn: request.warn })
    },
  }
}

const isWebSocket = (headers: Credentials['headers']): boolean =>
  /\bupgrade\b/i.test(String(headers.connection ?? '')) && String(headers.upgrade ?? '').toLowerCase() === 'websocket'
