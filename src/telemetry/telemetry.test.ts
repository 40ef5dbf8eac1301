import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { ATTRIBUTES, SPANS } from './catalogue.ts';
import type { Telemetry } from './telemetry.ts';
import { balanceOf } from './testing/balance.ts';
import { exportingTelemetry, QUICK } from './testing/exporting-telemetry.ts';
import { OtlpReceiver } from './testing/otlp-receiver.ts';
import { CONTEXT_BYTES, FLAGS_AT } from './trace-context.ts';
import { type TraceStats, traceStats } from './trace-stats.ts';

function record({ recorder }: Telemetry, spans = 1): void {
  for (let span = 0; span < spans; span += 1)
    recorder.end(recorder.root(SPANS.mqttPingreq, 1_700_000_000_000), 1_700_000_000_001);
}

const statsOf = ({ metrics }: Telemetry): TraceStats => traceStats(metrics, { bytes: 0, oldestAt: null });

/** Polls, because what is waited for happens on another thread; the runner's own limit ends a wait in vain. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** Ends it; then every span that was begun has become something that was counted. */
async function shutDown(telemetry: Telemetry): Promise<TraceStats['spans']> {
  await telemetry.shutdown();
  const stats = statsOf(telemetry);
  assert.equal(balanceOf(stats), 0);
  assert.deepEqual([stats.spans.open, stats.spans.undecided, stats.spans.queued], [0, 0, 0]);
  return stats.spans;
}

