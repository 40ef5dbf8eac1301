import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MemoryJournal } from '../../journal/engines/memory/memory-journal.ts';
import { PacketType } from '../../mqtt/packet-type.ts';
import type { AckPacket, Packet } from '../../mqtt/packets.ts';
import { ReasonCode } from '../../mqtt/reason-code.ts';
import { ATTRIBUTES, METRICS } from '../../telemetry/catalogue.ts';
import { counterId } from '../../telemetry/metrics.ts';
import { CLOSE_REASONS } from '../connection/close-reason.ts';
import { attributesOf } from '../testing/attributes-of.ts';
import { BrokerUnderTest, type ClientOptions } from '../testing/broker-under-test.ts';
import { ControlledJournal } from '../testing/controlled-journal.ts';
import type { TestClient } from '../testing/test-client.ts';
import { TestClock } from '../testing/test-clock.ts';

const PERSISTENT = { expirySeconds: 1000 };
const { puback, pubrec, pubrel, pubcomp } = PacketType;

/** A subscriber at QoS 2 of everything, with one message of each QoS under way: identifiers 1 (QoS 1) and 2 (QoS 2). */
async function open(options: ClientOptions = {}) {
  const broker = await BrokerUnderTest.start();
  const client = await broker.connect('c', options);
  await broker.subscribe(client, '#', { qos: 2 });
  for (const qos of [1, 2] as const) broker.publish('a', String(qos), { qos });
  await broker.settle();
  client.take();
  return {
    broker,
    client,
    /** The client's packet, and what the broker answers to it. */
    async send(type: number, packetId: number, reasonCode: ReasonCode = ReasonCode.success): Promise<Packet[]> {
      broker.assembly.acks.acknowledge(client, type, packetId, reasonCode);
      broker.assembly.acks.endRead();
      await broker.settle();
      return client.take();
    },
    inFlight: () => client.session!.window.count,
    [Symbol.asyncDispose]: () => broker[Symbol.asyncDispose](),
  };
}

function ack<Type extends AckPacket['type']>(
  type: Type,
  packetId: number,
  reasonCode: ReasonCode = 0,
): AckPacket<Type> {
  return { type, packetId, reasonCode, properties: {} };
}

describe('the answers of a subscriber', () => {
  for (const options of [{}, PERSISTENT])
    it(`end a delivery of QoS 1 with PUBACK, of QoS 2 with PUBREC and PUBCOMP: ${JSON.stringify(options)}`, async () => {
      await using scene = await open(options);
      assert.deepEqual(await scene.send(puback, 1), []);
      assert.equal(scene.inFlight(), 1);
      assert.deepEqual(await scene.send(pubrec, 2), [ack('pubrel', 2)], '[MQTT-4.3.3-4]');
      assert.equal(scene.inFlight(), 1);
      assert.deepEqual(await scene.send(pubcomp, 2), []);
      assert.equal(scene.inFlight(), 0);
    });

  it('end a delivery that the client refuses, whatever the QoS', async () => {
    await using scene = await open();
    assert.deepEqual(await scene.send(puback, 1, ReasonCode.quotaExceeded), []);
    assert.deepEqual(await scene.send(pubrec, 2, ReasonCode.quotaExceeded), []);
    assert.equal(scene.inFlight(), 0);
  });

  it('are answered again where they are repeated', async () => {
    await using scene = await open();
    await scene.send(pubrec, 2);
    assert.deepEqual(await scene.send(pubrec, 2), [ack('pubrel', 2)]);
    assert.equal(scene.inFlight(), 2);
  });

  it('that name no message are told so where the protocol can (MQTT 5 section 3.6.2.1), and else passed over', async () => {
    await using scene = await open();
    const { packetIdentifierNotFound } = ReasonCode;
    assert.deepEqual(await scene.send(pubrec, 9), [ack('pubrel', 9, packetIdentifierNotFound)]);
    assert.deepEqual(await scene.send(puback, 9), []);
    assert.deepEqual(await scene.send(pubcomp, 9), []);
    assert.equal(scene.client.closed, false);
  });

  for (const [what, type, packetId] of [
    ['PUBACK for a QoS 2 message', puback, 2],
    ['PUBREC for a QoS 1 message', pubrec, 1],
    ['PUBCOMP before PUBREC', pubcomp, 2],
  ] as const)
    it(`are a protocol error where they are not those of the message: ${what}`, async () => {
      await using scene = await open();
      await scene.send(type, packetId);
      assert.equal(scene.client.closeReason, CLOSE_REASONS.protocolError);
    });

  it('make room for what waits', async () => {
    await using broker = await BrokerUnderTest.start();
    const client = await broker.connect('c', { receiveMaximum: 1 });
    await broker.subscribe(client, 'a', { qos: 1 });
    for (const text of ['1', '2']) broker.publish('a', text, { qos: 1 });
    await broker.settle();
    const [first, ...none] = client.take();
    assert.deepEqual(none, []);
    broker.answer(client, first!);
    await broker.settle();
    assert.equal(client.take().length, 1);
  });

  it('are counted by packet', async () => {
    await using scene = await open();
    for (const [type, packetId] of [
      [puback, 1],
      [pubrec, 2],
      [pubcomp, 2],
      [pubrel, 7],
    ] as const)
      await scene.send(type, packetId);
    for (const operation of ['puback', 'pubrec', 'pubcomp', 'pubrel'] as const)
      assert.equal(scene.broker.count(counterId(METRICS.requestsTotal, operation)), 1);
  });
});

