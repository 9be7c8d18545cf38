import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { enabledAdmissionPlugins } from './admission.ts'
import { OptionsError } from './flag.ts'
import { optionsWith, type Parsed, parseOptions } from './options.ts'
import { apiEnabled, unknownGroups } from './runtime-config.ts'
import { opensslCiphers } from './secure-serving.ts'
import { controllerEnabled } from './standalone.ts'
import { reportedVersion, versionInfo } from './version.ts'

function parsed(...argv: string[]): Extract<Parsed, { kind: 'options' }> {
  const result = parseOptions(argv)
  assert.ok(result.kind === 'options')
  return result
}

const options = (...argv: string[]) => parsed(...argv).options

const refused = (argv: readonly string[], message: string | RegExp): void =>
  assert.throws(
    () => parseOptions(argv),
    (error) => {
      assert.ok(error instanceof OptionsError)
      assert.ok(!error.message.includes('\n'), 'one line')
      typeof message === 'string' ? assert.equal(error.message, message) : assert.match(error.message, message)
      return true
    },
  )

suite('command line syntax', () => {
  test('values with = and as the next argument', () => {
    assert.equal(options('--secure-port=7443').securePort, 7443)
    assert.equal(options('--secure-port', '7443').securePort, 7443)
    assert.equal(options('--etcd-prefix=a=b').etcdPrefix, 'a=b')
    assert.equal(options('--etcd-prefix', '--x').etcdPrefix, '--x')
    assert.equal(options('--external-hostname=').externalHostname, '')
    assert.equal(options('--secure-port=1', '--secure-port=2').securePort, 2)
  })

  test('switches take a value only with =', () => {
    assert.equal(options('--allow-privileged').allowPrivileged, true)
    assert.equal(options('--allow-privileged=F').allowPrivileged, false)
    assert.equal(options('--anonymous-auth=false').anonymousAuth, false)
    refused(['--allow-privileged', 'false'], '"kube-apiserver" does not take any arguments, got ["false"]')
  })

  test('underscores count as dashes', () => {
    assert.equal(options('--secure_port=7443').securePort, 7443)
    assert.deepEqual(parsed('--secure_port=7443').given, ['secure-port'])
    refused(['--secure_prot=1'], 'unknown flag: --secure_prot')
  })

  test('shorthands', () => {
    for (const argv of [['-v2'], ['-v=2'], ['-v', '2'], ['--v=2'], ['--v', '2']]) assert.equal(options(...argv).v, 2)
    refused(['-v'], "flag needs an argument: 'v' in -v")
    refused(['-x3'], "unknown shorthand flag: 'x' in -x3")
    refused(['-v', 'x'], 'invalid argument "x" for "-v, --v" flag: strconv.ParseUint: parsing "x": invalid syntax')
    assert.equal(parseOptions(['-hv2']).kind, 'help')
  })

  test('what is no flag is refused, empty arguments are not', () => {
    refused(['a', '--secure-port=1', 'b'], '"kube-apiserver" does not take any arguments, got ["a" "b"]')
    refused(['--', '--secure-port=1'], '"kube-apiserver" does not take any arguments, got ["--secure-port=1"]')
    refused(['-'], '"kube-apiserver" does not take any arguments, got ["-"]')
    assert.equal(options('', '--').securePort, 6443)
  })

  test('bad flags', () => {
    refused(['--foo'], 'unknown flag: --foo')
    refused(['--foo=bar'], 'unknown flag: --foo')
    refused(['--constructor=1'], 'unknown flag: --constructor')
    refused(['--cloud-provider=x'], 'unknown flag: --cloud-provider')
    refused(['--secure-port'], 'flag needs an argument: --secure-port')
    refused(['---x'], 'bad flag syntax: ---x')
    refused(['--=x'], 'bad flag syntax: --=x')
    refused(['--secure-port=x'], 'invalid argument "x" for "--secure-port" flag: strconv.ParseInt: parsing "x": invalid syntax')
    refused(['--request-timeout=5'], 'invalid argument "5" for "--request-timeout" flag: time: missing unit in duration "5"')
    refused(
      ['--watch-cache=ja'],
      'invalid argument "ja" for "--watch-cache" flag: strconv.ParseBool: parsing "ja": invalid syntax',
    )
    refused(['--bind-address=x'], 'invalid argument "x" for "--bind-address" flag: failed to parse IP: "x"')
    refused(['--feature-gates=A=true'], 'invalid argument "A=true" for "--feature-gates" flag: unrecognized feature gate: A')
  })

  test('lists are repeated or comma-separated, and replace the default', () => {
    assert.deepEqual(options('--api-audiences=a,b', '--api-audiences', 'c').apiAudiences, ['a', 'b', 'c'])
    assert.deepEqual(options().controllers, ['*'])
    assert.deepEqual(options('--controllers=foo,-bar').controllers, ['foo', '-bar'])
    assert.deepEqual(options('--controllers=').controllers, [])
  })

  test('deprecated flags work and say so', () => {
    const { options, warnings } = parsed('--apiserver-count=3', '--default_watch_cache_size=7')
    assert.equal(options.apiserverCount, 3)
    assert.equal(options.defaultWatchCacheSize, 7)
    assert.equal(warnings.length, 2)
    assert.match(warnings[0]!, /^Flag --apiserver-count has been deprecated, \S/)
    assert.match(warnings[1]!, /^Flag --default-watch-cache-size has been deprecated, \S/)
  })
})

