import { built } from './flag.ts'
import { bool, duration, int, string, strings } from './flag-types.ts'

/** The forms in which objects can be stored; the protobuf default stands for the one this server uses, JSON. */
export const storageMediaTypes = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf'] as const

export const etcd = {
  'default-watch-cache-size': built(int, 100, 'Has no effect: watch caches find their size by themselves.', {
    deprecated: 'watch caches size themselves',
    hidden: true,
  }),
  'delete-collection-workers': built(int, 1, 'How many objects a deletion of a collection deletes at once.'),
  'enable-garbage-collector': built(
    bool,
    true,
    'Support owner references and deletion policies. Must be as in kube-controller-manager.',
  ),
  'encryption-provider-config': built(string, '', 'File that says how resources are encrypted in the storage.'),
  'encryption-provider-config-automatic-reload': built(
    bool,
    false,
    'Follow changes of the --encryption-provider-config file. Health checks then show one entry for all KMS plugins.',
  ),
  'etcd-cafile': built(string, '', 'Certificate authority to verify etcd with.'),
  'etcd-certfile': built(string, '', 'Client certificate for etcd.'),
  'etcd-compaction-interval': built(duration, 300_000, 'How often etcd is compacted; 0 for never.'),
  'etcd-count-metric-poll-period': built(
    duration,
    60_000,
    'How often the objects of each resource are counted for metrics; 0 for never.',
  ),
  'etcd-db-metric-poll-interval': built(duration, 30_000, 'How often the size of the database is read for metrics; 0 for never.'),
  'etcd-healthcheck-timeout': built(duration, 2_000, 'Time that etcd may take to answer a health check.'),
  'etcd-keyfile': built(string, '', 'Key of the client certificate for etcd.'),
  'etcd-prefix': built(string, '/registry', 'What all keys in the storage begin with.'),
  'etcd-readycheck-timeout': built(duration, 2_000, 'Time that etcd may take to answer a readiness check.'),
  'etcd-servers': built(
    strings,
    [],
    'etcd servers (scheme://host:port), comma-separated. Empty: the embedded store in --data-dir.',
  ),
  'etcd-servers-overrides': built(
    strings,
    [],
    "etcd servers for single built-in resources: comma-separated group/resource#servers, the servers separated by semicolons. Example: '/events#http://etcd4:2379;http://etcd5:2379'",
  ),
  'lease-reuse-duration-seconds': built(int, 60, 'Seconds for which objects that expire share an etcd lease.'),
  'storage-backend': built(string, '', "Kind of storage: 'etcd3'."),
  'storage-media-type': built(
    string,
    'application/vnd.kubernetes.protobuf',
    `Form in which objects are stored: ${storageMediaTypes.join(', ')}. Stores keep JSON and take the default to mean that.`,
  ),
  'watch-cache': built(bool, true, 'Serve reads and watches from memory.'),
  'watch-cache-sizes': built(
    strings,
    [],
    'Watch caches to switch off: comma-separated resource[.group]#0, for built-in resources. Any other number leaves the cache on.',
  ),
}

/** One resource that has etcd servers of its own. */
export interface StoreOverride {
  readonly group: string
  readonly resource: string
  readonly servers: readonly string[]
}

/**
 * What `--etcd-servers-overrides` says, entry by entry.
 *
 * @throws Error for an entry of another form than `group/resource#servers`
 */
export function storeOverrides(entries: readonly string[]): StoreOverride[] {
  return entries.map((entry) => {
    const [, group = '', resource = '', servers = ''] = /^([^/#]*)\/([^/#]+)#([^#]+)$/.exec(entry) ?? []
    if (!resource) {
      throw new Error(
        '--etcd-servers-overrides invalid, must be of format: group/resource#servers, where servers are URLs, semicolon separated',
      )
    }
    return { group, resource, servers: servers.split(';') }
  })
}
