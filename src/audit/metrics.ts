/** What audit counts, under the reference's names. */
export interface AuditMetrics {
  /** Events that were handed to the backends. */
  event(): void
  /** Events that a backend lost. */
  lost(backend: string, count: number): void
  /** Requests by the level that the policy chose for them. */
  level(level: string): void
  /** Requests that were refused since their event could not be kept. */
  rejected(): void
}