suite('help and version', () => {
  const text = (...argv: string[]): string => {
    const result = parseOptions(argv)
    assert.ok(result.kind !== 'options')
    return result.text
  }

  test('help wins over all but bad flags', () => {
    assert.match(text('--help', 'positional', '--secure-port=0', '--etcd-servers=x'), /^An API server/)
    assert.match(text('-h'), /\n {6}--tls-cert-file string /)
    refused(['--help', '--foo'], 'unknown flag: --foo')
    assert.equal(parseOptions(['--help=false']).kind, 'options')
  })

  test('version', () => {
    assert.equal(text('--version'), 'Kubernetes v1.36.2')
    assert.equal(text('--version=1', '--secure-port=0'), 'Kubernetes v1.36.2')
    assert.match(
      text('--version=raw'),
      /^version\.Info\{Major:"1", Minor:"36", EmulationMajor:"", .* GitVersion:"v1\.36\.2", .* Platform:"\w+\/\w+"\}$/,
    )
    assert.equal(parseOptions(['--version=false']).kind, 'options')
  })

  test('a version to report instead', () => {
    assert.equal(options().version, '')
    assert.equal(options('--version=false').version, '')
    assert.equal(options('--version=v1.36.2-mine+4').version, 'v1.36.2-mine+4')
    assert.equal(reportedVersion('v1.36.2+4').gitVersion, 'v1.36.2+4')
    assert.equal(reportedVersion(''), versionInfo)
    refused(
      ['--version=v1.35.0'],
      'invalid argument "v1.35.0" for "--version" flag: version "v1.35.0" must match major/minor/patch of default version "v1.36.2"',
    )
    refused(['--version=v1'], 'invalid argument "v1" for "--version" flag: could not parse "v1" as version')
    refused(['--version=x'], 'invalid argument "x" for "--version" flag: strconv.ParseBool: parsing "x": invalid syntax')
  })
})

