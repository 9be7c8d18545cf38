import { Logger, levelOf } from './observability/logger.ts'
import { OptionsError } from './options/flag.ts'
import { parseOptions } from './options/options.ts'
import type { Options } from './options/table.ts'
import { ApiServer } from './server/server.ts'

/** How long a stop may take before the process goes anyway. */
const STOP_WITHIN = 60_000

async function serve(options: Options): Promise<void> {
  const started = performance.now()
  const logger = new Logger({
    level: levelOf(options.v),
    format: options.loggingFormat === 'json' ? 'json' : 'text',
    clock: Date.now,
    write: (line) => process.stderr.write(line),
  })
  // Whoever reads that it is ready may stop it at once, so that signals are taken before.
  const starting = ApiServer.start({ options, logger, clock: Date.now, stdout: process.stdout })
  const stop = (signal: string) => {
    logger.info('stopping', { signal })
    setTimeout(() => process.exit(1), STOP_WITHIN).unref()
    starting
      .then((server) => server.close())
      .then(
        () => process.exit(0),
        (error: unknown) => {
          logger.error('the stop failed', { error })
          process.exit(1)
        },
      )
  }
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)
  const server = await starting
  logger.info('ready', { url: server.url, kubeconfig: server.kubeconfig, ms: Math.round(performance.now() - started) })
}

try {
  const parsed = parseOptions(process.argv.slice(2), process.stdout.columns ?? 0)
  if (parsed.kind === 'options') {
    for (const line of parsed.warnings) console.error(line)
    await serve(parsed.options)
  } else console.log(parsed.text)
} catch (error) {
  const expected =
    error instanceof OptionsError ||
    (error instanceof Error && !['TypeError', 'ReferenceError', 'RangeError'].includes(error.name))
  console.error(expected ? `Error: ${(error as Error).message}` : error)
  process.exit(1)
}
