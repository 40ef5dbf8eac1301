import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { PublishPacket, Will } from '../../../src/mqtt/packets.ts';
import type { ReceivedSpan } from '../../../src/telemetry/testing/otlp-decoder.ts';
import type { RawClient } from '../../support/raw-client.ts';
import { TracedBroker } from './support/traced-broker.ts';

const LINK_AFTER_SECONDS = 60;
const CALLER = { traceId: 'c'.repeat(32), header: `00-${'c'.repeat(32)}-00f067aa0ba902b7-01` };

let traced: TracedBroker;
before(async () => {
  traced = await TracedBroker.start({ settings: { 'telemetry.link_after_ms': LINK_AFTER_SECONDS * 1000 } });
});
after(() => traced[Symbol.asyncDispose]());

const persistent = (clientId: string) =>
  traced.connect({ clientId, cleanStart: false, properties: { sessionExpiryInterval: 3600 } });

/** Publishes while the subscriber is away, lets time pass, and returns the publisher's span and the late push. */
async function deliverLate(name: string, qos: 1 | 2, seconds: number) {
  const away = await persistent(name);
  await away.subscribe(name);
  await away.disconnect();
  await using publisher = await traced.connect();
  await publisher.publish(name, 'late', { qos });
  traced.broker.clock.advanceSeconds(seconds);
  await using back = await persistent(name);
  const packet = await back.receive();
  const publish = await traced.span('mqtt/publish', { 'mqtt.topic': name });
  const push = await traced.span('client/push', { 'mqtt.client_id': name });
  const confirm = await traced.span('delivery/confirm', { 'mqtt.client_id': name });
  assert.deepEqual([confirm.traceId, confirm.parentSpanId], [push.traceId, push.spanId]);
  return { packet, publish, push };
}

function assertJoined(push: ReceivedSpan, publish: ReceivedSpan): void {
  assert.deepEqual([push.traceId, push.parentSpanId], [publish.traceId, publish.spanId]);
  assert.deepEqual(push.links, [{ traceId: publish.traceId, spanId: publish.spanId }]);
}

function assertLinked(push: ReceivedSpan, publish: ReceivedSpan): void {
  assert.notEqual(push.traceId, publish.traceId);
  assert.equal(push.parentSpanId, '');
  assert.deepEqual(push.links, [{ traceId: publish.traceId, spanId: publish.spanId }]);
}

function waitedMs(push: ReceivedSpan): number {
  const waited = push.attributes['robustmq.delivery.waited_ms'];
  assert.equal(typeof waited, 'number');
  return waited as number;
}

function assertNames(packet: PublishPacket, push: ReceivedSpan): void {
  assert.deepEqual(packet.properties.userProperties, [['traceparent', `00-${push.traceId}-${push.spanId}-01`]]);
}

