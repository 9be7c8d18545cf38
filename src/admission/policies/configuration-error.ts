/** A policy or a binding that can't be applied as it is. */
export class ConfigurationError extends Error {
  override name = 'ConfigurationError'
}