for (const protocol of ['grpc', 'http'] as const) {
  const endpointOf = (receiver: OtlpReceiver) =>
    `${protocol}://127.0.0.1:${protocol === 'grpc' ? receiver.grpcPort : receiver.httpPort}`;

  describe(`export over ${protocol}`, () => {
    it('brings the whole span to the collector', async () => {
      await using receiver = await OtlpReceiver.start();
      const telemetry = exportingTelemetry(endpointOf(receiver));
      const { recorder } = telemetry;
      const caller = Uint8Array.from({ length: CONTEXT_BYTES }, (_, index) => index + 1);
      caller[FLAGS_AT] = 1;
      const publish = recorder.continued(SPANS.mqttPublish, caller, 0, 1_700_000_000_000.5);
      recorder.attribute(publish, ATTRIBUTES.mqttTopic, 'sensor/1');
      recorder.attribute(publish, ATTRIBUTES.mqttQos, 1);
      recorder.attribute(publish, ATTRIBUTES.mqttRetain, false);
      recorder.attribute(publish, ATTRIBUTES.performanceLatencyMs, 1.5);
      recorder.attribute(publish, ATTRIBUTES.mqttTopics, ['a', 'b/#']);
      const commit = recorder.child(SPANS.journalCommit, publish, 1_700_000_000_001);
      recorder.link(commit, caller, 0);
      recorder.fail(commit, 'no_space', 'The disk is full.', new Error('ENOSPC'));
      recorder.end(commit, 1_700_000_000_002);
      recorder.end(publish, 1_700_000_000_003);

      const spans = await receiver.received(2);
      const published = spans.find(({ name }) => name === 'mqtt/publish');
      const committed = spans.find(({ name }) => name === 'journal/commit');
      assert.equal(published?.kind, 'server');
      assert.equal(published.traceId, '0102030405060708090a0b0c0d0e0f10');
      assert.equal(published.parentSpanId, '1112131415161718');
      assert.equal(published.startedAt, 1_700_000_000_000.5);
      assert.equal(published.endedAt, 1_700_000_000_003);
      assert.partialDeepStrictEqual(published.attributes, {
        'mqtt.topic': 'sensor/1',
        'mqtt.qos': 1,
        'mqtt.retain': false,
        'performance.latency_ms': 1.5,
        'mqtt.topics': ['a', 'b/#'],
      });
      assert.deepEqual(published.status, { code: 'unset', message: '' });
      assert.equal(published.resource['service.name'], 'robustmq-broker');
      assert.equal(published.resource['deployment.environment.name'], 'test');

      assert.equal(committed?.parentSpanId, published.spanId);
      assert.equal(committed.resource['service.name'], 'robustmq-journal');
      assert.deepEqual(committed.status, { code: 'error', message: 'The disk is full.' });
      assert.equal(committed.attributes['error.type'], 'no_space');
      assert.equal(committed.events[0]?.name, 'exception');
      assert.equal(committed.events[0]?.attributes['exception.message'], 'ENOSPC');
      assert.deepEqual(committed.links, [{ traceId: '0102030405060708090a0b0c0d0e0f10', spanId: '1112131415161718' }]);
      assert.equal((await shutDown(telemetry)).exported, 2);
      assert.equal(statsOf(telemetry).traces.exported, 1);
    });

    for (const behaviour of ['reject', 'hang', 'reset', 'slow'] as const) {
      it(`to a collector that will ${behaviour} loses nothing: it has everything once it is well`, async () => {
        await using receiver = await OtlpReceiver.start();
        receiver.behave(behaviour);
        const telemetry = exportingTelemetry(endpointOf(receiver), {}, {}, 150);
        record(telemetry, 10);
        if (behaviour !== 'slow') await until(() => statsOf(telemetry).exportFailures >= 2);
        record(telemetry, 10);
        receiver.behave('accept');
        await receiver.received(20);
        await until(() => statsOf(telemetry).spans.exported === 20);
        const spans = await shutDown(telemetry);
        assert.deepEqual([spans.exported, spans.dropped], [20, {}]);
      });
    }

    it('where nobody listens stays bounded: every span is waiting, or dropped and counted', async () => {
      const receiver = await OtlpReceiver.start();
      const endpoint = endpointOf(receiver);
      await receiver.close();
      const telemetry = exportingTelemetry(endpoint, { exportQueueBytes: 4096 });
      for (let round = 0; round < 20; round += 1) {
        record(telemetry, 50);
        await telemetry.exporter!.flush();
        assert.equal(balanceOf(statsOf(telemetry)), 0);
        assert.ok(statsOf(telemetry).queueBytes <= 4096);
      }
      const spans = await shutDown(telemetry);
      assert.equal(spans.started, 1000);
      assert.equal(spans.dropped.queue_full! + (spans.dropped.shutdown ?? 0), 1000);
    });

    it('sends what waits when it is shut down', async () => {
      await using receiver = await OtlpReceiver.start();
      const limits = { ...QUICK, exportIntervalMs: 600_000, shutdownMs: 10_000 };
      const telemetry = exportingTelemetry(endpointOf(receiver), { limits });
      record(telemetry, 5);
      await telemetry.exporter!.flush();
      record(telemetry, 5);
      assert.equal((await shutDown(telemetry)).exported, 10);
      assert.equal(receiver.spans.length, 10);
    });

    it('shuts down within its limit, though the collector hangs, and counts what it left behind', async () => {
      await using receiver = await OtlpReceiver.start();
      receiver.behave('hang');
      const telemetry = exportingTelemetry(endpointOf(receiver), { limits: { ...QUICK, shutdownMs: 50 } });
      record(telemetry, 10);
      await until(() => receiver.requests > 0);
      assert.deepEqual((await shutDown(telemetry)).dropped, { shutdown: 10 });
    });
  });
}

describe('the spool', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'robustmq-telemetry-'));
  });
  after(() => rm(folder, { recursive: true }));

  it('keeps what a collector did not take for the next run, which sends it', async () => {
    await using receiver = await OtlpReceiver.start();
    receiver.behave('reject');
    const endpoint = `http://127.0.0.1:${receiver.httpPort}`;
    const spool = { folder, maxBytes: 1024 * 1024 };
    const first = exportingTelemetry(endpoint, { spool }, {}, 150);
    record(first, 10);
    await until(() => statsOf(first).exportFailures > 0);
    assert.equal((await shutDown(first)).spooled, 10);
    receiver.behave('accept');
    const second = exportingTelemetry(endpoint, { spool });
    record(second, 5);
    await receiver.received(15);
    await until(() => statsOf(second).spans.exported === 15);
    assert.partialDeepStrictEqual(await shutDown(second), { started: 5, restored: 10, exported: 15, spooled: 0 });
  });
});

