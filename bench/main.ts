import { execFile } from 'node:child_process'
import { access, constants, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { type Case, cases, type Measured } from './cases.ts'
import { type Row, report, unitOf, type Yardsticks } from './report.ts'
import { Target } from './target.ts'
import { nginxBinary, Yardstick } from './yardstick.ts'

const HELP = `Measures the server beside nginx, which says what the machine can do at the moment.

  NAME …           the cases of these names, and those whose name goes on after it and a hyphen; all by default

  --quick          one short round of each: about half a minute
  --only REGEX     the cases whose name or title matches
  --list           print their names and stop
  --server DIR     the checkout to measure; this one by default
  --compare DIR    another checkout, measured in turn with it
  --profile DIR    write a CPU profile of the server there for each case of load
  --json FILE      write the figures there as well
`

const { values: flags, positionals: names } = parseArgs({
  allowPositionals: true,
  options: {
    help: { type: 'boolean' },
    list: { type: 'boolean' },
    quick: { type: 'boolean' },
    only: { type: 'string' },
    server: { type: 'string' },
    compare: { type: 'string' },
    profile: { type: 'string' },
    json: { type: 'string' },
  },
})

/** Seconds of one round, and the number of rounds whose median counts. */
const pace = flags.quick ? { seconds: 1.5, rounds: 1, yardstick: 1 } : { seconds: 3, rounds: 3, yardstick: 3 }
const only = new RegExp(flags.only ?? '', 'i')
const named = (name: string): boolean => names.length === 0 || names.some((one) => name === one || name.startsWith(`${one}-`))
const chosen = cases.filter(({ name, title }) => named(name) && (only.test(name) || only.test(title)))

if (flags.help) console.log(HELP)
else if (flags.list) console.log(chosen.map(({ name, title }) => `${name.padEnd(20)}${title}`).join('\n'))
else {
  await needTools()
  process.exitCode = await main()
}

/** @returns the exit code: 1 when a case failed */
async function main(): Promise<number> {
  const begun = performance.now()
  const folder = await mkdtemp(path.join(os.tmpdir(), 'kube-apiserver-bench-'))
  const checkouts = [flags.server ?? path.dirname(import.meta.dirname), ...(flags.compare ? [flags.compare] : [])]
  if (flags.profile) await mkdir(flags.profile, { recursive: true })
  try {
    await using stack = new AsyncDisposableStack()
    const targets = checkouts.map((checkout, i) => {
      const profiles = i === 0 ? flags.profile : undefined
      return stack.use(new Target(path.resolve(checkout), path.join(folder, String(i)), profiles && path.resolve(profiles)))
    })
    const load = os.loadavg().map((value) => value.toFixed(1))
    console.log(`${os.cpus().length} cores (${os.cpus()[0]?.model}), load ${load.join(' ')}, Node ${process.version}\n`)
    const yardstick = stack.use(await startYardstick(folder, targets[0] as Target))
    const before = await yardstick.measure(pace.yardstick)
    const rows: Row[] = []
    for (const one of chosen) rows.push(await measure(one, targets))
    const yardsticks = { before, after: await yardstick.measure(pace.yardstick) }
    const heads = targets.length > 1 ? checkouts.map((checkout) => path.basename(path.resolve(checkout))) : ['figure']
    console.log(report(rows, yardsticks, heads))
    console.log(`${((performance.now() - begun) / 1000).toFixed(0)} s in all`)
    if (flags.json) await writeFile(flags.json, `${JSON.stringify(figures(rows, yardsticks), undefined, 2)}\n`)
    return rows.some(({ failure }) => failure) ? 1 : 0
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** It uses the certificate that a server made for itself, so that both have the same kind of key. */
async function startYardstick(folder: string, target: Target): Promise<Yardstick> {
  await using server = target.freshServer()
  await server.start()
  const pki = path.join(server.data, 'pki')
  return Yardstick.start(path.join(folder, 'nginx'), {
    cert: path.join(pki, 'apiserver.crt'),
    key: path.join(pki, 'apiserver.key'),
  })
}

/** All rounds of one case: the checkouts take turns, so that what else the machine does meets both. */
async function measure(one: Case, targets: readonly Target[]): Promise<Row> {
  if (process.stderr.isTTY) process.stderr.write(`${one.title} …\r\u001b[K`)
  const results: Measured[][] = targets.map(() => [])
  try {
    for (const target of targets) {
      if (one.pods !== undefined) await target.withPods(one.pods, one.engine)
      if (one.warm) await one.measure(target, 1)
    }
    for (let round = 0; round < (one.once ? 1 : pace.rounds); round++) {
      for (const [i, target] of targets.entries()) {
        const work = () => one.measure(target, pace.seconds)
        results[i]?.push(one.unit === '/s' ? await target.recorded(one.name, work) : await work())
      }
    }
  } catch (error) {
    return {
      case: one,
      values: targets.map(() => undefined),
      cpus: targets.map(() => undefined),
      note: '',
      failure: (error as Error).message,
    }
  }
  const medians = results.map(median)
  return {
    case: one,
    values: medians.map(({ value }) => value),
    cpus: medians.map(({ cpu }) => cpu),
    note: medians[0]?.note ?? '',
  }
}

function median(results: readonly Measured[]): Measured {
  const sorted = [...results].sort((a, b) => a.value - b.value)
  return sorted[sorted.length >> 1] as Measured
}

function figures(rows: readonly Row[], yardsticks: Yardsticks): object {
  const n = unitOf(yardsticks)
  return {
    date: new Date().toISOString(),
    cpu: os.cpus()[0]?.model,
    cores: os.cpus().length,
    load: os.loadavg(),
    node: process.version,
    yardstick: yardsticks,
    cases: rows.map(({ case: { name, unit, reference }, values, cpus, note, failure }) => {
      const share = unit === '/s' && values[0] !== undefined ? values[0] / n : undefined
      return { name, unit, value: values[0], other: values[1], cpu: cpus[0], otherCpu: cpus[1], share, reference, note, failure }
    }),
  }
}

/** Ends the run when a program that it needs isn't there. */
async function needTools(): Promise<void> {
  const missing: string[] = []
  await promisify(execFile)('wrk', ['-v']).catch((error: { code?: unknown }) => {
    // It has no switch that only prints its version and is happy.
    if (error.code === 'ENOENT') missing.push('wrk')
  })
  await access(nginxBinary, constants.X_OK).catch(() => missing.push('nginx-light'))
  if (missing.length === 0) return
  console.error(`The benchmarks need ${missing.join(' and ')}: apt-get install ${missing.join(' ')}`)
  process.exit(2)
}
