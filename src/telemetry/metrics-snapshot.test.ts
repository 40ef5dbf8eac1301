import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { METRICS, type MetricDefinition } from './catalogue.ts';
import { counterId, histogramId, Metrics, seriesOf } from './metrics.ts';
import { readingsOf, takeSnapshot } from './metrics-snapshot.ts';

describe('a snapshot of the metrics', () => {
  const metrics = new Metrics();
  metrics.add(counterId(METRICS.messagesReceivedTotal, '1'), 5);
  metrics.counted(counterId(METRICS.spansStartedTotal), () => 8);
  metrics.observe(histogramId(METRICS.journalCommitRecords), 3);
  metrics.gauge(METRICS.connections, () => 7);
  metrics.gauge(METRICS.journalShardEnd, () => new Map([['default', 42]]));

  it('reads the same on another thread as the original did', () => {
    const readings = readingsOf(structuredClone(takeSnapshot(metrics, 1000)));
    for (const definition of Object.values<MetricDefinition>(METRICS))
      for (const { cell } of seriesOf(definition))
        for (let index = cell; index <= cell + definition.bounds.length + 1; index += 1)
          assert.equal(readings.cell(index), metrics.cell(index), definition.name);
    assert.equal(readings.readGauge(METRICS.connections), 7);
    assert.deepEqual(readings.readGauge(METRICS.journalShardEnd), [['default', 42]]);
    assert.equal(readings.readGauge(METRICS.sessions), undefined);
  });

  it('stays as it was', () => {
    const readings = readingsOf(takeSnapshot(metrics, 1000));
    metrics.add(counterId(METRICS.messagesReceivedTotal, '1'), 1);
    assert.equal(readings.cell(counterId(METRICS.messagesReceivedTotal, '1')), 5);
  });
});