describe('environment', () => {
  it('OTEL_EXPORTER_OTLP_ENDPOINT sends the spans elsewhere than configured', async () => {
    await using receiver = await OtlpReceiver.start();
    const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${receiver.httpPort}` };
    const telemetry = exportingTelemetry('grpc://127.0.0.1:1', {}, environment);
    record(telemetry);
    await receiver.received(1);
    assert.equal((await shutDown(telemetry)).exported, 1);
  });

  it('OTEL_BSP_SCHEDULE_DELAY says how long a span waits for others: the one that may not wait overtakes', async () => {
    await using receiver = await OtlpReceiver.start();
    const endpoint = `grpc://127.0.0.1:${receiver.grpcPort}`;
    const { exportIntervalMs: _, ...limits } = QUICK;
    const [patient, hasty] = ['600000', '0'].map((OTEL_BSP_SCHEDULE_DELAY) =>
      exportingTelemetry(endpoint, { limits: { ...limits, shutdownMs: 10_000 } }, { OTEL_BSP_SCHEDULE_DELAY }),
    );
    record(patient!);
    record(hasty!);
    await receiver.received(1);
    await until(() => statsOf(hasty!).spans.exported === 1);
    assert.equal(statsOf(patient!).spans.undecided, 1);
    await shutDown(patient!);
    await shutDown(hasty!);
    assert.equal(receiver.spans.length, 2);
  });

  it('with an endpoint that is none is refused before anything runs', () => {
    const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: 'nowhere' };
    assert.throws(() => exportingTelemetry('grpc://127.0.0.1:1', {}, environment), { code: 'bad_endpoint' });
  });
});

describe('configuration', () => {
  it('enable = false records nothing; metrics and log stay', async () => {
    const telemetry = exportingTelemetry(undefined, { enable: false });
    assert.equal(telemetry.recorder.root(SPANS.mqttPublish, 1), 0);
    assert.equal(telemetry.exporter, undefined);
    assert.match(telemetry.exposition.text(), /robustmq_traces_total 0/);
    await telemetry.shutdown();
  });

  it('exporter none keeps spans for who asks for them, and sends none', async () => {
    const telemetry = exportingTelemetry(undefined);
    record(telemetry);
    assert.equal((await telemetry.exporter!.find({}, 10)).length, 1);
    const spans = await shutDown(telemetry);
    assert.deepEqual([spans.started, spans.unsampled, spans.exported], [1, 1, 0]);
  });
});

describe('the choice of traces', () => {
  it('at rate 0 is made afterwards: what failed is exported, whole, and all else is not', async () => {
    await using receiver = await OtlpReceiver.start();
    const telemetry = exportingTelemetry(`grpc://127.0.0.1:${receiver.grpcPort}`, { samplingRate: 0 });
    const { recorder } = telemetry;
    for (let trace = 0; trace < 100; trace += 1) {
      const connect = recorder.root(SPANS.mqttConnect, 1);
      recorder.end(recorder.child(SPANS.authValidate, connect, 1), 2);
      if (trace === 50) recorder.fail(connect, 'mqtt_0x87', 'not authorised');
      recorder.end(connect, 3);
    }
    const spans = await shutDown(telemetry);
    assert.deepEqual([spans.exported, spans.unsampled], [2, 198]);
    assert.deepEqual(receiver.spans.map(({ name }) => name).sort(), ['auth/validate', 'mqtt/connect']);
    assert.equal(
      receiver.spans.find(({ parentSpanId }) => parentSpanId === '')?.attributes['robustmq.sampling.reason'],
      'error',
    );
    assert.deepEqual(statsOf(telemetry).traces.kept, { error: 1 });
  });
});
