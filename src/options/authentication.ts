import { built } from './flag.ts'
import { bool, duration, mapStringString, string, stringArray, strings } from './flag-types.ts'

export const authentication = {
  'anonymous-auth': built(
    bool,
    true,
    'Accept requests without credentials, as the user system:anonymous in the group system:unauthenticated.',
  ),
  'api-audiences': built(
    strings,
    [],
    'Names of this API: a service account token must be meant for one of them. Left out: the --service-account-issuer.',
  ),
  'authentication-config': built(
    string,
    '',
    'File that configures JWT authenticators and anonymous requests. Excludes the --oidc-* flags or --anonymous-auth if it does their part.',
  ),
  'authentication-token-webhook-cache-ttl': built(duration, 120_000, 'How long answers of the token webhook are remembered.'),
  'authentication-token-webhook-config-file': built(
    string,
    '',
    'Kubeconfig of the server that is asked who a bearer token belongs to.',
  ),
  'authentication-token-webhook-version': built(
    string,
    'v1beta1',
    'API version of the TokenReview objects (authentication.k8s.io) for the token webhook.',
  ),
  'client-ca-file': built(
    string,
    '',
    "Certificate authorities for client certificates: a client with a certificate of one of them is the user in the certificate's common name, in the groups of its organizations.",
  ),
  'enable-bootstrap-token-auth': built(
    bool,
    false,
    "Accept the tokens in secrets of type 'bootstrap.kubernetes.io/token' in the namespace kube-system, with which nodes join.",
  ),
  'oidc-ca-file': built(string, '', "Certificate authorities to verify the OpenID server with. Left out: the host's own."),
  'oidc-client-id': built(string, '', 'Client that OpenID tokens must be meant for; required with --oidc-issuer-url.'),
  'oidc-groups-claim': built(string, '', "OpenID claim with the user's groups: a string or a list of strings."),
  'oidc-groups-prefix': built(string, '', 'What to put before the groups, so that they cannot be mistaken for others.'),
  'oidc-issuer-url': built(string, '', 'OpenID issuer whose tokens are accepted; https only.'),
  'oidc-required-claim': built(mapStringString, {}, 'A key=value that an OpenID token must hold. May be repeated.'),
  'oidc-signing-algs': built(
    strings,
    ['RS256'],
    'Signing algorithms that OpenID tokens may use, comma-separated: RS256, RS384, RS512, ES256, ES384, ES512, PS256, PS384, PS512 (RFC 7518, section 3.1).',
  ),
  'oidc-username-claim': built(
    string,
    'sub',
    "OpenID claim with the user's name. Only 'sub' is sure to be unique and to stay the same.",
  ),
  'oidc-username-prefix': built(
    string,
    '',
    "What to put before the user's name; '-' for nothing. Left out: the issuer, unless the claim is 'email'.",
  ),
  'requestheader-allowed-names': built(
    strings,
    [],
    'Common names of the client certificates that may name users in request headers. Empty: any of --requestheader-client-ca-file.',
  ),
  'requestheader-client-ca-file': built(
    string,
    '',
    'Certificate authorities for clients that may name users in request headers. Do not take their requests for authorized.',
  ),
  'requestheader-extra-headers-prefix': built(
    strings,
    [],
    "What headers with the user's further properties begin with; usually X-Remote-Extra-.",
  ),
  'requestheader-group-headers': built(strings, [], "Headers with the user's groups; usually X-Remote-Group."),
  'requestheader-uid-headers': built(
    strings,
    [],
    "Headers with the user's UID; usually X-Remote-Uid. Needs the feature RemoteRequestHeaderUID.",
  ),
  'requestheader-username-headers': built(strings, [], "Headers with the user's name; usually X-Remote-User."),
  'service-account-extend-token-expiration': built(
    bool,
    true,
    'Let the tokens in pods live up to a year, whatever --service-account-max-token-expiration says, for programs that do not read them anew.',
  ),
  'service-account-issuer': built(
    stringArray,
    [],
    "Issuer named in service account tokens (claim 'iss'), best an https URL that serves the OpenID discovery document. May be repeated: the first is used for new tokens, all are accepted. Left out: https://kubernetes.default.svc.cluster.local.",
  ),
  'service-account-jwks-uri': built(
    string,
    '',
    'Where the OpenID discovery document says that the keys are, if others reach this server under another URL.',
  ),
  'service-account-key-file': built(
    stringArray,
    [],
    'File with keys, public or private, that service account tokens may be signed with. May be repeated, and may hold several. Left out: the key that this server signs with.',
  ),
  'service-account-lookup': built(bool, true, 'Accept service account tokens only while the account exists.'),
  'service-account-max-token-expiration': built(
    duration,
    0,
    'Longest life of a service account token; a request for more gets this.',
  ),
  'token-auth-file': built(string, '', 'File of static bearer tokens: lines of token,user,uid[,"group1,group2"].'),
}
