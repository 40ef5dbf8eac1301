import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { METRICS } from '../catalogue.ts';
import { ExportLedger } from '../export/export-ledger.ts';
import { counterId } from '../metrics.ts';
import { testTelemetry } from '../testing/test-telemetry.ts';
import { exporterFigures } from './exporter-figures.ts';
import { SharedFigures } from './shared-figures.ts';
import { declareSignalFigures, SignalFigures } from './signal-figures.ts';

describe('what the exporter’s thread counts', () => {
  const { metrics, recording } = testTelemetry();
  const memory = { traces: SharedFigures.allocate(), signals: SignalFigures.allocate() };
  // As the other thread sees them.
  const traces = new SharedFigures(memory.traces);
  const signals = new SignalFigures(memory.signals);
  const signalsHere = new SignalFigures(memory.signals);
  exporterFigures(metrics, recording, new SharedFigures(memory.traces), signalsHere);
  declareSignalFigures(metrics, signalsHere, (reason) => (reason === 'queue_full' ? 30 : 0));

  const ledger = (fields: Partial<ExportLedger>) => Object.assign(new ExportLedger(), fields);

  it('are metrics here: of spans, metrics and log lines, each for itself', () => {
    traces.publish(({ writeLedger }) => writeLedger(ledger({ exportedSpans: 1, corruptFiles: 2, requestsFailed: 3 })));
    const logs = ledger({ exportedSpans: 4, requestsFailed: 5 });
    logs.droppedSpans.queue_full = 6;
    signals.writeLedger('logs', logs);
    signals.writeLedger('metrics', ledger({ exportedSpans: 7, requestsFailed: 8 }));
    assert.deepEqual(
      [
        counterId(METRICS.spansExportedTotal),
        counterId(METRICS.spoolCorruptFilesTotal),
        counterId(METRICS.logRecordsExportedTotal),
        counterId(METRICS.metricPointsExportedTotal),
        counterId(METRICS.exportFailuresTotal),
        counterId(METRICS.logRecordsDroppedTotal, 'queue_full'),
        counterId(METRICS.metricPointsDroppedTotal, 'queue_full'),
      ].map((id) => metrics.value(id)),
      [1, 2, 4, 7, 3 + 5 + 8, 6 + 30, 0],
    );
  });
});
