import { counter, gauge, label } from './metric-definition.ts';

const SPAN_DROP_REASON = label('reason', [
  'pool_full',
  'parent_ended',
  'overwritten',
  'queue_full',
  'export_failed',
  'export_timeout',
  'rejected',
  'spool_full',
  'spool_corrupt',
  'spool_failed',
  'shutdown',
]);
/** Metrics and log records have no spool. */
const SIGNAL_DROP_REASON = label('reason', ['queue_full', 'rejected', 'shutdown']);
/** The first of the reasons for which a trace was kept; `robustmq.sampling.reason` of its spans says the same. */
const KEEP_REASON = label('reason', ['head', 'forced', 'dropped', 'error', 'redelivered', 'slow', 'watch']);
/** Those that have a budget: what an operator watches has a limit of its own. */
const NOT_KEPT_REASON = label('reason', ['head', 'forced', 'dropped', 'error', 'redelivered', 'slow']);

/**
 * What telemetry says of itself. At any time, and exactly once the process has ended:
 * started + restored = exported + unsampled + dropped + open + undecided + export queue + spool.
 */
export const TELEMETRY_METRICS = {
  tracesTotal: counter('robustmq_traces_total', '{trace}', 'Traces recorded: begun here, or continued from a caller.'),
  traceErrorsTotal: counter('robustmq_trace_errors_total', '{trace}', 'Recorded traces whose first span here failed.'),
  tracesKeptTotal: counter(
    'robustmq_traces_kept_total',
    '{trace}',
    'Traces chosen for export, by the first reason for it.',
    KEEP_REASON,
  ),
  tracesNotKeptTotal: counter(
    'robustmq_traces_not_kept_total',
    '{trace}',
    'Traces that would have been kept for this reason, but for its budget.',
    NOT_KEPT_REASON,
  ),
  tracesExportedTotal: counter(
    'robustmq_traces_exported_total',
    '{trace}',
    'Traces whose first span here was exported.',
  ),
  spansStartedTotal: counter('robustmq_spans_started_total', '{span}', 'Spans begun.'),
  spansExportedTotal: counter('robustmq_spans_exported_total', '{span}', 'Spans the collector took.'),
  spansUnsampledTotal: counter(
    'robustmq_spans_unsampled_total',
    '{span}',
    'Spans recorded and not exported, because nothing asked for their traces.',
  ),
  spansDroppedTotal: counter('robustmq_spans_dropped_total', '{span}', 'Spans lost on the way.', SPAN_DROP_REASON),
  spansRestoredTotal: counter(
    'robustmq_spans_restored_total',
    '{span}',
    'Spans of an earlier run, found in the spool at start.',
  ),
  exportFailuresTotal: counter(
    'robustmq_export_failures_total',
    '{request}',
    'Export requests that failed, of every signal.',
  ),
  spoolCorruptFilesTotal: counter(
    'robustmq_spool_corrupt_files_total',
    '{file}',
    'Files of the spool that were not what had been written; of some it is unknown how many spans they held.',
  ),
  metricPointsExportedTotal: counter(
    'robustmq_metric_points_exported_total',
    '{point}',
    'Data points of metrics the collector took.',
  ),
  metricPointsDroppedTotal: counter(
    'robustmq_metric_points_dropped_total',
    '{point}',
    'Data points of metrics that did not get to the collector; the figures themselves go on.',
    SIGNAL_DROP_REASON,
  ),
  logRecordsExportedTotal: counter('robustmq_log_records_exported_total', '{record}', 'Log lines the collector took.'),
  logRecordsDroppedTotal: counter(
    'robustmq_log_records_dropped_total',
    '{record}',
    'Log lines that did not get to the collector; they are on standard error.',
    SIGNAL_DROP_REASON,
  ),
  openSpans: gauge('robustmq_open_spans', '{span}', 'Spans started and not yet ended.'),
  spansUndecided: gauge(
    'robustmq_spans_undecided',
    '{span}',
    'Spans recorded whose traces may still turn out to be worth exporting.',
  ),
  exportQueueSpans: gauge('robustmq_export_queue_spans', '{span}', 'Finished spans waiting for the exporter.'),
  exportQueueBytes: gauge('robustmq_export_queue_bytes', 'By', 'Size of the spans waiting in memory for the exporter.'),
  exportSpoolSpans: gauge('robustmq_export_spool_spans', '{span}', 'Spans on disk, waiting for the collector.'),
  exportSpoolBytes: gauge('robustmq_export_spool_bytes', 'By', 'Size of the spans on disk.'),
};
