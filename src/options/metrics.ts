import { unbuilt } from './flag.ts'
import { string, strings, stringToString } from './flag-types.ts'

export const metrics = {
  'allow-metric-labels': unbuilt(
    stringToString,
    {},
    "Values that labels of metrics may have: metric,label='value,value', comma-separated.",
  ),
  'allow-metric-labels-manifest': unbuilt(
    string,
    '',
    'File with the same as --allow-metric-labels, which wins over it, as a map under allowListMapping.',
  ),
  'disabled-metrics': unbuilt(strings, [], 'Metrics to leave out, by their full names; wins over showing hidden ones.'),
  'show-hidden-metrics-for-version': unbuilt(
    string,
    '',
    "Show the metrics that the version after this one (such as '1.35') has hidden. Only the version before the current one is possible, so that it is noticed in time when they go for good.",
  ),
}
