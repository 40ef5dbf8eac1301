import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { encodePacket } from '../../src/mqtt/codec/encode-packet.ts';
import type { Packet, ProtocolVersion } from '../../src/mqtt/packets.ts';
import { ReasonCode } from '../../src/mqtt/reason-code.ts';
import { connectPacket, payloadOf, publishPacket, RawClient } from '../support/raw-client.ts';
import { TestBroker } from '../support/test-broker.ts';

let broker: TestBroker;
before(async () => {
  broker = await TestBroker.start();
});
after(() => broker[Symbol.asyncDispose]());

/** Numbers are bytes, strings their UTF-8 without a length. */
function wire(...parts: (number | string)[]): Buffer {
  return Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from([part]))));
}

const subscribe = (filter: string): Packet => ({
  type: 'subscribe',
  packetId: 1,
  subscriptions: [{ filter, qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 0 }],
  properties: {},
});

/** A whole conversation of one client, as the bytes it sends. */
function conversation(version: ProtocolVersion, topic: string): Buffer {
  const packets: Packet[] = [
    // MQTT 3.1 has no empty client identifier.
    connectPacket({ protocolVersion: version, clientId: version === 3 ? 'old' : '' }),
    subscribe(topic),
    publishPacket(topic, 'hello', { qos: 1 }, () => 2),
    { type: 'pingreq' },
  ];
  return Buffer.concat(packets.map((packet) => encodePacket(packet, version)));
}

async function expectConversation(client: RawClient): Promise<void> {
  assert.equal((await client.take('connack')).reasonCode, ReasonCode.success);
  assert.deepEqual((await client.take('suback')).reasonCodes, [1]);
  assert.equal((await client.take('puback')).reasonCode, ReasonCode.success);
  assert.equal(payloadOf(await client.take('publish')), 'hello');
  await client.take('pingresp');
}

describe('how bytes come', () => {
  for (const version of [3, 4, 5] as const) {
    test(`protocol level ${version}: all packets in one write, behind a CONNECT that is not answered yet`, async () => {
      await using client = await RawClient.open(broker.port, version);
      client.sendBytes(conversation(version, `whole/${version}`));
      await expectConversation(client);
    });

    test(`protocol level ${version}: byte by byte`, async () => {
      await using client = await RawClient.open(broker.port, version);
      for (const byte of conversation(version, `bytes/${version}`)) {
        client.sendBytes(Buffer.from([byte]));
        await nextTurn();
      }
      await expectConversation(client);
    });

    test(`protocol level ${version}: cut in two at every byte`, async () => {
      const bytes = conversation(version, `cut/${version}`);
      for (let cut = 1; cut < bytes.length; cut += 1) {
        await using client = await RawClient.open(broker.port, version);
        client.sendBytes(bytes.subarray(0, cut));
        await nextTurn();
        await nextTurn();
        client.sendBytes(bytes.subarray(cut));
        await expectConversation(client);
        await client.disconnect();
      }
    });
  }

  test('a thousand packets in one write', async () => {
    await using client = await RawClient.connect({ port: broker.port });
    await client.subscribe('thousand');
    const numbers = Array.from({ length: 1000 }, (_, number) => String(number));
    client.send(...numbers.map((text) => publishPacket('thousand', text, {}, () => 0)));
    for (const text of numbers) assert.equal(await client.expectPayload(), text);
  });

  test('half a packet and then nothing: the connection is lost, nobody else is disturbed', async () => {
    const bytes = encodePacket(
      publishPacket('half', 'a payload that does not come', {}, () => 0),
      5,
    );
    const half = await RawClient.connect({ port: broker.port });
    half.sendBytes(bytes.subarray(0, 12));
    await half.drop();
    await using client = await RawClient.connect({ port: broker.port });
    await client.expectNothing();
  });
});

