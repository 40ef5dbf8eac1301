import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { payloadOf, RawClient } from '../../../test/support/raw-client.ts';
import { MemoryJournal } from '../../journal/engines/memory/memory-journal.ts';
import type { Packet } from '../../mqtt/packets.ts';
import { ReasonCode } from '../../mqtt/reason-code.ts';
import { ATTRIBUTES, METRICS } from '../../telemetry/catalogue.ts';
import { counterId } from '../../telemetry/metrics.ts';
import { attributesOf } from '../testing/attributes-of.ts';
import { BrokerUnderTest } from '../testing/broker-under-test.ts';
import { ControlledJournal } from '../testing/controlled-journal.ts';
import { TestClock } from '../testing/test-clock.ts';

const MIB = 1024 * 1024;

async function open(options: Partial<Parameters<typeof RawClient.connect>[0]> = {}) {
  const broker = await BrokerUnderTest.start();
  const client = await RawClient.connect({ port: await broker.listen(), clientId: 'c', ...options });
  return {
    broker,
    client,
    session: () => broker.assembly.lifecycle.sessions.get('c'),
    async [Symbol.asyncDispose]() {
      await client.drop();
      await broker[Symbol.asyncDispose]();
    },
  };
}

describe('PINGREQ', () => {
  it('is answered by PINGRESP [MQTT-3.12.4-1], counted and recorded', async () => {
    await using scene = await open();
    scene.client.send({ type: 'pingreq' });
    await scene.client.expect('pingresp');
    assert.equal(scene.broker.count(counterId(METRICS.requestsTotal, 'pingreq')), 1);
    const [span] = scene.broker.spansNamed('mqtt/pingreq');
    assert.equal(attributesOf(span).get(ATTRIBUTES.mqttClientId), 'c');
  });
});

describe('DISCONNECT', () => {
  it('ends connection and session, and nothing is said to it [MQTT-3.14.4-1]', async () => {
    await using scene = await open();
    await scene.client.disconnect();
    await scene.client.expectClose();
    assert.equal(scene.session(), undefined);
    assert.equal(scene.broker.count(counterId(METRICS.connectionsClosedTotal, 'client_disconnect')), 1);
  });

  it('may change when the session expires', async () => {
    await using scene = await open({ properties: { sessionExpiryInterval: 100 } });
    await scene.client.disconnect(0, { sessionExpiryInterval: 5 });
    assert.equal(scene.session()?.expirySeconds, 5);
  });

  it('may end a session that was to stay', async () => {
    await using scene = await open({ properties: { sessionExpiryInterval: 100 } });
    await scene.client.disconnect(0, { sessionExpiryInterval: 0 });
    assert.equal(scene.session(), undefined);
  });

  it('may not make a session stay that was to end [MQTT-3.14.2-2]', async () => {
    await using scene = await open();
    scene.client.send({ type: 'disconnect', reasonCode: 0, properties: { sessionExpiryInterval: 5 } });
    await scene.client.expectDisconnect(ReasonCode.protocolError);
    assert.equal(scene.session(), undefined);
    const [span] = scene.broker.spansNamed('mqtt/disconnect');
    assert.ok(span?.failure);
  });
});

describe('a packet that is out of place', () => {
  const CONNECT: Packet = {
    type: 'connect',
    protocolVersion: 5,
    cleanStart: true,
    keepAliveSeconds: 0,
    clientId: 'c',
    properties: {},
  };
  for (const [what, packet] of [
    ['a second CONNECT [MQTT-3.1.0-2]', CONNECT],
    ['a CONNACK', { type: 'connack', sessionPresent: false, reasonCode: 0, properties: {} }],
    ['a PINGRESP', { type: 'pingresp' }],
    ['a SUBACK', { type: 'suback', packetId: 1, reasonCodes: [0], properties: {} }],
  ] as const satisfies readonly (readonly [string, Packet])[])
    it(`ends the connection: ${what}`, async () => {
      await using scene = await open();
      scene.client.send(packet as Packet);
      await scene.client.expectDisconnect(ReasonCode.protocolError);
      assert.equal(scene.broker.count(counterId(METRICS.connectionsClosedTotal, 'protocol_error')), 1);
    });

  it('is told in the log, with the trace that says the same', async () => {
    await using scene = await open();
    scene.client.send({ type: 'pingresp' });
    await scene.client.expectDisconnect(ReasonCode.protocolError);
    const line = scene.broker.telemetry.logLines.find(({ event }) => event === 'connection.failed');
    const [goodbye] = scene.broker.spansNamed('mqtt/disconnect');
    assert.equal(line?.reason, 'protocol_error');
    assert.deepEqual([line?.trace_id, line?.span_id], [goodbye?.traceId, goodbye?.spanId]);
  });
});