describe('the spans of a delivery', () => {
  async function traced(reasonCode: ReasonCode) {
    const broker = await BrokerUnderTest.start();
    const client = await broker.connect('c');
    await broker.subscribe(client, 'a', { qos: 1 });
    broker.publish('a', 'x', { qos: 1 });
    await broker.settle();
    broker.assembly.acks.acknowledge(client, puback, 1, reasonCode);
    broker.assembly.acks.endRead();
    const [confirm] = broker.spansNamed('delivery/confirm');
    const [packet] = broker.spansNamed('mqtt/puback');
    return { broker, confirm: confirm!, packet: packet! };
  }

  it('end with the packet that ended it', async () => {
    const { broker, confirm, packet } = await traced(ReasonCode.success);
    await using _ = broker;
    assert.deepEqual(packet.parent, { type: 'local', spanId: confirm.spanId });
    assert.deepEqual([confirm.failure, attributesOf(packet).get(ATTRIBUTES.mqttPacketId)], [null, 1]);
  });

  it('fail where the subscriber refused the message', async () => {
    const { broker, confirm } = await traced(ReasonCode.quotaExceeded);
    await using _ = broker;
    assert.ok(confirm.failure);
    assert.equal(attributesOf(confirm).get(ATTRIBUTES.errorType), 'mqtt_0x97');
    assert.equal(attributesOf(confirm).get(ATTRIBUTES.mqttReasonCode), ReasonCode.quotaExceeded);
  });
});

describe('PUBREL', () => {
  async function stored(broker: BrokerUnderTest, client: TestClient): Promise<void> {
    const publisher = client.session!;
    publisher.inbound.add(5);
    broker.publish('a', 'x', { qos: 2, publisher, packetId: 5 });
    await broker.settle();
  }

  it('frees the identifier of the message, and is told of one that there is not', async () => {
    await using broker = await BrokerUnderTest.start();
    const client = await broker.connect('c');
    await stored(broker, client);
    const { acks } = broker.assembly;
    acks.acknowledge(client, pubrel, 5, ReasonCode.success);
    acks.acknowledge(client, pubrel, 5, ReasonCode.success);
    assert.deepEqual(client.take(), [ack('pubcomp', 5), ack('pubcomp', 5, ReasonCode.packetIdentifierNotFound)]);
    assert.equal(client.session!.inbound.state(5), 'unknown');
  });

  it('is answered for a persistent session only when that is durable, and never when it cannot be', async () => {
    const controlled = new ControlledJournal(new MemoryJournal({ clock: new TestClock() }), 'sessions.broker-1');
    await using broker = await BrokerUnderTest.start({}, { journal: controlled.journal });
    const client = await broker.connect('c', PERSISTENT);
    const { acks, turn, sessionLog } = broker.assembly;
    for (const verdict of ['commit', 'fail'] as const) {
      await stored(broker, client);
      acks.acknowledge(client, pubrel, 5, ReasonCode.success);
      turn.end();
      assert.deepEqual([client.take(), controlled.waiting], [[], [1]]);
      controlled.settle(verdict);
      await new Promise(setImmediate);
      assert.deepEqual(client.take(), verdict === 'commit' ? [ack('pubcomp', 5)] : []);
      assert.equal(client.closed, verdict === 'fail');
    }
    const idle = sessionLog.idle();
    controlled.settle('commit');
    await idle;
  });
});
