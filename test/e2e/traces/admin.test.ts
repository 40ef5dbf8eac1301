import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import type { TraceDocument } from '../../../src/telemetry/trace-document.ts';
import { RawClient } from '../../support/raw-client.ts';
import { TestBroker } from '../../support/test-broker.ts';

async function find(broker: TestBroker, query: string): Promise<TraceDocument[]> {
  const response = await fetch(`${broker.adminUrl}/api/v1/traces?${query}`);
  assert.equal(response.status, 200);
  return ((await response.json()) as { traces: TraceDocument[] }).traces;
}

describe('the admin API of a running broker', () => {
  it('finds traces by client, topic, error, duration and time', async () => {
    await using broker = await TestBroker.start({ 'mqtt.max_topic_levels': 2 });
    await using meter = await RawClient.connect({ port: broker.port, clientId: 'meter' });
    await using lamp = await RawClient.connect({ port: broker.port, clientId: 'lamp' });
    await meter.publish('sensor/1', '', { qos: 1 });
    broker.clock.advanceSeconds(100);
    await lamp.subscribe('a/b/c');
    await lamp.publish('light/1', '', { qos: 1 });
    const names = async (query: string) => (await find(broker, query)).map(({ rootName }) => rootName);
    assert.deepEqual(await names('clientId=meter'), ['mqtt/publish', 'mqtt/connect']);
    assert.deepEqual(await names('clientId=lamp'), ['mqtt/publish', 'mqtt/subscribe', 'mqtt/connect']);
    assert.deepEqual(await names('topic=sensor/%2B'), ['mqtt/publish']);
    assert.deepEqual(await names('error=true'), ['mqtt/subscribe']);
    assert.deepEqual(await names('minDurationMs=60000'), []);
    assert.deepEqual(await names(`since=${broker.clock.now() - 50_000}`), ['mqtt/publish', 'mqtt/subscribe']);
    assert.equal((await find(broker, 'limit=3')).length, 3);
    const [publish] = await find(broker, 'topic=light/%23');
    const response = await fetch(`${broker.adminUrl}/api/v1/traces/${publish!.traceId}`);
    assert.deepEqual(await response.json(), publish);
  });

  it('is alive and ready, and no longer ready while the broker drains', async () => {
    await using broker = await TestBroker.start();
    const { adminUrl } = broker;
    assert.deepEqual(await (await fetch(`${adminUrl}/healthz`)).json(), { status: 'ok' });
    assert.equal((await fetch(`${adminUrl}/readyz`)).status, 200);
    // A request that has begun is answered, however far the drain has got.
    const socket = connect(Number(new URL(adminUrl).port), '127.0.0.1');
    await once(socket, 'connect');
    socket.write('GET /readyz HTTP/1.1\r\nHost: admin\r\n');
    const stopped = broker.stop();
    socket.write('\r\n');
    const [answer] = (await once(socket, 'data')) as [Buffer];
    assert.match(answer.toString(), /^HTTP\/1\.1 503 /);
    socket.destroy();
    await stopped;
    await assert.rejects(fetch(`${adminUrl}/healthz`));
  });
});