describe('a connection that fails', () => {
  async function failureOf(broker: BrokerUnderTest, bytes: readonly number[], end: 'close' | 'timeout' = 'close') {
    await using client = await RawClient.open(await broker.listen(), 5);
    if (bytes.length > 0) client.sendBytes(Buffer.from(bytes));
    if (end === 'timeout') {
      while (broker.assembly.connections.count === 0) await new Promise(setImmediate);
      broker.clock.advanceSeconds(60);
      broker.assembly.connections.tick(broker.clock.now());
    }
    await client.expectClose();
    const line = broker.telemetry.logLines.find(({ event }) => event === 'connection.failed');
    const span = broker.spans.find(({ spanId }) => spanId === line?.span_id);
    assert.equal(line?.trace_id, span?.traceId);
    const attributes = attributesOf(span);
    assert.equal(attributes.get(ATTRIBUTES.errorType), line?.reason);
    assert.equal(attributes.get(ATTRIBUTES.networkPeerAddress), '127.0.0.1');
    return { span, attributes, reason: line?.reason };
  }

  for (const [what, bytes, reason] of [
    ['a packet before CONNECT', [0xc0, 0], 'protocol_error'],
    ['what is no packet', [0xc0, 0xff, 0xff, 0xff, 0xff], 'malformed_packet'],
    ['a packet larger than the broker takes', [0x10, 0xff, 0xff, 0xff, 0x7f], 'packet_too_large'],
  ] as const)
    it(`before anybody knows whose it is, by ${what}, has a trace that the log names`, async () => {
      await using broker = await BrokerUnderTest.start();
      const { span, attributes, reason: told } = await failureOf(broker, bytes);
      assert.deepEqual([span?.definition.name, told], ['mqtt/disconnect', reason]);
      assert.ok(span?.failure);
      assert.ok(!attributes.has(ATTRIBUTES.mqttClientId));
    });

  it('because no CONNECT comes has one', async () => {
    await using broker = await BrokerUnderTest.start();
    const { span, attributes, reason } = await failureOf(broker, [], 'timeout');
    assert.deepEqual([span?.definition.name, reason], ['mqtt/disconnect', 'connect_timeout']);
    assert.ok(!attributes.has(ATTRIBUTES.mqttReasonCode));
  });

  it('by its CONNECT has that of the CONNECT, and no other', async () => {
    await using broker = await BrokerUnderTest.start();
    const { span, reason } = await failureOf(broker, [0x10, 0x02, 0, 4]);
    assert.deepEqual([span?.definition.name, reason], ['mqtt/connect', 'malformed_packet']);
    assert.deepEqual(broker.spansNamed('mqtt/disconnect'), []);
    const refused = broker.telemetry.logLines.find(({ event }) => event === 'connection.refused');
    assert.deepEqual(
      [refused?.span_id, refused?.reason, refused?.reasonCode],
      [span?.spanId, reason, ReasonCode.malformedPacket],
    );
  });

  it('of an MQTT 3.1.1 client, to which no packet can say it, has one', async () => {
    await using scene = await open({ protocolVersion: 4 });
    scene.client.sendBytes(Buffer.from([0xc0, 1, 0]));
    await scene.client.expectClose();
    const [span] = scene.broker.spansNamed('mqtt/disconnect');
    const attributes = attributesOf(span);
    assert.equal(attributes.get(ATTRIBUTES.errorType), 'malformed_packet');
    assert.equal(attributes.get(ATTRIBUTES.mqttReasonCode), ReasonCode.malformedPacket);
    assert.equal(attributes.get(ATTRIBUTES.mqttClientId), 'c');
  });
});

describe('a broker whose journal does not keep up', () => {
  it('reads no more from those who publish, and goes on when it has caught up', async () => {
    const controlled = new ControlledJournal(new MemoryJournal({ clock: new TestClock() }), 'default');
    await using broker = await BrokerUnderTest.start({}, { journal: controlled.journal });
    const port = await broker.listen();
    await using publisher = await RawClient.connect({ port });
    const payload = Buffer.alloc(MIB - 100);
    const until = async (condition: () => boolean): Promise<void> => {
      while (!condition()) await new Promise(setImmediate);
    };
    publisher.sendPublish('a', 'under way', { qos: 1 });
    await until(() => controlled.waiting.length === 1);
    const [durable] = broker.assembly.ingests;
    for (let count = 0; count < 20; count += 1) publisher.sendPublish('a', payload, { qos: 1 });
    await until(() => durable!.saturated);
    await using other = await RawClient.connect({ port });
    await other.expectNothing();
    assert.ok(durable!.queueDepth < 20, 'the rest stays with the client');
    const { metrics } = broker.telemetry;
    assert.ok(Number(metrics.readGauge(METRICS.connectionsPaused)) >= 1);
    const queued = new Map(metrics.readGauge(METRICS.ingestQueueRecords) as Iterable<[string, number]>);
    assert.deepEqual(
      [...queued],
      [
        ['default', durable!.queueDepth],
        ['volatile', 0],
      ],
    );
    for (let answered = 0; answered < 21; answered += 1) {
      if (controlled.waiting.length === 0) await until(() => controlled.waiting.length > 0 || !hasMore());
      while (controlled.waiting.length > 0) controlled.settle('commit');
      await publisher.take('puback');
    }
    function hasMore(): boolean {
      return durable!.dispatchedEnd < 21;
    }
    assert.equal(durable!.dispatchedEnd, 21);
    assert.equal(metrics.readGauge(METRICS.connectionsPaused), 0);
  });

  it('still delivers', async () => {
    await using scene = await open();
    await scene.client.subscribe('a');
    scene.client.sendPublish('a', 'x');
    assert.equal(payloadOf(await scene.client.expect('publish')), 'x');
  });
});
