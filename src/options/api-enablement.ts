import { built } from './flag.ts'
import { configurationMap } from './flag-types.ts'

export const apiEnablement = {
  'runtime-config': built(
    configurationMap,
    {},
    [
      'Built-in APIs to switch on or off, comma-separated:',
      'v1=true|false for the core group',
      '<group>/<version>=true|false for one version of a group, such as apps/v1=true',
      'api/all=true|false for all versions',
      'api/ga=true|false for the stable ones (v1)',
      'api/beta=true|false for the beta ones (v1beta1)',
      'api/alpha=true|false for the alpha ones (v1alpha1)',
      'A narrower key wins over a wider one. api/legacy has no effect.',
    ].join('\n'),
  ),
}
