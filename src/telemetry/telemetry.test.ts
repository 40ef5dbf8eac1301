import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { ATTRIBUTES, METRICS, SPANS } from './catalogue.ts';
import { counterId } from './metrics.ts';
import { OtlpReceiver } from './testing/otlp-receiver.ts';
import { type TestTelemetry, type TestTelemetryOptions, testTelemetry } from './testing/test-telemetry.ts';
import { CONTEXT_BYTES, FLAGS_AT } from './trace-context.ts';

const exportedSpans = counterId(METRICS.spansExportedTotal);
const exportedTraces = counterId(METRICS.tracesExportedTotal);
const exportFailures = counterId(METRICS.exportFailuresTotal);
const dropped = {
  queueFull: counterId(METRICS.spansDroppedTotal, 'queue_full'),
  failed: counterId(METRICS.spansDroppedTotal, 'export_failed'),
  timedOut: counterId(METRICS.spansDroppedTotal, 'export_timeout'),
  shutdown: counterId(METRICS.spansDroppedTotal, 'shutdown'),
};

const QUICK = { exportIntervalMs: 10, exportTimeoutMs: 150, exportMaxPauseMs: 20, shutdownMs: 300 };

function exporting(endpoint: string, options: TestTelemetryOptions = {}): TestTelemetry {
  return testTelemetry({ exporterType: 'otlp', exporterEndpoint: endpoint, limits: QUICK, ...options });
}

function recordOne({ recorder }: TestTelemetry): void {
  recorder.end(recorder.root(SPANS.mqttPingreq, 1_700_000_000_000), 1_700_000_000_001);
}