suite('options', () => {
  test('are frozen all through', () => {
    const result = parsed('--tls-cipher-suites=TLS_AES_128_GCM_SHA256', '--runtime-config=api/beta=true')
    const frozen = (value: unknown): boolean =>
      typeof value !== 'object' || value === null || (Object.isFrozen(value) && Object.values(value).every(frozen))
    assert.ok(frozen(result))
    assert.throws(() => (result.options.controllers as string[]).push('x'), TypeError)
    assert.throws(() => Object.assign(result.options.serviceNodePortRange, { base: 1 }), TypeError)
    assert.equal(options().serviceNodePortRange.base, 30000)
  })

  test('follow from each other', () => {
    const plain = options()
    assert.deepEqual(plain.authorizationMode, ['Node', 'RBAC'])
    assert.equal(plain.anonymousAuth, true)
    assert.equal(plain.certDir, '.kube-apiserver/pki')
    assert.deepEqual(plain.serviceClusterIpRange, ['10.0.0.0/24'])
    assert.deepEqual(plain.serviceAccountIssuer, ['https://kubernetes.default.svc.cluster.local'])
    assert.deepEqual(plain.apiAudiences, plain.serviceAccountIssuer)
    assert.equal(options('--bind-address=').bindAddress, '0.0.0.0')
    assert.equal(options('--data-dir=/x').certDir, '/x/pki')
    assert.equal(options('--data-dir=/x', '--cert-dir=/y').certDir, '/y')
    assert.deepEqual(options('--service-cluster-ip-range=10.96.3.0/12,FD00::1/108').serviceClusterIpRange, [
      '10.96.0.0/12',
      'fd00::/108',
    ])
    assert.deepEqual(
      { ...options('--runtime-config=v1=true,api/legacy=false,apps/v1').runtimeConfig },
      { '/v1': 'true', 'apps/v1': '' },
    )
  })

  test('AlwaysAllow excludes anonymous requests', () => {
    const { options, warnings } = parsed('--authorization-mode=AlwaysAllow')
    assert.equal(options.anonymousAuth, false)
    assert.equal(warnings.length, 1)
    assert.deepEqual(parsed('--authorization-mode=AlwaysAllow', '--anonymous-auth=false').warnings, [])
  })

  test('can be made by a program', () => {
    assert.deepEqual(optionsWith({}), options())
    assert.equal(optionsWith({ securePort: 1234, dataDir: '/x' }).certDir, '/x/pki')
    assert.throws(() => optionsWith({ securePort: 0 }), OptionsError)
    assert.throws(() => optionsWith({ coordinatedLeadershipRetryPeriod: 1 }), {
      message: /^--coordinated-leadership-retry-period is not built yet/,
    })
  })
})

suite('what is not built yet', () => {
  test('stops the start with one line', () => {
    refused(['--debug-socket-path=x'], '--debug-socket-path is not built yet: leave it out, or give its default ("")')
    refused(
      ['--coordinated-leadership-retry-period=1s'],
      '--coordinated-leadership-retry-period is not built yet: leave it out, or give its default (2s)',
    )
    refused(['--permit-port-sharing'], '--permit-port-sharing is not built yet: leave it out, or give its default (false)')
    refused(
      ['--debug-socket-path=x', '--coordinated-leadership-retry-period=3s'],
      'not built yet: --debug-socket-path (""), --coordinated-leadership-retry-period (2s): leave them out, or give their defaults',
    )
  })

  test('may be given its default, in any form', () => {
    options(
      '--debug-socket-path=',
      '--coordinated-leadership-retry-period=2000ms',
      '--permit-port-sharing=F',
      '--oidc-signing-algs=RS256',
    )
  })

  test('is said of single values', () => {
    refused(['--authorization-mode=Scope'], '--authorization-mode: "Scope" is not built yet: leave it out')
    refused(
      ['--enable-admission-plugins=PodNodeSelector'],
      '--enable-admission-plugins: "PodNodeSelector" is not built yet: leave it out',
    )
    refused(['--storage-media-type=application/yaml'], '--storage-media-type: "application/yaml" is not built yet: leave it out')
    options('--disable-admission-plugins=PodNodeSelector', '--storage-media-type=application/json')
    options('--storage-media-type=application/vnd.kubernetes.protobuf')
  })
})