describe('CONNECT', () => {
  test('MQTT 3.1 is spoken, as 3.1.1', async () => {
    await using client = await RawClient.open(broker.port, 3);
    client.sendBytes(wire(0x10, 15, 0, 6, 'MQIsdp', 3, 0x02, 0, 60, 0, 1, 'c'));
    assert.deepEqual(await client.expect('connack'), {
      type: 'connack',
      sessionPresent: false,
      reasonCode: ReasonCode.success,
      properties: {},
    });
  });

  for (const [what, bytes, version, reasonCode] of [
    ['level 6', wire(0x10, 14, 0, 4, 'MQTT', 6, 2, 0, 0, 0, 0, 1, 'c'), 5, ReasonCode.unsupportedProtocolVersion],
    ['level 2', wire(0x10, 13, 0, 4, 'MQTT', 2, 2, 0, 0, 0, 1, 'c'), 4, ReasonCode.unsupportedProtocolVersion],
    ['another name', wire(0x10, 14, 0, 4, 'MQTX', 5, 2, 0, 0, 0, 0, 1, 'c'), 5, ReasonCode.unsupportedProtocolVersion],
    ['another protocol', wire(0x10, 13, 0, 4, 'HTTP', 4, 2, 0, 0, 0, 1, 'c'), 4, ReasonCode.unsupportedProtocolVersion],
    [
      'a reserved flag [MQTT-3.1.2-3]',
      wire(0x10, 13, 0, 4, 'MQTT', 5, 3, 0, 0, 0, 0, 0),
      5,
      ReasonCode.malformedPacket,
    ],
    ['will QoS 3', wire(0x10, 13, 0, 4, 'MQTT', 5, 0x1e, 0, 0, 0, 0, 0), 5, ReasonCode.malformedPacket],
    [
      'a property twice',
      wire(0x10, 19, 0, 4, 'MQTT', 5, 2, 0, 0, 6, 0x21, 0, 1, 0x21, 0, 1, 0, 0),
      5,
      ReasonCode.protocolError,
    ],
    ['receive maximum 0', wire(0x10, 16, 0, 4, 'MQTT', 5, 2, 0, 0, 3, 0x21, 0, 0, 0, 0), 5, ReasonCode.protocolError],
  ] as const)
    test(`with ${what} is refused in CONNACK`, async () => {
      const framed = Buffer.from(bytes);
      framed[1] = framed.length - 2;
      await using client = await RawClient.open(broker.port, version);
      client.sendBytes(framed);
      const connack = await client.expect('connack');
      assert.deepEqual([connack.reasonCode, connack.sessionPresent], [reasonCode, false]);
      await client.expectClose();
    });

  test('comes first: any other packet closes the connection without an answer [MQTT-3.1.0-1]', async () => {
    for (const packet of [subscribe('a'), { type: 'pingreq' }, publishPacket('a', 'x', {}, () => 0)] as const) {
      await using client = await RawClient.open(broker.port);
      client.send(packet);
      await client.expectClose();
    }
  });

  test('comes once: a second one closes the connection [MQTT-3.1.0-2]', async () => {
    await using recent = await RawClient.connect({ port: broker.port });
    recent.sendConnect({});
    await recent.expectDisconnect(ReasonCode.protocolError);
    await using old = await RawClient.connect({ port: broker.port, protocolVersion: 4 });
    old.sendConnect({});
    await old.expectClose();
  });
});

