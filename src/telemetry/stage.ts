import { METRICS, type Stage } from './catalogue.ts';
import { type HistogramId, histogramId, type Metrics } from './metrics.ts';

const cell = (stage: Stage): HistogramId => histogramId(METRICS.stageDurationSeconds, stage);

/** The stages of `robustmq_stage_duration_seconds`; where each begins and ends stands in catalogue/stages.ts. */
export const STAGES = {
  admit: cell('admit'),
  store: cell('store'),
  commit: cell('commit'),
  push: cell('push'),
  confirm: cell('confirm'),
  catchUp: cell('catch_up'),
  authenticate: cell('authenticate'),
  openSession: cell('open_session'),
  sessionLog: cell('session_log'),
  checkpoint: cell('checkpoint'),
  metadataQuery: cell('metadata_query'),
  metadataUpdate: cell('metadata_update'),
} as const;

/** `count` passages through the stage, all of the same duration: messages that share a stage are observed at once. */
export function recordStage(metrics: Metrics, stage: HistogramId, durationMs: number, count = 1): void {
  metrics.observe(stage, durationMs / 1000, count);
}
