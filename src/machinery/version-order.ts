const VERSION = /^v(\d+)(?:(alpha|beta)(\d+))?$/
const STABILITY: Record<string, number> = { alpha: 0, beta: 1 }

/**
 * How versions of an API are ordered: newest stable first, then betas, then alphas, then whatever else by name.
 * @see https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definition-versioning/#version-priority
 */
export function compareVersions(a: string, b: string): number {
  const [x, y] = [VERSION.exec(a), VERSION.exec(b)]
  if (!x || !y) return x ? -1 : y ? 1 : a < b ? -1 : a > b ? 1 : 0
  const key = (m: RegExpExecArray) => [STABILITY[m[2] ?? ''] ?? 2, Number(m[1]), Number(m[3] ?? 0)] as const
  const [p, q] = [key(x), key(y)]
  return q[0] - p[0] || q[1] - p[1] || q[2] - p[2]
}