describe('garbage', () => {
  for (const [what, bytes] of [
    ['HTTP', wire('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')],
    ['TLS', wire(0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3)],
    ['zeros', Buffer.alloc(64)],
    ['a length without end', wire(0x10, 0xff, 0xff, 0xff, 0xff, 0xff)],
    ['a packet larger than any', wire(0x10, 0xff, 0xff, 0xff, 0x7f)],
  ] as const)
    test(`${what} instead of a CONNECT closes the connection`, async () => {
      await using client = await RawClient.open(broker.port);
      client.sendBytes(bytes);
      await client.ended();
    });

  for (const [what, bytes, reasonCode] of [
    ['packet type 0', wire(0x00, 0), ReasonCode.malformedPacket],
    ['a length without end', wire(0x30, 0xff, 0xff, 0xff, 0xff, 1), ReasonCode.malformedPacket],
    ['QoS 3 [MQTT-3.3.1-4]', wire(0x36, 6, 0, 1, 'a', 0, 1, 0), ReasonCode.malformedPacket],
    ['DUP at QoS 0 [MQTT-3.3.1-2]', wire(0x38, 4, 0, 1, 'a', 0), ReasonCode.malformedPacket],
    ['packet identifier 0 [MQTT-2.2.1-3]', wire(0x32, 6, 0, 1, 'a', 0, 0, 0), ReasonCode.protocolError],
    ['a topic with a wildcard [MQTT-3.3.2-2]', wire(0x30, 6, 0, 3, 'a/#', 0), ReasonCode.topicNameInvalid],
    ['a topic that is not UTF-8 [MQTT-1.5.4-1]', wire(0x30, 5, 0, 2, 0xc3, 0x28, 0), ReasonCode.malformedPacket],
    ['a topic with U+0000 [MQTT-1.5.4-2]', wire(0x30, 5, 0, 2, 'a', 0, 0), ReasonCode.malformedPacket],
    ['a topic longer than its packet', wire(0x30, 4, 0, 9, 'a', 0), ReasonCode.malformedPacket],
    ['a property that PUBLISH has not', wire(0x30, 7, 0, 1, 'a', 3, 0x21, 0, 1), ReasonCode.malformedPacket],
    [
      'subscription identifiers from a client [MQTT-3.3.4-6]',
      wire(0x30, 6, 0, 1, 'a', 2, 0x0b, 1),
      ReasonCode.protocolError,
    ],
    ['SUBSCRIBE without its flag [MQTT-3.8.1-1]', wire(0x80, 7, 0, 1, 0, 0, 1, 'a', 0), ReasonCode.malformedPacket],
    ['SUBSCRIBE without a filter [MQTT-3.8.3-2]', wire(0x82, 3, 0, 1, 0), ReasonCode.protocolError],
    ['PUBREL without its flag [MQTT-3.6.1-1]', wire(0x60, 2, 0, 1), ReasonCode.malformedPacket],
    ['CONNACK from a client', wire(0x20, 3, 0, 0, 0), ReasonCode.protocolError],
    ['PINGREQ with a body', wire(0xc0, 1, 0), ReasonCode.malformedPacket],
  ] as const) {
    test(`MQTT 5: ${what} is answered by DISCONNECT 0x${reasonCode.toString(16)}`, async () => {
      await using client = await RawClient.connect({ port: broker.port });
      client.sendBytes(bytes);
      await client.expectDisconnect(reasonCode);
    });
  }

  test('MQTT 3.1.1: any of it closes the connection, without a word', async () => {
    for (const bytes of [wire(0x00, 0), wire(0x36, 5, 0, 1, 'a', 0, 1), wire(0x82, 2, 0, 1), wire(0xf0, 0)]) {
      await using client = await RawClient.connect({ port: broker.port, protocolVersion: 4 });
      client.sendBytes(bytes);
      await client.expectClose();
    }
  });

  test('what came in front of it in the same write is done', async () => {
    await using watcher = await RawClient.connect({ port: broker.port });
    await watcher.subscribe('before/#');
    await using client = await RawClient.connect({ port: broker.port });
    const packets = [0, 1, 2].map((qos) =>
      publishPacket(`before/${qos}`, 'x', { qos: qos as 0 | 1 | 2 }, () => 1 + qos),
    );
    client.sendBytes(Buffer.concat([...packets.map((packet) => encodePacket(packet, 5)), wire(0x00, 0)]));
    const topics = [await watcher.receive(), await watcher.receive(), await watcher.receive()].map(
      ({ topic }) => topic,
    );
    assert.deepEqual(topics.sort(), ['before/0', 'before/1', 'before/2']);
  });
});