suite('checks between flags', () => {
  const wrong: Readonly<Record<string, readonly [argv: string, message: string][]>> = {
    serving: [
      ['--secure-port=70000', '--secure-port 70000 must be between 1 and 65535, inclusive. It cannot be turned off with 0'],
      ['--secure-port=0', '--secure-port 0 must be between 1 and 65535, inclusive. It cannot be turned off with 0'],
      ['--tls-cipher-suites=X', "Cipher suite X not supported or doesn't exist"],
      ['--tls-min-version=1.2', 'unknown tls version "1.2"'],
      ['--tls-cert-file=a', '--tls-cert-file and --tls-private-key-file must be specified together'],
    ],
    limits: [
      ['--max-requests-inflight=-1', '--max-requests-inflight can not be negative value'],
      ['--request-timeout=-1s', '--request-timeout can not be negative value'],
      ['--min-request-timeout=-1', '--min-request-timeout can not be negative value'],
      ['--shutdown-delay-duration=-1s', '--shutdown-delay-duration can not be negative value'],
      ['--goaway-chance=0.03', '--goaway-chance can not be less than 0 or greater than 0.02'],
      ['--goaway-chance=NaN', '--goaway-chance can not be less than 0 or greater than 0.02'],
    ],
    storage: [
      [
        '--storage-media-type=x',
        '--storage-media-type "x" invalid, allowed values: application/json, application/yaml, application/vnd.kubernetes.protobuf',
      ],
      ['--watch-cache-sizes=pods', 'invalid value of watch cache size: pods'],
      ['--watch-cache-sizes=pods#x', 'invalid size of watch cache size: pods#x'],
      ['--watch-cache-sizes=nodes#1,pods#-1', 'watch cache size cannot be negative: pods#-1'],
      ['--data-dir=', '--data-dir must not be empty'],
    ],
    admission: [
      ['--enable-admission-plugins=X', 'enable-admission-plugins plugin "X" is unknown'],
      ['--disable-admission-plugins=X', 'disable-admission-plugins plugin "X" is unknown'],
    ],
    authorization: [
      ['--authorization-mode=X', 'authorization-mode "X" is not a valid mode'],
      ['--authorization-mode=Node,RBAC,Node', 'authorization-mode ["Node" "RBAC" "Node"] has mode specified more than once'],
      ['--authorization-mode=ABAC', "authorization-mode ABAC's authorization policy file not passed"],
      ['--authorization-mode=Webhook', "authorization-mode Webhook's authorization config file not passed"],
      ['--authorization-policy-file=f', 'cannot specify --authorization-policy-file without mode ABAC'],
      ['--authorization-webhook-config-file=f', 'cannot specify --authorization-webhook-config-file without mode Webhook'],
    ],
    'service accounts': [
      ['--service-account-issuer=', 'service-account-issuer should not be an empty string'],
      ['--service-account-issuer=:x', `service-account-issuer ":x" contained a ':' but was not a valid URL`],
    ],
    'service networks': [
      ['--service-cluster-ip-range=x', 'service-cluster-ip-range[0] is not a valid cidr'],
      ['--service-cluster-ip-range=10.0.0.0/24,x', 'service-cluster-ip-range[1] is not an ip net'],
      [
        '--service-cluster-ip-range=10.0.0.0/24,10.1.0.0/24',
        '--service-cluster-ip-range[0] and --service-cluster-ip-range[1] must be of different IP family',
      ],
      [
        '--service-cluster-ip-range=10.0.0.0/24,fd00::/108,fd01::/108',
        '--service-cluster-ip-range must not contain more than two entries',
      ],
      [
        '--service-cluster-ip-range=10.0.0.0/30',
        'error determining service IP ranges for primary service cidr: the service cluster IP range must be at least 8 IP addresses',
      ],
      ['--advertise-address=fd00::1', 'service IP family "10.0.0.0/24" must match public address family "fd00::1"'],
    ],
    'node ports': [
      [
        '--kubernetes-service-node-port=70000',
        `[--kubernetes-service-node-port 70000 must be between 0 and 65535, inclusive. If 0, the Kubernetes master service will be of type ClusterIP, kubernetes service node port range 30000-32767 doesn't contain 70000]`,
      ],
      ['--kubernetes-service-node-port=80', "kubernetes service node port range 30000-32767 doesn't contain 80"],
    ],
    'runtime config': [
      [
        '--runtime-config=api/all=false',
        '[--runtime-config=api/all=false conflicts with --enable-priority-and-fairness=true, invalid key with only api/all=false]',
      ],
      ['--runtime-config=apps', 'runtime-config invalid key apps'],
      ['--runtime-config=apps/v1=x', 'invalid value of apps/v1: x, err: strconv.ParseBool: parsing "x": invalid syntax'],
      [
        '--runtime-config=api/ga=false,v1=true',
        '--runtime-config=api/ga=false conflicts with --enable-priority-and-fairness=true',
      ],
    ],
    logging: [['--logging-format=xml', 'format: Invalid value: "xml": Unsupported log format']],
    cluster: [
      ['--apiserver-count=0', "--apiserver-count should be a positive number, but value '0' provided"],
      ['--endpoint-reconciler-type=x', '--endpoint-reconciler-type "x" invalid, allowed values: master-count, lease, none'],
    ],
  }
  for (const [name, cases] of Object.entries(wrong)) {
    test(name, () => {
      for (const [argument, message] of cases) refused([argument], message)
    })
  }

  test('of several flags', () => {
    refused(
      ['--max-requests-inflight=0', '--max-mutating-requests-inflight=0'],
      'invalid configuration: MaxRequestsInFlight=0 and MaxMutatingRequestsInFlight=0; they must add up to something positive',
    )
    refused(
      ['--enable-admission-plugins=Priority', '--disable-admission-plugins=ServiceAccount,Priority'],
      '[Priority] in enable-admission-plugins and disable-admission-plugins overlapped',
    )
    refused(['--logging-format=json', '--vmodule=a=1'], 'vmodule: Forbidden: Only supported for text log format')
    refused(['--service-account-issuer=a', '--service-account-issuer=a'], 'service-account-issuer "a" is already specified')
    options('--advertise-address=fd00::1', '--endpoint-reconciler-type=none')
    options('--kubernetes-service-node-port=80', '--service-node-port-range=80-90')
    options('--runtime-config=api/all=false,flowcontrol.apiserver.k8s.io/v1=true')
  })
})

