/** What authentication counts, under the names that Prometheus shows. */
export type AuthenticationCounter =
  | 'authentication_attempts'
  | 'authenticated_user_requests'
  | 'authentication_token_cache_request_total'
  | 'authentication_token_cache_fetch_total'
  | 'apiserver_impersonation_attempts_total'
  | 'apiserver_impersonation_authorization_attempts_total'
  | 'serviceaccount_valid_tokens_total'
  | 'serviceaccount_stale_tokens_total'
  | 'serviceaccount_legacy_tokens_total'
  | 'serviceaccount_legacy_auto_token_uses_total'
  | 'serviceaccount_legacy_manual_token_uses_total'
  | 'serviceaccount_invalid_legacy_auto_token_uses_total'

export interface AuthenticationMetrics {
  /** Adds one. No label may hold a token, or anything else that a client can make up as it likes. */
  count(counter: AuthenticationCounter, labels?: Readonly<Record<string, string>>): void
}

export const NO_METRICS: AuthenticationMetrics = { count: () => {} }
