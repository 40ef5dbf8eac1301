import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ATTRIBUTES, LOG_EVENTS, METRICS, type MetricDefinition, SPANS } from './catalogue.ts';
import { renderTelemetryDocument } from './catalogue-document.ts';

const metrics = Object.values<MetricDefinition>(METRICS);

function assertUnique(values: readonly string[]): void {
  assert.deepEqual(values, [...new Set(values)]);
}

describe('catalogue', () => {
  it('numbers the entries of each kind from 0 without gaps', () => {
    for (const entries of [SPANS, ATTRIBUTES, METRICS, LOG_EVENTS]) {
      const ids = Object.values<{ id: number }>(entries).map((entry) => entry.id);
      assert.deepEqual(ids, [...ids.keys()]);
    }
  });

  it('declares each name once; only the rest of a fan-out shares the name of a push', () => {
    const { clientPushRest, ...spans } = SPANS;
    assertUnique(Object.values(spans).map((span) => span.name));
    assert.equal(clientPushRest.name, SPANS.clientPush.name);
    assertUnique(Object.values(ATTRIBUTES).map((attribute) => attribute.key));
    assertUnique(metrics.map((metric) => metric.name));
    assertUnique(Object.values(LOG_EVENTS).map((event) => event.name));
  });

  it('names every stage of a message, and serves MQTT packets as SERVER spans of the broker', () => {
    const names = new Set(Object.values(SPANS).map((span) => span.name));
    for (const name of [
      'auth/validate',
      'topic/authorize',
      'storage/persist',
      'metadata/query',
      'cluster/route',
      'journal/write',
      'segment/append',
      'index/update',
      'storage/journal.write',
      'storage/rocksdb.put',
      'subscription/match',
      'client/push',
      'delivery/confirm',
    ])
      assert.ok(names.has(name), name);
    const packets = Object.values(SPANS).filter((span) => span.name.startsWith('mqtt/'));
    assert.equal(packets.length, 11);
    assert.ok(packets.every((span) => span.kind === 'server' && span.role === 'broker'));
  });

  it('follows Prometheus: counters end in _total, buckets ascend, no label depends on clients', () => {
    for (const metric of metrics) {
      assert.match(metric.name, /^(robustmq|process|nodejs)_[a-z_]+$/);
      assert.equal(metric.name.endsWith('_total'), metric.kind === 'counter', metric.name);
      assert.equal(metric.bounds.length > 0, metric.kind === 'histogram', metric.name);
      assert.deepEqual(
        metric.bounds,
        [...metric.bounds].sort((a, b) => a - b),
      );
      const { label } = metric;
      // Shards are named by configuration, the version by the program; every other value stands in the catalogue.
      if (label?.values === null) {
        assert.equal(metric.kind, 'gauge', metric.name);
        assert.ok(['shard', 'version'].includes(label.name), metric.name);
      } else if (label !== null) {
        assertUnique(label.values);
        for (const value of label.values) assert.match(value, /^[a-z0-9_]+$/, metric.name);
      }
    }
  });

  it('follows OpenMetrics: no sample of one metric has the name of another', () => {
    const suffixes = { counter: ['', '_total', '_created'], gauge: [''], histogram: ['', '_bucket', '_count', '_sum'] };
    assertUnique(
      metrics.flatMap(({ name, kind }) => suffixes[kind].map((suffix) => `${name.replace(/_total$/, '')}${suffix}`)),
    );
  });

  it('has no two bounds of a histogram from one power of two to the next: their bucket is found by it', () => {
    for (const { bounds } of metrics) assertUnique(bounds.map((bound) => String(Math.floor(Math.log2(bound)))));
  });

  it('has all metrics that the plan names, but for the one that only the collector can count', () => {
    for (const name of [
      'robustmq_requests_total',
      'robustmq_request_duration_seconds',
      'robustmq_trace_errors_total',
      'robustmq_traces_total',
    ])
      assert.ok(
        metrics.some((metric) => metric.name === name),
        name,
      );
    assert.match(renderTelemetryDocument(), /`robustmq_traces_received_total` comes from there/);
  });

  it('is what the document shows', () => {
    const document = renderTelemetryDocument();
    for (const { name } of [...Object.values(SPANS), ...metrics, ...Object.values(LOG_EVENTS)])
      assert.ok(document.includes(`| \`${name}\` |`), name);
    for (const { key } of Object.values(ATTRIBUTES)) assert.ok(document.includes(`| \`${key}\` |`), key);
  });
});
