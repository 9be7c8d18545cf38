import { built, unbuilt } from './flag.ts'
import { bool, duration, level, moduleVerbosities, quantity, string } from './flag-types.ts'

const buffer =
  'Bytes of info messages to hold back when the streams are split; 0 for none. Units: K, M, G (1000) and Ki, Mi, Gi (1024).'
const split = 'Write errors to the standard error and the rest to the standard output'

export const logFormats = ['json', 'text'] as const

export const logs = {
  'log-flush-frequency': unbuilt(duration, 5_000, 'Longest time between writes of the log.'),
  'log-json-info-buffer-size': unbuilt(
    quantity,
    '0',
    `[Alpha] With the format json: ${buffer} Needs the feature LoggingAlphaOptions.`,
  ),
  'log-json-split-stream': unbuilt(
    bool,
    false,
    `[Alpha] With the format json: ${split}, instead of all to the standard output. Needs the feature LoggingAlphaOptions.`,
  ),
  'log-text-info-buffer-size': unbuilt(
    quantity,
    '0',
    `[Alpha] With the format text: ${buffer} Needs the feature LoggingAlphaOptions.`,
  ),
  'log-text-split-stream': unbuilt(bool, false, `[Alpha] With the format text: ${split}. Needs the feature LoggingAlphaOptions.`),
  'logging-format': built(
    string,
    'text',
    'Form of the log: "json" (needs the feature LoggingBetaOptions, which is on) or "text".',
  ),
  v: built(level, 0, 'How much is logged; higher is more.', { shorthand: 'v' }),
  vmodule: built(moduleVerbosities, [], 'How much single source files log: pattern=N, comma-separated (format text only).'),
}
