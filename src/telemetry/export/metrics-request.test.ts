import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { METRICS } from '../catalogue.ts';
import { counterId, histogramId, Metrics } from '../metrics.ts';
import { decodeMetricsRequest, type ReceivedMetric } from '../testing/otlp-signals.ts';
import { metricsRequest } from './metrics-request.ts';

const OPTIONS = { resource: resourceFromAttributes({}), serviceVersion: '0.1.0', startedAt: 1000 };
const labelled = (key: string, value: string) => [{ key, value: { stringValue: value } }];

function decoded(metrics: Metrics) {
  const { bytes, points } = metricsRequest(metrics, 61_000, OPTIONS);
  const { metrics: found } = decodeMetricsRequest(bytes);
  return { points, found, named: (name: string) => found.find((metric) => metric.name === name) };
}

describe('the catalogue’s metrics as an OTLP request', () => {
  it('have counters as monotonic sums from the start on, a point for each label value', () => {
    const metrics = new Metrics();
    metrics.add(counterId(METRICS.messagesReceivedTotal, '1'), 5);
    const { named } = decoded(metrics);
    const times = { startTimeUnixNano: 1_000_000_000, timeUnixNano: 61_000_000_000 };
    assert.deepEqual(named('robustmq_messages_received_total')?.sum, {
      dataPoints: ['0', '1', '2'].map((qos) => ({
        ...times,
        asDouble: qos === '1' ? 5 : 0,
        attributes: labelled('qos', qos),
      })),
      aggregationTemporality: 2,
      isMonotonic: true,
    });
  });

  it('have gauges as they are read, and leave out those that nobody reads', () => {
    const metrics = new Metrics();
    metrics.gauge(METRICS.connections, () => 7);
    metrics.gauge(METRICS.journalShardEnd, () => [['default', 42]]);
    const { named } = decoded(metrics);
    const gaugeOf = (name: string) => (named(name)!.gauge as { dataPoints: object[] }).dataPoints;
    assert.partialDeepStrictEqual(gaugeOf('robustmq_connections'), [{ asDouble: 7, attributes: [] }]);
    const shard = { asDouble: 42, attributes: labelled('shard', 'default') };
    assert.partialDeepStrictEqual(gaugeOf('robustmq_journal_shard_end'), [shard]);
    assert.equal(named('robustmq_sessions'), undefined);
  });

  it('have histograms with explicit bounds, counts of each bucket, count and sum', () => {
    const metrics = new Metrics();
    const histogram = histogramId(METRICS.journalCommitRecords);
    for (const records of [1, 3, 3, 100_000]) metrics.observe(histogram, records);
    const { named } = decoded(metrics);
    const { bounds } = METRICS.journalCommitRecords;
    const counts = [1, 0, 2, ...bounds.slice(3).map(() => 0), 1];
    assert.partialDeepStrictEqual(named('robustmq_journal_commit_records')?.histogram, {
      dataPoints: [{ count: 4, sum: 100_007, bucketCounts: counts, explicitBounds: bounds }],
      aggregationTemporality: 2,
    });
  });

  it('say how many data points there are', () => {
    const { found, points } = decoded(new Metrics());
    const ofMetric = (metric: ReceivedMetric) =>
      (['sum', 'gauge', 'histogram'] as const).reduce(
        (sum, kind) => sum + ((metric[kind] as { dataPoints: object[] } | undefined)?.dataPoints.length ?? 0),
        0,
      );
    assert.equal(
      points,
      found.reduce((sum, metric) => sum + ofMetric(metric), 0),
    );
  });
});
