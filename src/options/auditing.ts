import { built } from './flag.ts'
import { bool, duration, float32, int, string } from './flag-types.ts'

const modes =
  'blocking makes the response wait for the event to be written, blocking-strict fails the request if it cannot be, batch collects events and writes them later.'

export const auditModes = ['batch', 'blocking', 'blocking-strict'] as const
export const auditLogFormats = ['legacy', 'json'] as const

export const auditing = {
  'audit-log-batch-buffer-size': built(int, 10_000, 'Events held before they are written (batch mode).'),
  'audit-log-batch-max-size': built(int, 1, 'Events in one batch (batch mode).'),
  'audit-log-batch-max-wait': built(duration, 0, 'Time after which a batch is written though it is not full (batch mode).'),
  'audit-log-batch-throttle-burst': built(int, 0, 'Batches written at once after a quiet time (batch mode).'),
  'audit-log-batch-throttle-enable': built(bool, false, 'Limit the rate of batches (batch mode).'),
  'audit-log-batch-throttle-qps': built(float32, 0, 'Batches a second on average (batch mode).'),
  'audit-log-compress': built(bool, false, 'Compress rotated log files with gzip.'),
  'audit-log-format': built(string, 'json', 'Form of the log: json (one object a line) or legacy (one line of text an event).'),
  'audit-log-maxage': built(int, 366, 'Days after which rotated log files are deleted; 0 for never.'),
  'audit-log-maxbackup': built(int, 100, 'Number of rotated log files to keep; 0 for all.'),
  'audit-log-maxsize': built(int, 100, 'Size in megabytes at which the log file is rotated; 0 for never.'),
  'audit-log-mode': built(string, 'blocking', `How events are written: ${modes}`),
  'audit-log-path': built(string, '', "File to write audit events to; '-' is the standard output."),
  'audit-log-truncate-enabled': built(bool, false, 'Cut events and batches that are too large.'),
  'audit-log-truncate-max-batch-size': built(
    int,
    10_485_760,
    'Bytes above which a batch is split; the written form can be some hundreds of bytes larger.',
  ),
  'audit-log-truncate-max-event-size': built(
    int,
    102_400,
    'Bytes above which an event loses its request and response, and if that is not enough, is dropped.',
  ),
  'audit-log-version': built(string, 'audit.k8s.io/v1', 'API version of the events in the log.'),
  'audit-policy-file': built(string, '', 'File that says which requests are audited, and at what level.'),
  'audit-webhook-batch-buffer-size': built(int, 10_000, 'Events held before they are sent (batch mode).'),
  'audit-webhook-batch-max-size': built(int, 400, 'Events in one batch (batch mode).'),
  'audit-webhook-batch-max-wait': built(duration, 30_000, 'Time after which a batch is sent though it is not full (batch mode).'),
  'audit-webhook-batch-throttle-burst': built(int, 15, 'Batches sent at once after a quiet time (batch mode).'),
  'audit-webhook-batch-throttle-enable': built(bool, true, 'Limit the rate of batches (batch mode).'),
  'audit-webhook-batch-throttle-qps': built(float32, 10, 'Batches a second on average (batch mode).'),
  'audit-webhook-config-file': built(string, '', 'Kubeconfig of the server that audit events are sent to.'),
  'audit-webhook-initial-backoff': built(duration, 10_000, 'Time before the first retry of a failed request.'),
  'audit-webhook-mode': built(string, 'batch', `How events are sent: ${modes}`),
  'audit-webhook-truncate-enabled': built(bool, false, 'Cut events and batches that are too large.'),
  'audit-webhook-truncate-max-batch-size': built(
    int,
    10_485_760,
    'Bytes above which a batch is split; the sent form can be some hundreds of bytes larger.',
  ),
  'audit-webhook-truncate-max-event-size': built(
    int,
    102_400,
    'Bytes above which an event loses its request and response, and if that is not enough, is dropped.',
  ),
  'audit-webhook-version': built(string, 'audit.k8s.io/v1', 'API version of the events that are sent.'),
}
