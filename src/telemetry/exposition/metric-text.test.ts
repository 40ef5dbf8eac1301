import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { METRICS, type MetricDefinition } from '../catalogue.ts';
import { counterId, histogramId, Metrics } from '../metrics.ts';
import { PrometheusExposition } from '../prometheus.ts';
import { familyName } from './sample-text.ts';

const NAME = '[a-z_:][a-z0-9_:]*';
const LABELS = `\\{${NAME}="(?:[^"\\\\\\n]|\\\\["\\\\n])*"(?:,${NAME}="(?:[^"\\\\\\n]|\\\\["\\\\n])*")*\\}`;
const NUMBER = '[+-]?(?:[0-9]+(?:\\.[0-9]*)?(?:e[+-]?[0-9]+)?|Inf)|NaN';
const EXEMPLAR = ` # ${LABELS} (?:${NUMBER}) [0-9]+\\.[0-9]{3}`;
const SAMPLE = new RegExp(`^(?<name>${NAME})(?<labels>${LABELS})? (?<value>${NUMBER})(?<exemplar>${EXEMPLAR})?$`);
const DESCRIPTION = new RegExp(`^# (?<kind>HELP|TYPE|UNIT) (?<family>${NAME}) (?<text>.+)$`);

const publish = histogramId(METRICS.requestDurationSeconds, 'publish');
const commitRecords = histogramId(METRICS.journalCommitRecords);

function openMetrics(prepare: (metrics: Metrics, exposition: PrometheusExposition) => void = () => undefined): string {
  const metrics = new Metrics();
  const exposition = new PrometheusExposition(metrics);
  exposition.close();
  prepare(metrics, exposition);
  return exposition.text('openmetrics');
}

describe('metrics as OpenMetrics', () => {
  it('are lines of its grammar, metric after metric, and then the end', () => {
    const text = openMetrics((metrics, { exemplars }) => {
      metrics.gauge(METRICS.journalShardEnd, () => [['of "many"\\\n', 4.5e21]]);
      metrics.observe(publish, 0.3);
      exemplars.offer(publish, 0.3, 'ab'.repeat(16), 'cd'.repeat(8), 1_700_000_000_123.4);
    });
    assert.ok(text.endsWith('\n# EOF\n'));
    const lines = text.slice(0, -'# EOF\n'.length).split('\n').slice(0, -1);
    const described = new Map<string, Map<string, string>>();
    let current = '';
    for (const line of lines) {
      const description = DESCRIPTION.exec(line)?.groups;
      if (description !== undefined) {
        const { kind, family, text: told } = description as Record<'kind' | 'family' | 'text', string>;
        if (family !== current) assert.ok(!described.has(family), `${family} comes in one piece`);
        current = family;
        const known = described.get(family) ?? new Map<string, string>();
        assert.ok(!known.has(kind), line);
        described.set(family, known.set(kind, told));
        continue;
      }
      const sample = SAMPLE.exec(line)?.groups as Record<'name' | 'labels' | 'exemplar', string | undefined>;
      assert.ok(sample, line);
      const type = described.get(current)?.get('TYPE');
      const suffixes = { counter: ['_total'], gauge: [''], histogram: ['_bucket', '_sum', '_count'] }[type!];
      assert.ok(
        suffixes?.some((suffix) => sample.name === `${current}${suffix}`),
        line,
      );
      if (sample.exemplar !== undefined) assert.ok(sample.name?.endsWith('_bucket'), line);
    }
    for (const [family, told] of described) {
      assert.ok(told.has('HELP') && told.has('TYPE'), family);
      const unit = told.get('UNIT');
      if (unit !== undefined) assert.ok(family.endsWith(`_${unit}`), family);
    }
    const metrics = Object.values<MetricDefinition>(METRICS);
    assert.deepEqual(
      [...described.keys()],
      metrics.map(({ name }) => familyName(name)),
    );
  });

  it('name a counter without _total, and its sample with it', () => {
    const lines = openMetrics((metrics) => metrics.add(counterId(METRICS.requestsTotal, 'connect'), 2)).split('\n');
    assert.ok(lines.includes('# TYPE robustmq_requests counter'));
    assert.ok(lines.includes('robustmq_requests_total{operation="connect"} 2'));
    assert.ok(!lines.some((line) => line.startsWith('# TYPE robustmq_requests_total')));
  });

  it('say the unit where the name ends in it', () => {
    const lines = openMetrics().split('\n');
    assert.ok(lines.includes('# UNIT robustmq_request_duration_seconds seconds'));
    assert.ok(lines.includes('# UNIT robustmq_journal_bytes bytes'));
    assert.ok(!lines.some((line) => line.startsWith('# UNIT robustmq_bytes_received')));
  });

  it('write bounds as canonical numbers', () => {
    const text = openMetrics();
    for (const bound of ['1e-05', '2.5e-05', '0.0001', '0.25', '1.0', '10.0', '+Inf'])
      assert.ok(
        text.includes(`robustmq_request_duration_seconds_bucket{le="${bound}",operation="publish"} 0\n`),
        bound,
      );
    assert.ok(text.includes('robustmq_journal_commit_records_bucket{le="4096.0"} 0\n'));
  });

  it('show beside a bucket the trace of an exemplar, which Prometheus text cannot', () => {
    const metrics = new Metrics();
    const exposition = new PrometheusExposition(metrics);
    exposition.close();
    metrics.observe(publish, 0.3);
    exposition.exemplars.offer(publish, 0.3, 'ab'.repeat(16), 'cd'.repeat(8), 1_700_000_000_123);
    const line = 'robustmq_request_duration_seconds_bucket{le="0.5",operation="publish"} 1';
    const exemplar = ` # {trace_id="${'ab'.repeat(16)}",span_id="${'cd'.repeat(8)}"} 0.3 1700000000.123`;
    assert.ok(exposition.text('openmetrics').includes(`\n${line}${exemplar}\n`));
    assert.ok(exposition.text('prometheus').includes(`\n${line}\n`));
  });

  it('escape what a label may hold, and write numbers that are none as both formats want them', () => {
    const text = openMetrics((metrics) => {
      metrics.gauge(METRICS.journalShardEnd, () => [
        ['a\\b"c\nd', Number.NaN],
        ['above', Number.POSITIVE_INFINITY],
        ['below', Number.NEGATIVE_INFINITY],
      ]);
      metrics.observe(commitRecords, 3);
    });
    assert.ok(text.includes('robustmq_journal_shard_end{shard="a\\\\b\\"c\\nd"} NaN\n'));
    assert.ok(text.includes('robustmq_journal_shard_end{shard="above"} +Inf\n'));
    assert.ok(text.includes('robustmq_journal_shard_end{shard="below"} -Inf\n'));
  });
});
