import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { METRICS, type MetricDefinition } from '../../../src/telemetry/catalogue.ts';
import { TracedBroker } from './support/traced-broker.ts';

describe('/metrics', () => {
  let traced: TracedBroker;
  before(async () => {
    traced = await TracedBroker.start();
  });
  after(() => traced[Symbol.asyncDispose]());

  it('counts requests, messages, traces and what the journal took, exactly', async () => {
    const subscriber = await traced.connect({ clientId: 'secret-client' });
    const publisher = await traced.connect();
    await subscriber.subscribe('secret-topic/#');
    for (const qos of [0, 1, 1, 2, 2, 2] as const) {
      await publisher.publish('secret-topic/1', 'abc', { qos });
      await subscriber.receive();
    }
    await publisher.expectNothing();
    await subscriber.expectNothing();
    await subscriber.unsubscribe('secret-topic/#');
    await subscriber.disconnect();
    await publisher.disconnect();
    const metrics = await traced.metrics();
    const requests = { connect: 2, publish: 6, puback: 2, pubrec: 3, pubrel: 3, pubcomp: 3 };
    const others = { subscribe: 1, unsubscribe: 1, pingreq: 2, disconnect: 2 };
    for (const [operation, count] of Object.entries({ ...requests, ...others })) {
      assert.equal(metrics.get(`robustmq_requests_total{operation="${operation}"}`), count, operation);
      assert.equal(metrics.get(`robustmq_request_errors_total{operation="${operation}"}`), 0, operation);
    }
    for (const [operation, count] of Object.entries({ connect: 2, publish: 6, subscribe: 1, unsubscribe: 1 })) {
      assert.equal(metrics.get(`robustmq_request_duration_seconds_count{operation="${operation}"}`), count, operation);
      const all = metrics.get(`robustmq_request_duration_seconds_bucket{le="+Inf",operation="${operation}"}`);
      assert.equal(all, count, operation);
      assert.ok(metrics.get(`robustmq_request_duration_seconds_sum{operation="${operation}"}`)! > 0, operation);
    }
    for (const [qos, count] of [1, 2, 3].entries()) {
      assert.equal(metrics.get(`robustmq_messages_received_total{qos="${qos}"}`), count, `received at ${qos}`);
      assert.equal(metrics.get(`robustmq_messages_delivered_total{qos="${qos}"}`), count, `delivered at ${qos}`);
    }
    for (const name of ['appends', 'records', 'syncs'])
      assert.equal(metrics.get(`robustmq_journal_${name}_total`), 5, name);
    assert.ok(metrics.get('robustmq_journal_bytes_total')! > 5 * 'secret-topic/1abc'.length);
    assert.equal(metrics.get('robustmq_journal_append_errors_total'), 0);
    assert.equal(metrics.get('robustmq_journal_sync_duration_seconds_count'), 5);
    assert.equal(metrics.get('robustmq_journal_commit_records_bucket{le="1"}'), 5);
    assert.equal(metrics.get('robustmq_journal_shard_end{shard="default"}'), 5);
    // Acknowledgements belong to the traces of their messages.
    assert.equal(metrics.get('robustmq_traces_total'), 2 + 6 + 1 + 1 + 2 + 2);
    assert.equal(metrics.get('robustmq_trace_errors_total'), 0);
    assert.ok(![...metrics.keys()].some((sample) => sample.includes('secret')), 'no topic or client id is a label');
  });

  it('counts as exported what the collector received', async () => {
    const entries = (await traced.metrics()).get('robustmq_traces_total')!;
    const exported = async () => (await traced.metrics()).get('robustmq_traces_exported_total')!;
    while ((await exported()) < entries);
    const metrics = await traced.metrics();
    assert.equal(metrics.get('robustmq_spans_exported_total'), traced.receiver.spans.length);
    assert.equal(metrics.get('robustmq_export_queue_spans'), 0);
    assert.equal(metrics.get('robustmq_export_failures_total'), 0);
  });

  it('counts bytes up to the very scrape', async () => {
    await using client = await traced.connect();
    await client.expectNothing();
    const [received, sent] = ['received', 'sent'].map((way) => `robustmq_bytes_${way}_total`);
    const before = await traced.metrics();
    // PINGREQ and PINGRESP: two bytes each.
    await client.expectNothing();
    const after = await traced.metrics();
    assert.equal(after.get(received!)! - before.get(received!)!, 2);
    assert.equal(after.get(sent!)! - before.get(sent!)!, 2);
  });

  it('times the stages that lie beside a message', async () => {
    const metrics = await traced.metrics();
    for (const stage of ['authenticate', 'open_session', 'metadata_update'])
      assert.ok(metrics.get(`robustmq_stage_duration_seconds_count{stage="${stage}"}`)! > 0, stage);
  });

  it('has a sample of every gauge, and no other labels than those declared', async () => {
    const samples = [...(await traced.metrics()).keys()];
    for (const metric of Object.values<MetricDefinition>(METRICS)) {
      const own = samples.filter((sample) => sample.replace(/(_bucket|_sum|_count)?(\{.*)?$/, '') === metric.name);
      assert.ok(own.length > 0, metric.name);
      for (const sample of own)
        for (const [, name] of sample.matchAll(/([a-z_]+)="/g))
          assert.ok(name === metric.label?.name || (metric.kind === 'histogram' && name === 'le'), sample);
    }
  });

  it('says how far the slowest connected session is behind, and what was read back for it', async () => {
    const lag = async () => (await traced.metrics()).get('robustmq_journal_lag_records{shard="default"}');
    const readBefore = (await traced.metrics()).get('robustmq_journal_read_records_total')!;
    await using subscriber = await traced.connect({ properties: { receiveMaximum: 1 } });
    await using publisher = await traced.connect();
    await subscriber.subscribe({ filter: 'lag', qos: 1 });
    assert.equal(await lag(), 0);
    for (let count = 0; count < 10; count += 1) await publisher.publish('lag', '', { qos: 1 });
    assert.equal(await lag(), 9);
    for (let count = 0; count < 10; count += 1) await subscriber.receive();
    await subscriber.expectNothing();
    assert.equal(await lag(), 0);
    assert.ok((await traced.metrics()).get('robustmq_journal_read_records_total')! >= readBefore + 9);
  });
});