describe('a delivery to a session that was away', () => {
  for (const qos of [1, 2] as const) {
    it(`at QoS ${qos} belongs to the publisher's trace, within link_after`, async () => {
      const { packet, publish, push } = await deliverLate(`soon/${qos}`, qos, LINK_AFTER_SECONDS / 2);
      assertJoined(push, publish);
      assert.ok(waitedMs(push) >= (LINK_AFTER_SECONDS / 2) * 1000);
      assertNames(packet, push);
    });

    it(`at QoS ${qos} is a trace of its own linked to the publisher's, after it`, async () => {
      const { packet, publish, push } = await deliverLate(`later/${qos}`, qos, LINK_AFTER_SECONDS + 1);
      assertLinked(push, publish);
      assert.ok(waitedMs(push) > LINK_AFTER_SECONDS * 1000);
      assertNames(packet, push);
    });
  }

  it('still knows the trace after a restart of the broker', async () => {
    const away = await persistent('restarted');
    await away.subscribe('restarted');
    await away.disconnect();
    await using publisher = await traced.connect();
    await publisher.publish('restarted', '', {
      qos: 1,
      properties: { userProperties: [['traceparent', CALLER.header]] },
    });
    await traced.broker.restart();
    await using back = await persistent('restarted');
    await back.receive();
    const publish = await traced.span('mqtt/publish', { 'mqtt.topic': 'restarted' });
    assert.equal(publish.traceId, CALLER.traceId);
    assertJoined(await traced.span('client/push', { 'mqtt.client_id': 'restarted' }), publish);
  });

  it('of what was sent before and not acknowledged is a push and a confirmation again', async () => {
    const first = await persistent('again');
    await first.subscribe({ filter: 'again', qos: 1 });
    await using publisher = await traced.connect();
    await publisher.publish('again', '', { qos: 1 });
    await first.expect('publish');
    await first.drop();
    const lost = await traced.span('delivery/confirm', { 'mqtt.client_id': 'again' });
    assert.equal(lost.attributes['error.type'], 'disconnected');
    assert.equal(lost.status.code, 'error');
    await using second = await persistent('again');
    const packet = await second.receive();
    assert.equal(packet.duplicate, true);
    const push = await traced.span('client/push', { 'mqtt.client_id': 'again', 'robustmq.delivery.redelivered': true });
    assertJoined(push, await traced.span('mqtt/publish', { 'mqtt.topic': 'again' }));
    assertNames(packet, push);
    const confirm = await traced.span('delivery/confirm', { 'mqtt.client_id': 'again', 'mqtt.reason_code': 0 });
    assert.equal(confirm.parentSpanId, push.spanId);
    const trace = await traced.trace(push.traceId, ['mqtt/puback']);
    assert.equal(trace.find(({ name }) => name === 'mqtt/puback')?.parentSpanId, confirm.spanId);
  });
});

describe('a retained message', () => {
  async function receiveRetained(name: string, seconds: number) {
    await using publisher = await traced.connect();
    await publisher.publish(name, 'kept', { qos: 1, retain: true });
    traced.broker.clock.advanceSeconds(seconds);
    await using subscriber = await traced.connect({ clientId: name });
    await subscriber.subscribe(name);
    const packet = await subscriber.receive();
    const publish = await traced.span('mqtt/publish', { 'mqtt.topic': name });
    return { packet, publish, push: await traced.span('client/push', { 'mqtt.client_id': name }) };
  }

  it('belongs to the trace of its publisher, within link_after', async () => {
    const { packet, publish, push } = await receiveRetained('kept/soon', 1);
    assertJoined(push, publish);
    assert.ok(waitedMs(push) >= 1000);
    assertNames(packet, push);
  });

  it('is linked to it, after that', async () => {
    const { packet, publish, push } = await receiveRetained('kept/later', LINK_AFTER_SECONDS + 1);
    assertLinked(push, publish);
    assertNames(packet, push);
  });
});

describe('a will', () => {
  /** Connects with a will, drops the connection, and returns what the watcher got. */
  async function leave(name: string, will: Partial<Will>): Promise<PublishPacket> {
    await using watcher = await traced.connect({ clientId: `watcher-${name}` });
    await watcher.subscribe(name);
    const client: RawClient = await traced.connect({
      clientId: name,
      will: { topic: name, payload: Buffer.from('gone'), qos: 0, retain: false, properties: {}, ...will },
    });
    await client.drop();
    return await watcher.receive();
  }

  for (const qos of [0, 1, 2] as const)
    it(`at QoS ${qos} is a trace of its own, linked to the CONNECT that gave it`, async () => {
      const name = `will-${qos}`;
      const packet = await leave(name, { qos });
      const connect = await traced.span('mqtt/connect', { 'mqtt.client_id': name });
      const publish = await traced.span('will/publish', { 'mqtt.topic': name });
      assertLinked(publish, connect);
      const push = await traced.span('client/push', { 'mqtt.client_id': `watcher-${name}` });
      assert.deepEqual([push.traceId, push.parentSpanId], [publish.traceId, publish.spanId]);
      assertNames(packet, push);
      if (qos > 0) await traced.trace(publish.traceId, ['storage/persist', 'journal/write', 'delivery/confirm']);
    });

  it('with a traceparent of its own keeps that one', async () => {
    for (const qos of [0, 1] as const) {
      const userProperties = [['traceparent', CALLER.header] as const];
      const packet = await leave(`will-own-${qos}`, { qos, properties: { userProperties } });
      assert.deepEqual(packet.properties.userProperties, userProperties);
    }
  });
});
