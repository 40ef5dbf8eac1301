import { METRICS } from './catalogue.ts';
import { counterId, type Metrics } from './metrics.ts';
import { KEEP_REASONS } from './sampling/keep-reason.ts';

/** What the ring holds. */
export interface RingWindow {
  readonly bytes: number;
  /** When the oldest span in it began, in Unix milliseconds; null: there is none. */
  readonly oldestAt: number | null;
}

/**
 * What tracing has done since the start, as JSON. While nothing is recorded: started + restored = exported + unsampled + dropped +
 * open + undecided + queued + spooled, all of them spans.
 */
export interface TraceStats {
  readonly traces: {
    readonly recorded: number;
    readonly failed: number;
    readonly exported: number;
    /** By the first reason; those that there were. */
    readonly kept: Readonly<Record<string, number>>;
    /** For want of the reason's budget. */
    readonly notKept: Readonly<Record<string, number>>;
  };
  readonly spans: {
    readonly started: number;
    readonly restored: number;
    readonly exported: number;
    readonly unsampled: number;
    /** By reason; those that there were. */
    readonly dropped: Readonly<Record<string, number>>;
    readonly open: number;
    readonly undecided: number;
    readonly queued: number;
    readonly spooled: number;
  };
  readonly ring: RingWindow;
  readonly queueBytes: number;
  readonly spoolBytes: number;
  readonly exportFailures: number;
}

export function traceStats(metrics: Metrics, ring: RingWindow): TraceStats {
  const gauge = (definition: Parameters<Metrics['readGauge']>[0]): number => Number(metrics.readGauge(definition) ?? 0);
  const budgeted = KEEP_REASONS.filter((reason) => reason !== 'watch');
  const dropReasons = METRICS.spansDroppedTotal.label?.values ?? [];
  return {
    traces: {
      recorded: metrics.value(counterId(METRICS.tracesTotal)),
      failed: metrics.value(counterId(METRICS.traceErrorsTotal)),
      exported: metrics.value(counterId(METRICS.tracesExportedTotal)),
      kept: counts(KEEP_REASONS, (reason) => metrics.value(counterId(METRICS.tracesKeptTotal, reason))),
      notKept: counts(budgeted, (reason) => metrics.value(counterId(METRICS.tracesNotKeptTotal, reason))),
    },
    spans: {
      started: metrics.value(counterId(METRICS.spansStartedTotal)),
      restored: metrics.value(counterId(METRICS.spansRestoredTotal)),
      exported: metrics.value(counterId(METRICS.spansExportedTotal)),
      unsampled: metrics.value(counterId(METRICS.spansUnsampledTotal)),
      dropped: counts(dropReasons, (reason) => metrics.value(counterId(METRICS.spansDroppedTotal, reason))),
      open: gauge(METRICS.openSpans),
      undecided: gauge(METRICS.spansUndecided),
      queued: gauge(METRICS.exportQueueSpans),
      spooled: gauge(METRICS.exportSpoolSpans),
    },
    ring,
    queueBytes: gauge(METRICS.exportQueueBytes),
    spoolBytes: gauge(METRICS.exportSpoolBytes),
    exportFailures: metrics.value(counterId(METRICS.exportFailuresTotal)),
  };
}

function counts<Reason extends string>(
  reasons: readonly Reason[],
  countOf: (reason: Reason) => number,
): Record<string, number> {
  return Object.fromEntries(reasons.map((reason) => [reason, countOf(reason)]).filter(([, count]) => count !== 0));
}
