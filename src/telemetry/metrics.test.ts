import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { METRICS, SPANS } from './catalogue.ts';
import { disabledRecorder } from './disabled-recorder.ts';
import { counterId, histogramId, Metrics } from './metrics.ts';
import { operationMetrics, recordOperation } from './operation.ts';
import { PrometheusExposition } from './prometheus.ts';
import { testTelemetry } from './testing/test-telemetry.ts';

function linesOf(metrics: Metrics): string[] {
  const exposition = new PrometheusExposition(metrics);
  exposition.close();
  return exposition.text().split('\n');
}

describe('metrics as Prometheus text', () => {
  it('shows a counter with each of its label values, from the first scrape', () => {
    const metrics = new Metrics();
    metrics.add(counterId(METRICS.messagesReceivedTotal, '1'), 3);
    metrics.add(counterId(METRICS.bytesSentTotal), 10);
    metrics.add(counterId(METRICS.bytesSentTotal));
    const lines = linesOf(metrics);
    assert.ok(lines.includes('# TYPE robustmq_messages_received_total counter'));
    assert.ok(lines.includes('robustmq_messages_received_total{qos="0"} 0'));
    assert.ok(lines.includes('robustmq_messages_received_total{qos="1"} 3'));
    assert.ok(lines.includes('robustmq_bytes_sent_total 11'));
  });

  it('reads a counter where it is counted, which is one place', () => {
    const metrics = new Metrics();
    const counter = counterId(METRICS.journalRecordsTotal);
    let records = 5;
    metrics.counted(counter, () => records);
    records += 2;
    assert.equal(metrics.value(counter), 7);
    assert.ok(linesOf(metrics).includes('robustmq_journal_records_total 7'));
    assert.throws(() => metrics.counted(counter, () => 0), /one source/);
  });

  it('shows a histogram cumulatively, an observation on a bound in the bucket of that bound', () => {
    const metrics = new Metrics();
    const histogram = histogramId(METRICS.journalCommitRecords);
    metrics.observe(histogram, 1);
    metrics.observe(histogram, 3, 2);
    metrics.observe(histogram, 1_000_000);
    const lines = linesOf(metrics);
    assert.ok(lines.includes('robustmq_journal_commit_records_bucket{le="1"} 1'));
    assert.ok(lines.includes('robustmq_journal_commit_records_bucket{le="2"} 1'));
    assert.ok(lines.includes('robustmq_journal_commit_records_bucket{le="4"} 3'));
    assert.ok(lines.includes('robustmq_journal_commit_records_bucket{le="4096"} 3'));
    assert.ok(lines.includes('robustmq_journal_commit_records_bucket{le="+Inf"} 4'));
    assert.ok(lines.includes('robustmq_journal_commit_records_sum 1000007'));
    assert.ok(lines.includes('robustmq_journal_commit_records_count 4'));
  });

  it('takes a duration below zero, by a clock that was set back, for none at all', () => {
    const metrics = new Metrics();
    const histogram = histogramId(METRICS.journalSyncDurationSeconds);
    metrics.observe(histogram, -3);
    const lines = linesOf(metrics);
    assert.ok(lines.includes('robustmq_journal_sync_duration_seconds_bucket{le="1e-05"} 1'));
    assert.ok(lines.includes('robustmq_journal_sync_duration_seconds_sum 0'));
  });

  it('reads a gauge when it is scraped, one value or one for each label value', () => {
    const metrics = new Metrics();
    let connections = 0;
    metrics.gauge(METRICS.connections, () => connections);
    metrics.gauge(METRICS.journalShardEnd, () => new Map([['durable-0', 42]]));
    connections = 7;
    const lines = linesOf(metrics);
    assert.ok(lines.includes('robustmq_connections 7'));
    assert.ok(lines.includes('robustmq_journal_shard_end{shard="durable-0"} 42'));
  });

  it('adds the figures of the process', () => {
    const lines = linesOf(new Metrics());
    assert.ok(lines.some((line) => line.startsWith('process_cpu_seconds_total ')));
  });
});

describe('ids', () => {
  it('give each label value of each metric cells of its own', () => {
    const metrics = new Metrics();
    metrics.observe(histogramId(METRICS.requestDurationSeconds, 'publish'), 0.01);
    metrics.add(counterId(METRICS.requestsTotal, 'connect'));
    assert.equal(metrics.value(counterId(METRICS.requestsTotal, 'connect')), 1);
    assert.equal(metrics.value(counterId(METRICS.requestsTotal, 'publish')), 0);
    assert.equal(metrics.value(histogramId(METRICS.requestDurationSeconds, 'connect')), 0);
  });

  it('refuse a label value that is not declared, and a second source for a gauge', () => {
    assert.throws(() => counterId(METRICS.requestsTotal, 'dance' as 'publish'), /declared label value/);
    const metrics = new Metrics();
    metrics.gauge(METRICS.sessions, () => 1);
    assert.throws(() => metrics.gauge(METRICS.sessions, () => 2), /one source/);
  });
});

describe('recordOperation', () => {
  const publish = operationMetrics('publish');

  it('counts the request and its latency, and writes both on the span', () => {
    const telemetry = testTelemetry();
    const { recorder, metrics } = telemetry;
    const span = recorder.root(SPANS.mqttPublish, 1000);
    recordOperation(metrics, recorder, publish, span, 1000, 1002.5, true);
    recorder.end(span, 1002.5);
    assert.equal(metrics.value(publish.requests), 1);
    assert.equal(metrics.value(publish.errors), 0);
    const attributes = telemetry.spans[0]?.attributes;
    assert.deepEqual(
      attributes
        ?.filter(({ definition }) => definition.key.startsWith('performance.'))
        .map(({ definition, value }) => [definition.key, value]),
      [
        ['performance.latency_ms', 2.5],
        ['performance.success', true],
      ],
    );
  });

  it('counts an error beside the request, with or without a span', () => {
    const metrics = new Metrics();
    recordOperation(metrics, disabledRecorder, publish, 0, 1000, 1001, false);
    assert.equal(metrics.value(publish.requests), 1);
    assert.equal(metrics.value(publish.errors), 1);
    const lines = linesOf(metrics);
    assert.ok(lines.includes('robustmq_request_duration_seconds_bucket{le="0.001",operation="publish"} 1'));
  });
});
