import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ATTRIBUTES, SPANS } from '../catalogue.ts';
import { testExporter } from '../testing/test-exporter.ts';
import { type TestTelemetry, testTelemetry } from '../testing/test-telemetry.ts';
import type { TraceDocument } from '../trace-document.ts';

const STARTED_AT = 1_700_000_000_000;

/** A CONNECT of a client, below which something fails or not. */
function record({ recorder }: TestTelemetry, clientId: string, address: string, fails = false): void {
  const connect = recorder.root(SPANS.mqttConnect, STARTED_AT);
  recorder.attribute(connect, ATTRIBUTES.mqttClientId, clientId);
  recorder.attribute(connect, ATTRIBUTES.networkPeerAddress, address);
  const validate = recorder.child(SPANS.authValidate, connect, STARTED_AT);
  if (fails) recorder.fail(validate, 'bad_password', 'The password is wrong.');
  recorder.end(validate, STARTED_AT + 1);
  recorder.end(connect, STARTED_AT + 2);
}

const clientsOf = (traces: readonly TraceDocument[]) =>
  traces.map(({ spans }) => spans.find(({ name }) => name === 'mqtt/connect')?.attributes['mqtt.client_id']);

describe("the exporter's thread", () => {
  it('finds by what stands in any part of a trace', async () => {
    const telemetry = testTelemetry();
    const exporter = testExporter(telemetry.recording);
    record(telemetry, 'meter-1', '10.0.0.1', true);
    record(telemetry, 'meter-2', '10.0.0.2');
    record(telemetry, 'door', '192.0.2.1', true);
    const find = async (filter: Parameters<typeof exporter.find>[0]) => clientsOf(await exporter.find(filter, 10));
    assert.deepEqual(await find({}), ['door', 'meter-2', 'meter-1']);
    assert.deepEqual(await find({ clientId: 'meter-*' }), ['meter-2', 'meter-1']);
    // The failed span does not say whose it is: its parent does.
    assert.deepEqual(await find({ clientId: 'meter-*', error: true }), ['meter-1']);
    assert.deepEqual(await find({ error: false }), ['meter-2']);
    assert.deepEqual(await find({ address: '10.0.0.0/8', error: true }), ['meter-1']);
    assert.deepEqual(await find({ minDurationMs: 2 }), ['door', 'meter-2', 'meter-1']);
    assert.deepEqual(await find({ minDurationMs: 3 }), []);
    assert.deepEqual(await find({ since: STARTED_AT + 1 }), []);
    await exporter.close(1000);
  });

  it('tells followers of a watch rule exactly of the traces that it counted, each once and whole', async () => {
    const counts: number[] = [];
    const telemetry = testTelemetry();
    const exporter = testExporter(telemetry.recording, {}, { onWatched: ([count]) => counts.push(count!.traces) });
    exporter.watch([{ id: 'w', clientId: 'meter-*', expiresAt: Number.MAX_SAFE_INTEGER, limit: 2, kept: 0 }]);
    const followed: TraceDocument[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    const unfollow = exporter.follow(
      { watch: 'w' },
      {
        trace: (trace) => followed.push(trace) === 2 && resolve(),
        skipped: (count) => assert.fail(`${count} skipped`),
      },
    );
    await exporter.flush();
    for (const client of ['door', 'meter-1', 'meter-2', 'meter-3']) record(telemetry, client, '10.0.0.1');
    await promise;
    unfollow();
    assert.deepEqual(clientsOf(followed), ['meter-1', 'meter-2']);
    assert.deepEqual(new Set(followed.map(({ spans }) => spans.length)), new Set([2]));
    await exporter.close(1000);
    assert.equal(
      counts.reduce((sum, count) => sum + count, 0),
      2,
    );
  });

  it('says how far back the ring goes', async () => {
    const telemetry = testTelemetry();
    const exporter = testExporter(telemetry.recording);
    assert.deepEqual(await exporter.window(), { bytes: telemetry.recording.ring.data.byteLength, oldestAt: null });
    record(telemetry, 'meter', '10.0.0.1');
    assert.equal((await exporter.window()).oldestAt, STARTED_AT);
    await exporter.close(1000);
  });

  it('that dies is told of, leaves no question without an answer, and does not keep the process from ending', async () => {
    const errors: Error[] = [];
    const telemetry = testTelemetry();
    // A destination that there is not: what the thread throws for it is as good as any failure.
    const destination = { type: 'otlp', options: { endpoint: 'nowhere', headers: {}, tls: {} } } as never;
    const exporter = testExporter(telemetry.recording, { destination }, { onBroken: (error) => errors.push(error) });
    assert.deepEqual(await exporter.find({}, 10), []);
    assert.equal(await exporter.show('0'.repeat(32)), undefined);
    await exporter.flush();
    await exporter.close(1000);
    assert.equal(errors.length, 1);
    record(telemetry, 'meter', '10.0.0.1');
  });
});
