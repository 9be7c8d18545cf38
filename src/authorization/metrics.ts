/** What the authorizers count. */
export interface AuthorizationMetrics {
  /** An authorizer decided; those without an opinion aren't counted. */
  decided(authorizer: string, decision: 'allowed' | 'denied'): void
}
