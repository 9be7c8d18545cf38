import { unbuilt } from './flag.ts'
import { string } from './flag-types.ts'

export const egressSelector = {
  'egress-selector-config-file': unbuilt(
    string,
    '',
    'File that says through which proxies the server reaches nodes, etcd and other servers.',
  ),
}
