import type { AdmissionPlugin } from '../admission/plugin.ts'
import type { Options } from '../options/table.ts'
import type { KindEnvironment } from '../registry/context.ts'

/** The plugins that the flags switch on, in the reference's order. */
export function admissionPlugins(_options: Options, _env: KindEnvironment): AdmissionPlugin[] {
  return []
}