suite('what follows from lists', () => {
  test('admission plugins in order, those that exist', () => {
    const byDefault = [
      'NamespaceLifecycle',
      'LimitRanger',
      'ServiceAccount',
      'TaintNodesByCondition',
      'PodSecurity',
      'Priority',
      'DefaultTolerationSeconds',
      'DefaultStorageClass',
      'StorageObjectInUseProtection',
      'PersistentVolumeClaimResize',
      'RuntimeClass',
      'CertificateApproval',
      'CertificateSigning',
      'CertificateSubjectRestriction',
      'DefaultIngressClass',
      'MutatingAdmissionPolicy',
      'MutatingAdmissionWebhook',
      'ValidatingAdmissionPolicy',
      'ValidatingAdmissionWebhook',
      'ResourceQuota',
    ]
    assert.deepEqual(enabledAdmissionPlugins([], []), byDefault)
    assert.deepEqual(
      enabledAdmissionPlugins(['Priority'], ['ServiceAccount', 'LimitRanger']),
      byDefault.filter((name) => name !== 'ServiceAccount' && name !== 'LimitRanger'),
    )
  })

  test('controllers', () => {
    assert.equal(controllerEnabled(['*'], 'a'), true)
    assert.equal(controllerEnabled(['*'], 'a', false), false)
    assert.equal(controllerEnabled(['*', '-a'], 'a'), false)
    assert.equal(controllerEnabled(['a'], 'a', false), true)
    assert.equal(controllerEnabled(['a'], 'b'), false)
    assert.equal(controllerEnabled([], 'a'), false)
  })

  test('versions of APIs: the narrowest key wins', () => {
    const config = { 'api/all': 'false', 'api/beta': 'true', '/v1': '', 'apps/v1/deployments': 'true', 'x.io/v1beta1': 'false' }
    assert.equal(apiEnabled(config, '', 'v1', false), true)
    assert.equal(apiEnabled(config, 'apps', 'v1', true), false)
    assert.equal(apiEnabled(config, 'apps', 'v1', true, 'deployments'), true)
    assert.equal(apiEnabled(config, 'apps', 'v1', true, 'daemonsets'), false)
    assert.equal(apiEnabled(config, 'y.io', 'v1beta2', false), true)
    assert.equal(apiEnabled(config, 'x.io', 'v1beta1', true), false)
    assert.equal(apiEnabled({}, 'x.io', 'v1alpha1', false), false)
    assert.equal(apiEnabled({ 'api/ga': 'false' }, 'x.io', 'v1alpha1', true), true)
    assert.deepEqual(unknownGroups(config, new Set(['', 'apps'])), ['x.io'])
  })

  test('ciphers in the names of OpenSSL', () => {
    assert.deepEqual(
      opensslCiphers(['TLS_AES_128_GCM_SHA256', 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256', 'TLS_RSA_WITH_RC4_128_SHA']),
      ['TLS_AES_128_GCM_SHA256', 'ECDHE-RSA-AES128-GCM-SHA256'],
    )
  })
})