/** Polls, because what is waited for happens behind real sockets; the runner's own limit ends a wait in vain. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

const logged = (telemetry: TestTelemetry, event: string) => telemetry.logLines.filter((line) => line.event === event);

for (const protocol of ['grpc', 'http'] as const) {
  const endpointOf = (receiver: OtlpReceiver) =>
    `${protocol}://127.0.0.1:${protocol === 'grpc' ? receiver.grpcPort : receiver.httpPort}`;

  describe(`export over ${protocol}`, () => {
    it('brings the whole span to the collector', async (t) => {
      const receiver = await OtlpReceiver.start();
      t.after(() => receiver.close());
      // A collector that is well is waited for, however busy the machine.
      const telemetry = exporting(endpointOf(receiver), { limits: { ...QUICK, exportTimeoutMs: 10_000 } });
      t.after(() => telemetry.shutdown());
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
      const [committed, published] = spans;
      assert.equal(published?.name, 'mqtt/publish');
      assert.equal(published.kind, 'server');
      assert.equal(published.traceId, '0102030405060708090a0b0c0d0e0f10');
      assert.equal(published.parentSpanId, '1112131415161718');
      assert.equal(published.startedAt, 1_700_000_000_000.5);
      assert.equal(published.endedAt, 1_700_000_000_003);
      assert.deepEqual(published.attributes, {
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

      await telemetry.shutdown();
      assert.equal(telemetry.metrics.value(exportedSpans), 2);
      assert.equal(telemetry.metrics.value(exportedTraces), 1);
      assert.deepEqual(telemetry.logLines, []);
    });

    for (const behaviour of ['reject', 'hang', 'reset'] as const) {
      it(`to a collector that will ${behaviour} drops and counts, warns once, and recovers`, async () => {
        const receiver = await OtlpReceiver.start();
        receiver.behave(behaviour);
        const telemetry = exporting(endpointOf(receiver));
        const { metrics } = telemetry;
        const lost = () => metrics.value(dropped.failed) + metrics.value(dropped.timedOut);
        for (let batch = 1; batch <= 3; batch += 1) {
          recordOne(telemetry);
          await until(() => lost() === batch);
        }
        assert.equal(metrics.value(exportFailures), 3);
        assert.equal(metrics.value(behaviour === 'hang' ? dropped.timedOut : dropped.failed), 3);
        assert.equal(logged(telemetry, 'export.failing').length, 1);

        receiver.behave('accept');
        // A gRPC channel reconnects in its own time: spans may still be lost until it has.
        let recorded = 3;
        while (metrics.value(exportedSpans) === 0) {
          recordOne(telemetry);
          recorded += 1;
          await until(() => lost() + metrics.value(exportedSpans) === recorded);
        }
        await until(() => logged(telemetry, 'export.recovered').length === 1);
        assert.equal(logged(telemetry, 'export.recovered')[0]?.droppedSpans, lost());
        assert.equal(logged(telemetry, 'export.failing').length, 1);
        await telemetry.shutdown();
        await receiver.close();
      });
    }

    it('where nobody listens stays bounded: every span is exported, waiting, or dropped and counted', async () => {
      const receiver = await OtlpReceiver.start();
      const endpoint = endpointOf(receiver);
      await receiver.close();
      const telemetry = exporting(endpoint, { exportQueueSpans: 50, limits: { ...QUICK, exportIntervalMs: 10_000 } });
      const { metrics } = telemetry;
      for (let count = 0; count < 1000; count += 1) recordOne(telemetry);
      assert.equal(metrics.value(dropped.queueFull), 950);
      assert.equal(metrics.readGauge(METRICS.exportQueueSpans), 50);
      await telemetry.shutdown();
      assert.equal(
        metrics.value(dropped.failed) + metrics.value(dropped.timedOut) + metrics.value(dropped.shutdown),
        50,
      );
      assert.equal(metrics.readGauge(METRICS.exportQueueSpans), 0);
    });

    it('sends what waits when it is shut down', async () => {
      const receiver = await OtlpReceiver.start();
      const telemetry = exporting(endpointOf(receiver), { limits: { exportIntervalMs: 10_000 } });
      for (let count = 0; count < 5; count += 1) recordOne(telemetry);
      await telemetry.shutdown();
      assert.equal(receiver.spans.length, 5);
      recordOne(telemetry);
      assert.equal(telemetry.metrics.value(dropped.shutdown), 1);
      await receiver.close();
    });

    it('shuts down within its limit, though the collector hangs, and counts what it left behind', async () => {
      const receiver = await OtlpReceiver.start();
      receiver.behave('hang');
      const limits = { ...QUICK, maxBatchSpans: 2, shutdownMs: 50, exportTimeoutMs: 400 };
      const telemetry = exporting(endpointOf(receiver), { limits });
      for (let count = 0; count < 10; count += 1) recordOne(telemetry);
      await until(() => receiver.requests === 1);
      await telemetry.shutdown();
      assert.equal(telemetry.metrics.value(dropped.shutdown), 8);
      await receiver.close();
    });
  });
}

describe('environment', () => {
  after(() => {
    delete process.env.OTEL_EXPORTER_OTLP_ENDPOINT;
    delete process.env.OTEL_EXPORTER_OTLP_HEADERS;
  });

  it('OTEL_EXPORTER_OTLP_ENDPOINT sends the spans elsewhere than configured', async () => {
    const receiver = await OtlpReceiver.start();
    process.env.OTEL_EXPORTER_OTLP_ENDPOINT = `http://127.0.0.1:${receiver.httpPort}`;
    const telemetry = exporting('grpc://127.0.0.1:1', { environment: process.env });
    recordOne(telemetry);
    await receiver.received(1);
    await telemetry.shutdown();
    await receiver.close();
  });
});

describe('OTEL_BSP_SCHEDULE_DELAY', () => {
  it('says how long a span waits for others: the one that may not wait overtakes the one that must', async () => {
    const receiver = await OtlpReceiver.start();
    const [patient, hasty] = ['600000', '0'].map((OTEL_BSP_SCHEDULE_DELAY) =>
      testTelemetry({
        exporterType: 'otlp',
        exporterEndpoint: `grpc://127.0.0.1:${receiver.grpcPort}`,
        environment: { OTEL_BSP_SCHEDULE_DELAY },
      }),
    );
    recordOne(patient!);
    recordOne(hasty!);
    await receiver.received(1);
    assert.equal(patient!.metrics.readGauge(METRICS.exportQueueSpans), 1);
    assert.equal(hasty!.metrics.readGauge(METRICS.exportQueueSpans), 0);
    await Promise.all([patient!.shutdown(), hasty!.shutdown()]);
    assert.equal(receiver.spans.length, 2);
    await receiver.close();
  });
});

describe('configuration', () => {
  it('enable = false records nothing; metrics and log stay', async () => {
    const telemetry = testTelemetry({ enable: false });
    assert.equal(telemetry.recorder.root(SPANS.mqttPublish, 1), 0);
    assert.match(await telemetry.exposition.text(), /robustmq_traces_total 0/);
    await telemetry.shutdown();
  });

  it('followParent says whether a caller or the rate decides about a continued trace', async () => {
    const caller = new Uint8Array(CONTEXT_BYTES).fill(1);
    for (const followParent of [true, false]) {
      const telemetry = testTelemetry({ samplingRate: 0, followParent });
      assert.equal(telemetry.recorder.continued(SPANS.mqttPublish, caller, 0, 1) !== 0, followParent);
      await telemetry.shutdown();
    }
  });

  it('exporter none keeps spans for the recent traces alone', async () => {
    const telemetry = testTelemetry({ exporterType: 'none' });
    recordOne(telemetry);
    assert.equal([...telemetry.recentTraces.newestFirst()].length, 1);
    await telemetry.shutdown();
  });
});
