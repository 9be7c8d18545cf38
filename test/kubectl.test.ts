import assert from 'node:assert/strict'
import { chmodSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, suite, test } from 'node:test'
import { findKubectl, KUBECTL_VERSIONS, Kubectl, linesUntil, skipWithout } from './support/kubectl.ts'
import { ServerProcess, temporaryFolder } from './support/server-process.ts'

// Everyday use, as a newcomer does it: a server on an empty folder, and kubectl with the kubeconfig that it wrote. Nothing but the
// server runs: no nodes, and only its own controllers.

let server: ServerProcess

before(async () => {
  server = await ServerProcess.start()
})
after(() => server[Symbol.asyncDispose]())

for (const version of KUBECTL_VERSIONS) {
  const binary = findKubectl(version)
  const options = { skip: skipWithout(`kubectl ${version}`, binary), timeout: 120_000 }
  suite(`kubectl ${version}`, options, () => everydayUse(version, binary))
}

function everydayUse(version: string, binary: string | undefined): void {
  const namespace = `kubectl-${version.replace('.', '-')}`
  const home = temporaryFolder('home')
  let kubectl: Kubectl

  before(async () => {
    assert.ok(binary, `kubectl ${version} is missing`)
    kubectl = new Kubectl({ binary, kubeconfig: server.kubeconfig, namespace, home })
    assert.equal(await kubectl.sh(`create namespace ${namespace}`), `namespace/${namespace} created\n`)
  })
  after(() => rmSync(home, { recursive: true, force: true }))

  const file = (name: string, content: string): string => {
    const at = path.join(home, name)
    writeFileSync(at, content)
    return at
  }

  test('version and api-versions', async () => {
    const said = JSON.parse(await kubectl.sh('version --output=json'))
    assert.match(said.serverVersion.gitVersion, /^v1\.36\./)
    const versions = (await kubectl.sh('api-versions')).trim().split('\n')
    for (const wanted of ['v1', 'apps/v1', 'batch/v1', 'networking.k8s.io/v1', 'rbac.authorization.k8s.io/v1']) {
      assert.ok(versions.includes(wanted), `${wanted} in ${versions}`)
    }
  })

  test('api-resources', async () => {
    const table = await kubectl.sh('api-resources')
    assert.match(table, /^NAME +SHORTNAMES +APIVERSION +NAMESPACED +KIND$/m)
    assert.match(table, /^pods +po +v1 +true +Pod$/m)
    assert.match(table, /^deployments +deploy +apps\/v1 +true +Deployment$/m)
    assert.match(table, /^customresourcedefinitions +crd,crds +apiextensions\.k8s\.io\/v1 +false +CustomResourceDefinition$/m)
    const names = (await kubectl.sh('api-resources --api-group=apps --output=name')).trim().split('\n')
    assert.deepEqual(names.sort(), [
      'controllerrevisions.apps',
      'daemonsets.apps',
      'deployments.apps',
      'replicasets.apps',
      'statefulsets.apps',
    ])
    assert.match(await kubectl.sh('api-resources --namespaced=false --verbs=list,watch'), /^nodes +no +v1 +false +Node$/m)
  })

  test('explain, with descriptions', async () => {
    const pod = await kubectl.sh('explain pods')
    assert.match(pod, /^KIND: +Pod$/m)
    assert.match(pod, /^VERSION: +v1$/m)
    assert.match(pod, /Pod is a collection of containers that can run on a host/)
    assert.match(await kubectl.sh('explain deployment.spec.replicas'), /Number of desired pods/)
    assert.match(await kubectl.sh('explain cronjobs.spec --recursive'), /^ +concurrencyPolicy\s+<string>/m)
  })

  test('create', async () => {
    assert.equal(await kubectl.sh('create deployment web --image=nginx:1.25 --replicas=2'), 'deployment.apps/web created\n')
    assert.equal(await kubectl.sh('create configmap settings --from-literal=color=blue'), 'configmap/settings created\n')
    assert.equal(await kubectl.sh('create secret generic keys --from-literal=a=b'), 'secret/keys created\n')
    assert.equal(await kubectl.sh('create serviceaccount robot'), 'serviceaccount/robot created\n')
    assert.equal(await kubectl.sh('create service clusterip web --tcp=80:8080'), 'service/web created\n')
    assert.equal(await kubectl.sh('create job once --image=busybox'), 'job.batch/once created\n')
    assert.equal(
      await kubectl.run(['create', 'cronjob', 'often', '--image=busybox', '--schedule=*/5 * * * *']),
      'cronjob.batch/often created\n',
    )
    assert.equal(await kubectl.sh('create ingress web --rule=example.org/*=web:80'), 'ingress.networking.k8s.io/web created\n')
    assert.equal(
      await kubectl.sh('create role reader --verb=get,list --resource=pods'),
      'role.rbac.authorization.k8s.io/reader created\n',
    )
    assert.equal(
      await kubectl.sh('create poddisruptionbudget web --selector=app=web --min-available=1'),
      'poddisruptionbudget.policy/web created\n',
    )
    const pods = [
      '{"kind":"Pod","apiVersion":"v1","metadata":{"name":"json"},',
      '"spec":{"containers":[{"name":"c","image":"i"}]}}',
    ]
    assert.equal(await kubectl.sh('create -f -', pods.join('')), 'pod/json created\n')
    assert.equal(await kubectl.sh('create -f -', POD_YAML), 'pod/yaml created\n')
    assert.equal(await kubectl.sh('run single --image=nginx --labels=app=single'), 'pod/single created\n')
    const again = await kubectl.output(['create', '-f', '-'], { input: POD_YAML })
    assert.equal(again.code, 1)
    assert.match(again.stderr, /^Error from server \(AlreadyExists\): .*pods "yaml" already exists$/m)
    const dry = await kubectl.sh('create deployment dry --image=nginx --dry-run=server --output=yaml')
    assert.match(dry, /^ {2}uid: /m)
    assert.match(dry, /^ {2}revisionHistoryLimit: 10$/m)
    assert.equal((await kubectl.output(['get', 'deployment', 'dry'])).code, 1)
  })

  test('get', async () => {
    const rows = (text: string): string[] => text.trim().split('\n')
    assert.deepEqual(
      rows(await kubectl.sh('get deployments')).map((row) => row.split(/ +/).slice(0, 4)),
      [
        ['NAME', 'READY', 'UP-TO-DATE', 'AVAILABLE'],
        ['web', '0/2', '0', '0'],
      ],
    )
    assert.match(
      await kubectl.sh('get deployments -o wide'),
      /CONTAINERS +IMAGES +SELECTOR\nweb .* nginx +nginx:1\.25 +app=web\n/,
    )
    assert.match(await kubectl.sh('get pods'), /^NAME +READY +STATUS +RESTARTS +AGE\njson +0\/1 +Pending +0 +\d+s\n/)
    assert.match(await kubectl.sh('get pods -o wide --show-labels'), /NOMINATED NODE +READINESS GATES +LABELS\n/)
    assert.match(await kubectl.sh('get service web'), /^web +ClusterIP +10\.0\.0\.\d+ +<none> +80\/TCP +\d+s$/m)
    assert.match(
      await kubectl.sh('get cronjob,job'),
      /^cronjob\.batch\/often +\*\/5 \* \* \* \* +<none> +False +0 +<none> +\d+s$/m,
    )
    assert.match(await kubectl.sh('get pod yaml -o yaml'), /^ {2}dnsPolicy: ClusterFirst$/m)
    assert.equal(
      JSON.parse(await kubectl.sh('get pod yaml -o json')).spec.containers[0].terminationMessagePath,
      '/dev/termination-log',
    )
    assert.equal(await kubectl.sh('get pod yaml -o jsonpath={.spec.containers[0].image}'), 'nginx:1.25')
    assert.equal(await kubectl.sh('get pod yaml --template={{.metadata.name}}'), 'yaml')
    assert.deepEqual(
      rows(await kubectl.sh('get pods -o custom-columns=N:.metadata.name,P:.status.phase')).map((row) => row.split(/ +/)),
      [
        ['N', 'P'],
        ['json', 'Pending'],
        ['single', 'Pending'],
        ['yaml', 'Pending'],
      ],
    )
    const sorted = 'get pods --sort-by={.spec.containers[0].image} -o name'
    assert.equal(await kubectl.sh(sorted), 'pod/json\npod/single\npod/yaml\n')
    assert.equal(rows(await kubectl.sh('get pods --sort-by=.metadata.creationTimestamp --no-headers')).length, 3)
    assert.equal(await kubectl.sh('get pods -l app=single -o name'), 'pod/single\n')
    assert.equal(await kubectl.run(['get', 'pods', '-l', 'app notin (single)', '-o', 'name']), 'pod/json\npod/yaml\n')
    assert.equal(await kubectl.sh('get pods --field-selector=metadata.name=yaml -o name'), 'pod/yaml\n')
    assert.equal(await kubectl.sh('get pods --field-selector=status.phase!=Pending --ignore-not-found'), '')
    assert.match(await kubectl.sh('get pods --all-namespaces'), new RegExp(`^${namespace} +single +0/1 +Pending`, 'm'))
    assert.equal(rows(await kubectl.sh('get pods --chunk-size=1 --no-headers')).length, 3)
    assert.match(await kubectl.sh('get all'), /^service\/web [\s\S]*^deployment\.apps\/web [\s\S]*^job\.batch\/once /m)
    const missing = await kubectl.output(['get', 'pod', 'nope'])
    assert.deepEqual(missing, { code: 1, stdout: '', stderr: 'Error from server (NotFound): pods "nope" not found\n' })
    assert.match((await kubectl.output(['get', 'nonsense'])).stderr, /the server doesn't have a resource type "nonsense"/)
  })

  test('what a fresh cluster holds', async () => {
    assert.match(await kubectl.sh('get namespaces'), /^default +Active +/m)
    assert.match(await kubectl.sh('get namespaces'), /^kube-system +Active +/m)
    assert.match(
      await kubectl.sh('get service kubernetes -n default'),
      /^kubernetes +ClusterIP +10\.0\.0\.1 +<none> +443\/TCP +/m,
    )
    assert.match(await kubectl.sh('get priorityclasses'), /^system-node-critical +2000001000 +false +/m)
  })

  test('describe', async () => {
    const deployment = await kubectl.sh('describe deployment web')
    assert.match(deployment, /^Name: +web$/m)
    assert.match(deployment, /^Replicas: +2 desired \| 0 updated \| 0 total \| 0 available \| 0 unavailable$/m)
    assert.match(deployment, /^RollingUpdateStrategy: +25% max unavailable, 25% max surge$/m)
    assert.match(await kubectl.sh('describe pod yaml'), /^QoS Class: +BestEffort$/m)
    assert.match(await kubectl.sh('describe pod yaml'), /node\.kubernetes\.io\/not-ready:NoExecute op=Exists for 300s/)
    assert.match(await kubectl.sh('describe service web'), /^Port: +80-8080 +80\/TCP$/m)
    assert.match(await kubectl.sh(`describe namespace ${namespace}`), /^Status: +Active$/m)
  })

  test('label and annotate', async () => {
    assert.equal(await kubectl.sh('label pod yaml tier=front'), 'pod/yaml labeled\n')
    assert.match((await kubectl.output(['label', 'pod', 'yaml', 'tier=back'])).stderr, /already has a value \(front\)/)
    assert.equal(await kubectl.sh('label pod yaml tier=back --overwrite'), 'pod/yaml labeled\n')
    assert.equal(await kubectl.sh('get pods -l tier=back -o name'), 'pod/yaml\n')
    assert.equal(await kubectl.sh('label pod yaml tier-'), 'pod/yaml unlabeled\n')
    assert.equal(await kubectl.sh('label pods --all seen=yes'), 'pod/json labeled\npod/single labeled\npod/yaml labeled\n')
    assert.match(await kubectl.run(['annotate', 'pod', 'yaml', 'note=hello world']), /^pod\/yaml annotated?\n$/)
    assert.equal(await kubectl.sh('get pod yaml -o jsonpath={.metadata.annotations.note}'), 'hello world')
    assert.match(await kubectl.sh('annotate pod yaml note-'), /^pod\/yaml annotated?\n$/)
    assert.match((await kubectl.output(['label', 'pod', 'yaml', 'a=b c'])).stderr, /a valid label must be/)
  })

  test('edit', async () => {
    const editor = file('editor.sh', '#!/bin/sh\nsed -i "s/replicas: 2/replicas: 3/" "$1"\n')
    chmodSync(editor, 0o755)
    const run = (args: string[], edit: string) => kubectl.output(['edit', ...args], { env: { KUBE_EDITOR: edit, EDITOR: edit } })
    assert.deepEqual(await run(['deployment', 'web'], editor), { code: 0, stdout: 'deployment.apps/web edited\n', stderr: '' })
    assert.equal(await kubectl.sh('get deployment web -o jsonpath={.spec.replicas}'), '3')
    assert.match((await run(['deployment', 'web'], '/bin/true')).stderr, /Edit cancelled, no changes made/)
  })

  test('patch, all three types', async () => {
    const patch = (...args: string[]) => kubectl.run(['patch', 'deployment', 'web', ...args])
    assert.equal(
      await patch('--type=json', '-p', '[{"op":"replace","path":"/spec/replicas","value":4}]'),
      'deployment.apps/web patched\n',
    )
    assert.equal(await patch('--type=merge', '-p', '{"spec":{"paused":true}}'), 'deployment.apps/web patched\n')
    assert.equal(
      await patch('-p', '{"spec":{"template":{"spec":{"containers":[{"name":"side","image":"busybox"}]}}}}'),
      'deployment.apps/web patched\n',
    )
    assert.equal(
      await kubectl.sh('get deployment web -o jsonpath={.spec.replicas}:{.spec.paused}:{.spec.template.spec.containers[*].name}'),
      '4:true:side nginx',
    )
    assert.equal(await patch('-p', '{"spec":{"replicas":4}}'), 'deployment.apps/web patched (no change)\n')
    const strategic = '{"spec":{"paused":null,"template":{"spec":{"containers":[{"name":"side","$patch":"delete"}]}}}}'
    await patch('--type=strategic', '-p', strategic)
    assert.equal(
      await kubectl.sh('get deployment web -o jsonpath={.spec.paused}:{.spec.template.spec.containers[*].name}'),
      ':nginx',
    )
    const failed = await kubectl.output([
      'patch',
      'deployment',
      'web',
      '--type=json',
      '-p',
      '[{"op":"remove","path":"/spec/nope"}]',
    ])
    assert.equal(failed.code, 1)
    assert.match(failed.stderr, /the server rejected our request due to an error in our request|Unable to remove nonexistent key/)
  })

  test('replace', async () => {
    const current = await kubectl.sh('get configmap settings -o json')
    const changed = current.replace('"blue"', '"red"')
    assert.equal(await kubectl.sh('replace -f -', changed), 'configmap/settings replaced\n')
    assert.equal(await kubectl.sh('get configmap settings -o jsonpath={.data.color}'), 'red')
    const stale = await kubectl.output(['replace', '-f', '-'], { input: changed })
    assert.equal(stale.code, 1)
    assert.match(stale.stderr, /^Error from server \(Conflict\): .*the object has been modified; please apply your changes/m)
    const forced = await kubectl.sh('replace --force -f -', POD_YAML)
    assert.match(forced, /^pod "yaml" deleted.*\npod\/yaml replaced\n$/)
  })

  test('apply and diff', async () => {
    const manifest = (replicas: number, extra = '') => `${DEPLOYMENT_YAML.replace('REPLICAS', String(replicas))}${extra}`
    const apply = (text: string) => kubectl.sh('apply -f -', text)
    const diff = (text: string) => kubectl.output(['diff', '-f', '-'], { input: text })

    const before = await diff(manifest(1))
    assert.equal(before.code, 1)
    assert.match(before.stdout, /^\+kind: Deployment$/m)
    assert.equal(await apply(manifest(1)), 'deployment.apps/applied created\n')
    assert.equal(await apply(manifest(1)), 'deployment.apps/applied unchanged\n')
    assert.deepEqual(await diff(manifest(1)), { code: 0, stdout: '', stderr: '' })

    const changed = await diff(manifest(2))
    assert.equal(changed.code, 1)
    assert.match(changed.stdout, /^- {2}replicas: 1\n\+ {2}replicas: 2$/m)
    assert.equal(await apply(manifest(2)), 'deployment.apps/applied configured\n')
    assert.equal(await kubectl.sh('get deployment applied -o jsonpath={.spec.replicas}:{.metadata.generation}'), '2:2')

    // What a manifest no longer says goes; what it never said stays.
    await kubectl.sh('label deployment applied mine=yes')
    await apply(manifest(2, '  minReadySeconds: 7\n'))
    assert.equal(await kubectl.sh('get deployment applied -o jsonpath={.spec.minReadySeconds}'), '7')
    await apply(manifest(2))
    assert.equal(await kubectl.sh('get deployment applied -o jsonpath={.spec.minReadySeconds}:{.metadata.labels.mine}'), ':yes')
    assert.match(await kubectl.sh('apply view-last-applied deployment applied'), /^ {2}replicas: 2$/m)

    const unknown = await kubectl.output(['apply', '-f', '-'], { input: manifest(2, '  nonsense: 1\n') })
    assert.equal(unknown.code, 1)
    assert.match(unknown.stderr, /unknown field "spec\.nonsense"/)
    const wrong = await kubectl.output(['apply', '-f', '-'], { input: manifest(-1) })
    assert.match(wrong.stderr, /spec\.replicas: Invalid value: -1: must be greater than or equal to 0/)
  })

  test('scale, set, expose, autoscale', async () => {
    assert.equal(await kubectl.sh('scale deployment web --replicas=5'), 'deployment.apps/web scaled\n')
    assert.equal(await kubectl.sh('get deployment web -o jsonpath={.spec.replicas}'), '5')
    const other = await kubectl.output(['scale', 'deployment', 'web', '--current-replicas=1', '--replicas=2'])
    assert.match(other.stderr, /Expected replicas to be 1, was 5/)
    assert.equal(await kubectl.sh('set image deployment/web nginx=nginx:1.26'), 'deployment.apps/web image updated\n')
    assert.equal(await kubectl.sh('set env deployment/web MODE=fast'), 'deployment.apps/web env updated\n')
    assert.equal(
      await kubectl.sh('set resources deployment web --limits=cpu=200m,memory=64Mi'),
      'deployment.apps/web resource requirements updated\n',
    )
    assert.equal(
      await kubectl.sh(
        'get deployment web -o jsonpath={.spec.template.spec.containers[0].image}:{..env[0].value}:{..limits.cpu}',
      ),
      'nginx:1.26:fast:200m',
    )
    assert.equal(await kubectl.sh('expose deployment web --name=exposed --port=80 --type=NodePort'), 'service/exposed exposed\n')
    assert.match(await kubectl.sh('get service exposed'), /^exposed +NodePort +10\.0\.0\.\d+ +<none> +80:3[0-2]\d{3}\/TCP/m)
    assert.equal(
      await kubectl.sh('autoscale deployment web --max=9 --cpu-percent=50'),
      'horizontalpodautoscaler.autoscaling/web autoscaled\n',
    )
    assert.match(await kubectl.sh('get hpa web'), /^web +Deployment\/web +(cpu: )?<unknown>\/50% +1 +9 +0 +\d+s$/m)
  })

  test('rollout, as far as nobody acts on it', async () => {
    assert.match(
      await kubectl.sh('rollout status deployment web --watch=false'),
      /Waiting for deployment spec update to be observed/,
    )
    const history = await kubectl.output(['rollout', 'history', 'deployment', 'web'])
    assert.match(history.stdout + history.stderr, /No rollout history found|^REVISION +CHANGE-CAUSE/m)
    assert.equal(await kubectl.sh('rollout pause deployment web'), 'deployment.apps/web paused\n')
    assert.equal(await kubectl.sh('rollout resume deployment web'), 'deployment.apps/web resumed\n')
    assert.equal(await kubectl.sh('rollout restart deployment web'), 'deployment.apps/web restarted\n')

    // What the controller would make of it.
    const deployment = JSON.parse(await kubectl.sh('get deployment web -o json'))
    const owner = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: deployment.metadata.uid, controller: true }
    const labels = { ...deployment.spec.template.metadata.labels, 'pod-template-hash': '5d8c' }
    const replicaSet = {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: {
        name: 'web-5d8c',
        labels,
        ownerReferences: [owner],
        annotations: { 'deployment.kubernetes.io/revision': '1', 'kubernetes.io/change-cause': 'the first' },
      },
      spec: {
        replicas: 5,
        selector: { matchLabels: labels },
        template: { ...deployment.spec.template, metadata: { labels } },
      },
    }
    await kubectl.sh('create -f -', JSON.stringify(replicaSet))
    assert.match(await kubectl.sh('rollout history deployment web'), /^1 +the first$/m)
    assert.match(await kubectl.sh('rollout history deployment web --revision=1'), /^ +Image:\s+nginx:1\.26$/m)
    const status = {
      observedGeneration: deployment.metadata.generation,
      replicas: 5,
      updatedReplicas: 5,
      readyReplicas: 5,
      availableReplicas: 5,
    }
    await kubectl.run(['patch', 'deployment', 'web', '--subresource=status', '--type=merge', '-p', JSON.stringify({ status })])
    assert.equal(await kubectl.sh('rollout status deployment web'), 'deployment "web" successfully rolled out\n')
  })

  test('wait', async () => {
    assert.equal(
      await kubectl.sh('wait --for=jsonpath={.status.phase}=Pending pod/single --timeout=5s'),
      'pod/single condition met\n',
    )
    const never = await kubectl.output(['wait', '--for=condition=Ready', 'pod/single', '--timeout=1s'])
    assert.equal(never.code, 1)
    assert.match(never.stderr, /timed out waiting for the condition on pods\/single/)
    const waiting = kubectl.output(['wait', '--for=condition=Ready', 'pod/single', '--timeout=20s'])
    const status = { conditions: [{ type: 'Ready', status: 'True' }] }
    await kubectl.run(['patch', 'pod', 'single', '--subresource=status', '-p', JSON.stringify({ status })])
    assert.deepEqual(await waiting, { code: 0, stdout: 'pod/single condition met\n', stderr: '' })
    const gone = kubectl.output(['wait', '--for=delete', 'pod/single', '--timeout=20s'])
    await kubectl.sh('delete pod single --wait=false')
    assert.equal((await gone).code, 0)
  })

  test('get --watch', async () => {
    const watch = kubectl.start(['get', 'pods', '--watch', '--output-watch-events'])
    const exit = new Promise((resolve) => watch.once('exit', resolve))
    try {
      const lines = linesUntil(watch, (all) => all.some((line) => /^DELETED +watched /.test(line)))
      const changes = async (): Promise<void> => {
        // The watch may not be there yet: what is created before it is listed.
        await kubectl.sh('run watched --image=nginx')
        await kubectl.sh('label pod watched app=seen')
        await kubectl.sh('delete pod watched')
      }
      const [seen] = await Promise.all([lines, changes()])
      const events = seen.filter((line) => / watched /.test(line)).map((line) => line.split(/ +/)[0])
      assert.ok(events.includes('ADDED') && events.at(-1) === 'DELETED', String(events))
    } finally {
      watch.kill()
      await exit
    }
  })

  test('get --raw', async () => {
    assert.equal(await kubectl.sh('get --raw /healthz'), 'ok')
    assert.match(await kubectl.sh('get --raw /readyz?verbose'), /^\[\+\]ping ok$/m)
    assert.match(JSON.parse(await kubectl.sh('get --raw /version')).gitVersion, /^v1\.36\./)
    const list = JSON.parse(await kubectl.sh(`get --raw /api/v1/namespaces/${namespace}/pods?limit=1`))
    assert.deepEqual([list.kind, list.items.length], ['PodList', 1])
    const created = await kubectl.sh(
      `create --raw /api/v1/namespaces/${namespace}/configmaps -f -`,
      '{"metadata":{"name":"raw"},"data":{"a":"b"}}',
    )
    assert.equal(JSON.parse(created).data.a, 'b')
    await kubectl.sh(`delete --raw /api/v1/namespaces/${namespace}/configmaps/raw`)
  })

  test('who I am and what I may do', async () => {
    // Older ones ask for versions that are gone.
    if (version !== '1.27') assert.match(await kubectl.sh('auth whoami'), /^Username +kubernetes-admin$/m)
    assert.equal(await kubectl.sh('auth can-i create pods'), 'yes\n')
    const stranger = await kubectl.output(['auth', 'can-i', 'create', 'pods', '--as=nobody'])
    assert.deepEqual([stranger.code, stranger.stdout.split(/[ \n]/)[0]], [1, 'no'])
    const review = {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      spec: { user: 'nobody', resourceAttributes: { verb: 'create', resource: 'pods', namespace } },
    }
    assert.equal(JSON.parse(await kubectl.sh('create -o json -f -', JSON.stringify(review))).status.allowed, false)
  })

  test('delete', async () => {
    assert.match(await kubectl.sh('delete pod json'), /^pod "json" deleted/)
    assert.match(await kubectl.sh('delete deployment applied --cascade=orphan'), /^deployment\.apps "applied" deleted/)
    assert.equal(await kubectl.sh('get deployment applied --ignore-not-found'), '')
    assert.match(await kubectl.sh('delete -f -', POD_YAML), /^pod "yaml" deleted/)
    assert.match(await kubectl.sh('delete configmaps -l nobody=has'), /No resources found/)
    assert.match(await kubectl.sh('delete service,ingress,cronjob --all'), /^cronjob\.batch "often" deleted/m)
    assert.equal(await kubectl.sh('get service,ingress,cronjob --ignore-not-found'), '')
    assert.match((await kubectl.output(['delete', 'pod', 'json'])).stderr, /pods "json" not found/)
    assert.equal(await kubectl.sh('delete pod json --ignore-not-found'), '')
  })
}

const POD_YAML = `apiVersion: v1
kind: Pod
metadata:
  name: yaml
spec:
  containers:
  - name: web
    image: nginx:1.25 # a comment
`

const DEPLOYMENT_YAML = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: applied
spec:
  selector:
    matchLabels: {app: applied}
  template:
    metadata:
      labels: {app: applied}
    spec:
      containers:
      - name: c
        image: nginx
  replicas: REPLICAS
`
