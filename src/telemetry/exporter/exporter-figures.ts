import { METRICS } from '../catalogue.ts';
import { EXPORT_DROP_REASONS } from '../export/export-ledger.ts';
import { counterId, type Metrics } from '../metrics.ts';
import type { Recording } from '../recording.ts';
import { KEEP_REASON_INDEX, KEEP_REASONS, type KeepReason } from '../sampling/keep-reason.ts';
import type { SharedFigures } from './shared-figures.ts';
import type { SignalFigures } from './signal-figures.ts';

/** What the exporter's thread counts, as metrics: read off at a scrape. */
export function exporterFigures(
  metrics: Metrics,
  recording: Recording,
  figures: SharedFigures,
  signals: SignalFigures,
): void {
  const counted = (id: number, name: Parameters<SharedFigures['get']>[0]): void =>
    metrics.counted(id, () => figures.get(name));
  metrics.counted(counterId(METRICS.spansStartedTotal), () => recording.startedSpans);
  counted(counterId(METRICS.spansExportedTotal), 'exportedSpans');
  counted(counterId(METRICS.tracesExportedTotal), 'exportedTraces');
  counted(counterId(METRICS.spansUnsampledTotal), 'unsampled');
  counted(counterId(METRICS.spansRestoredTotal), 'restored');
  metrics.counted(counterId(METRICS.exportFailuresTotal), () => figures.get('requestsFailed') + signals.requestsFailed);
  counted(counterId(METRICS.spoolCorruptFilesTotal), 'corruptFiles');
  counted(counterId(METRICS.spansDroppedTotal, 'overwritten'), 'overwritten');
  EXPORT_DROP_REASONS.forEach((reason, index) => {
    metrics.counted(counterId(METRICS.spansDroppedTotal, reason), () => figures.dropped(index));
  });
  for (const reason of KEEP_REASONS) {
    metrics.counted(counterId(METRICS.tracesKeptTotal, reason), () => figures.kept[KEEP_REASON_INDEX[reason]]!);
    if (reason === 'watch') continue;
    const id = counterId(METRICS.tracesNotKeptTotal, reason);
    metrics.counted(id, () => figures.notKept[KEEP_REASON_INDEX[reason]]! + notKeptHere(recording, reason));
  }
  // What is recorded and not yet read by the thread is undecided too.
  metrics.gauge(METRICS.spansUndecided, () => undecided(recording, figures));
  metrics.gauge(METRICS.exportQueueSpans, () => figures.get('queuedSpans'));
  metrics.gauge(METRICS.exportQueueBytes, () => figures.get('queuedBytes'));
  metrics.gauge(METRICS.exportSpoolSpans, () => figures.get('spooledSpans'));
  metrics.gauge(METRICS.exportSpoolBytes, () => figures.get('spooledBytes'));
}

/** What the broker's thread has decided, when traces began. */
function notKeptHere({ head: { sampler } }: Recording, reason: KeepReason): number {
  if (reason === 'head') return sampler.notKept;
  return reason === 'forced' ? sampler.notForced : 0;
}

/** What the thread has not read yet, and what it has read and may still hand on. Counted, not what is left over. */
function undecided(recording: Recording, figures: SharedFigures): number {
  const unread = recording.recordedSpans - figures.get('read') - figures.get('overwritten');
  return unread + figures.get('undecided');
}
