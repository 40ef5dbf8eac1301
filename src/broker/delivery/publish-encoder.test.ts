import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { encodePacket } from '../../mqtt/codec/encode-packet.ts';
import { copyForwardedProperties } from '../../mqtt/forwarded-properties.ts';
import type { PublishPacket } from '../../mqtt/packets.ts';
import { parsePublish } from '../../mqtt/parse-publish.ts';
import type { PropertiesOf } from '../../mqtt/property.ts';
import { PublishView } from '../../mqtt/publish-view.ts';
import { ReasonCode } from '../../mqtt/reason-code.ts';
import { arbitraryPublish } from '../../mqtt/testing/arbitrary-packet.ts';
import { decodeFrame, scanWhole } from '../../mqtt/testing/decode-frame.ts';
import { CONTEXT_BYTES, FLAGS_AT, formatTraceparent, TRACEPARENT_BYTES } from '../../telemetry/trace-context.ts';
import { TopicAliases } from '../connection/topic-aliases.ts';
import { Topic } from '../router/topic.ts';
import { TestClient } from '../testing/test-client.ts';
import { Message } from './message.ts';
import { type Propagation, PublishEncoder } from './publish-encoder.ts';

const PUBLISHED = '00-11111111111111111111111111111111-2222222222222222-01';

/** The packet as a message in the read buffer. */
function messageOf(packet: PublishPacket, version: 4 | 5 = 5): Message {
  const bytes = encodePacket({ ...packet, packetId: packet.qos === 0 ? 0 : 1 }, version);
  const { headerByte, bodyStart, end } = scanWhole(bytes);
  const view = new PublishView();
  assert.equal(parsePublish(bytes, headerByte, bodyStart, end, version, view), ReasonCode.success);
  const properties = Buffer.alloc(bytes.length);
  const message = new Message();
  message.topic = new Topic(Buffer.from(packet.topic), () => undefined);
  message.properties = properties;
  message.propertiesEnd = copyForwardedProperties(bytes, view.propertiesStart, view.propertiesEnd, properties, 0);
  message.payload = bytes;
  message.payloadStart = view.payloadStart;
  message.payloadEnd = view.payloadEnd;
  message.expirySeconds = view.messageExpirySeconds;
  message.hasTraceparent = view.traceparentStart !== -1;
  return message;
}

function packetOf(properties: PropertiesOf<'publish'> = {}, payload = 'payload'): PublishPacket {
  return {
    type: 'publish',
    topic: 'a/b',
    payload: new Uint8Array(Buffer.from(payload)),
    qos: 0,
    retain: false,
    duplicate: false,
    packetId: 0,
    properties,
  };
}

type Arguments = Parameters<PublishEncoder['encode']>;

function bytesOf(encoder: PublishEncoder, ...parameters: Arguments): Buffer {
  encoder.encode(...parameters);
  return encoder.bytes.subarray(encoder.start, encoder.end);
}

/** What a subscriber gets, with packet identifier 1 above QoS 0. */
function received(encoder: PublishEncoder, ...parameters: Arguments): PublishPacket {
  encoder.encode(...parameters);
  return decoded(encoder, parameters[2], parameters[1]);
}

/** What the last call encoded. */
function decoded(encoder: PublishEncoder, qos: number, version: 4 | 5 = 5): PublishPacket {
  const bytes = Buffer.from(encoder.bytes.subarray(encoder.start, encoder.end));
  if (qos > 0) bytes.writeUInt16BE(1, encoder.packetIdAt);
  const result = decodeFrame(bytes, version);
  assert.ok(result.ok && result.packet.type === 'publish');
  return result.packet;
}

/** A client to which the topic would be given this alias. */
function clientWithAlias(topic: string, alias: number, maximumPacketSize = Number.POSITIVE_INFINITY): TestClient {
  const client = new TestClient(5);
  client.maximumPacketSize = maximumPacketSize;
  const aliases = new TopicAliases(alias);
  for (let other = 1; other < alias; other += 1) {
    aliases.find(`${topic} ${other}`);
    aliases.sent();
  }
  client.aliasesToClient = aliases;
  return client;
}

function contextOf(fill: number): Uint8Array {
  const context = new Uint8Array(CONTEXT_BYTES).fill(fill);
  context[FLAGS_AT] = 1;
  return context;
}

function traceparentOf(context: Uint8Array): string {
  const text = Buffer.alloc(TRACEPARENT_BYTES);
  formatTraceparent(context, 0, text, 0);
  return text.toString();
}

describe('the encoder of messages for subscribers', () => {
  it('has room for as many identifiers as a client has subscriptions [MQTT-3.3.4-3]', () => {
    const identifiers = Array.from({ length: 20_000 }, (_, index) => 200_000_000 + index);
    const packet = received(new PublishEncoder('inject-if-absent'), messageOf(packetOf()), 5, 0, false, identifiers);
    assert.deepEqual(packet.properties.subscriptionIdentifiers, identifiers);
  });

  for (const version of [4, 5] as const)
    it(`encodes for version ${version} what encodePacket encodes`, () => {
      fc.assert(
        fc.property(
          arbitraryPublish(version).filter(({ topic }) => topic !== ''),
          fc.nat(2),
          fc.boolean(),
          (packet, qos, retain) => {
            const { topicAlias: _, subscriptionIdentifiers: __, ...properties } = packet.properties;
            const expected = { ...packet, qos: qos as 0 | 1 | 2, retain, duplicate: false, properties };
            const encoder = new PublishEncoder('preserve');
            const actual = received(encoder, messageOf({ ...packet, properties }, version), version, qos, retain);
            assert.deepEqual(actual, { ...expected, packetId: qos === 0 ? 0 : 1 });
            encoder.encode(messageOf({ ...packet, properties }, version), version, qos, retain);
            assert.equal(encoder.end - encoder.start, encodePacket({ ...expected, packetId: 1 }, version).length);
          },
        ),
      );
    });

  it('leaves properties out for MQTT 3.1.1', () => {
    const message = messageOf(packetOf({ contentType: 'text/plain', messageExpiryInterval: 60 }));
    assert.deepEqual(received(new PublishEncoder('preserve'), message, 4, 0, false).properties, {});
  });

  it('encodes once for all who want the message in the same way, until the next message', () => {
    const encoder = new PublishEncoder('preserve');
    const message = messageOf(packetOf());
    const first = bytesOf(encoder, message, 5, 1, false);
    assert.equal(bytesOf(encoder, message, 5, 1, false).byteOffset, first.byteOffset);
    const variants = new Set<string>();
    for (const version of [4, 5] as const)
      for (const qos of [0, 1, 2])
        for (const retain of [false, true]) {
          const { byteOffset } = bytesOf(encoder, message, version, qos, retain);
          assert.equal(bytesOf(encoder, message, version, qos, retain).byteOffset, byteOffset);
          const packet = received(encoder, message, version, qos, retain);
          assert.deepEqual([packet.qos, packet.retain], [qos, retain]);
          variants.add(String(byteOffset));
        }
    assert.equal(variants.size, 12);
    encoder.begin();
    assert.equal(received(encoder, messageOf(packetOf({}, 'another')), 5, 1, false).payload.length, 7);
  });

  it('encodes once for all whom it tells a topic alias, and once for all who know it, each with its own', () => {
    const encoder = new PublishEncoder('preserve');
    const message = messageOf(packetOf({ contentType: 'text/plain' }));
    const clients = [1, 2, 3].map((alias) => clientWithAlias(message.topic.name, alias));
    for (const [topic, isKnown] of [
      ['a/b', false],
      ['', true],
    ] as const) {
      const places = new Set<number>();
      for (const [index, client] of clients.entries())
        for (const qos of [0, 1]) {
          encoder.encodeFor(client, 0, message, qos, false, [], undefined);
          assert.equal(client.aliasesToClient!.isKnown, isKnown);
          const packet = decoded(encoder, qos);
          assert.equal(packet.topic, topic);
          assert.deepEqual(packet.properties, { topicAlias: index + 1, contentType: 'text/plain' });
          places.add(encoder.start);
        }
      assert.equal(places.size, 2);
      for (const client of clients) client.aliasesToClient!.sent();
    }
  });

  it('tells the same with an alias as without, whatever the message', () => {
    fc.assert(
      fc.property(arbitraryPublish(5), fc.nat(1), fc.nat(200), (packet, qos, identifiers) => {
        fc.pre(packet.topic !== '');
        const { topicAlias: _, subscriptionIdentifiers: __, ...forwarded } = packet.properties;
        const encoder = new PublishEncoder('preserve');
        const message = messageOf({ ...packet, properties: forwarded });
        const client = clientWithAlias(message.topic.name, 300);
        const own = Array.from({ length: identifiers }, (_, index) => index + 1);
        const plain = received(encoder, message, 5, qos, false, own);
        for (const topic of [plain.topic, '']) {
          encoder.encodeFor(client, 0, message, qos, false, own, undefined);
          const properties = { ...plain.properties, topicAlias: 300 };
          assert.deepEqual(decoded(encoder, qos), { ...plain, topic, properties });
          client.aliasesToClient!.sent();
        }
      }),
    );
  });

  it('does not make a packet too large for the client by an alias [MQTT-3.1.2-24]', () => {
    const encoder = new PublishEncoder('preserve');
    const message = messageOf(packetOf());
    encoder.encode(message, 5, 0, false);
    const client = clientWithAlias('a/b', 1, encoder.end - encoder.start);
    encoder.encodeFor(client, 0, message, 0, false, [], undefined);
    assert.deepEqual(decoded(encoder, 0).properties, {});
    client.aliasesToClient!.sent();
    client.aliasesToClient!.find('a/b');
    assert.equal(client.aliasesToClient!.isKnown, false);
  });

  it('leaves the mount point out of the topic, for those who have it', () => {
    const encoder = new PublishEncoder('preserve');
    const message = messageOf({ ...packetOf(), topic: 'größe/a' });
    for (const [hidden, topic] of [
      [0, 'größe/a'],
      [8, 'a'],
      [8, 'a'],
      [0, 'größe/a'],
    ] as const) {
      encoder.encodeFor(new TestClient(5), hidden, message, 0, false, [], undefined);
      assert.equal(decoded(encoder, 0).topic, topic);
    }
  });

  it('names every subscription that matched [MQTT-3.3.4-3] [MQTT-3.3.4-4], apart from what is shared', () => {
    const encoder = new PublishEncoder('preserve');
    const message = messageOf(packetOf({ userProperties: [['key', 'value']] }));
    const own = received(encoder, message, 5, 1, false, [1, 128, 268_435_455]);
    assert.deepEqual(own.properties, {
      subscriptionIdentifiers: [1, 128, 268_435_455],
      userProperties: [['key', 'value']],
    });
    assert.deepEqual(received(encoder, message, 5, 1, false).properties, { userProperties: [['key', 'value']] });
  });

  it('passes on what is left of the expiry [MQTT-3.3.2-6]', () => {
    const message = messageOf(packetOf({ messageExpiryInterval: 60 }));
    message.expirySeconds = 42;
    const { properties } = received(new PublishEncoder('preserve'), message, 5, 0, false);
    assert.deepEqual(properties, { messageExpiryInterval: 42 });
  });

  it('grows for large messages and keeps what it encoded before', () => {
    const encoder = new PublishEncoder('preserve');
    const message = messageOf(packetOf({}, 'x'.repeat(50_000)));
    for (const qos of [0, 1, 2]) assert.equal(received(encoder, message, 5, qos, false).payload.length, 50_000);
    for (const qos of [0, 1, 2]) assert.equal(received(encoder, message, 5, qos, false).qos, qos);
  });
});

describe('the trace that goes on with a message', () => {
  const traced = (propagation: Propagation, properties: PropertiesOf<'publish'> = {}) => {
    const encoder = new PublishEncoder(propagation);
    const message = messageOf(packetOf(properties));
    message.hasContext = true;
    message.context.set(contextOf(1));
    return { encoder, message };
  };
  const sent: PropertiesOf<'publish'> = {
    userProperties: [
      ['first', '1'],
      ['traceparent', PUBLISHED],
      ['last', '2'],
    ],
  };

  it('is added where the publisher sent none', () => {
    const { encoder, message } = traced('inject-if-absent', { userProperties: [['key', 'value']] });
    const { properties } = received(encoder, message, 5, 0, false);
    assert.deepEqual(properties.userProperties, [
      ['traceparent', traceparentOf(contextOf(1))],
      ['key', 'value'],
    ]);
  });

  it('differs in the same bytes from one subscriber to the next, whatever else the message has', () => {
    const anyPush = fc.uint8Array({ minLength: CONTEXT_BYTES, maxLength: CONTEXT_BYTES });
    const anySend = fc.record({ push: fc.option(anyPush, { nil: undefined }), alias: fc.constantFrom(0, 1, 200) });
    const anySends = fc.array(fc.tuple(anySend, fc.nat(2), fc.boolean()), { maxLength: 20 });
    fc.assert(
      fc.property(arbitraryPublish(5), anySends, (packet, sends) => {
        fc.pre(packet.topic !== '');
        const { topicAlias: _, subscriptionIdentifiers: __, ...properties } = packet.properties;
        const message = messageOf({ ...packet, properties });
        message.hasContext = true;
        message.context.set(contextOf(1));
        const shared = new PublishEncoder('replace');
        const places = new Map<string, number>();
        for (const [{ push, alias }, qos, retain] of sends) {
          const aliases = alias === 0 ? undefined : clientWithAlias(packet.topic, alias).aliasesToClient;
          aliases?.find(packet.topic);
          const terms = [message, 5, qos, retain, [], push, aliases] as const;
          const bytes = Buffer.from(bytesOf(shared, ...terms));
          // Alone, nobody's bytes are patched.
          const alone = new PublishEncoder('replace');
          const expected = bytesOf(alone, ...terms);
          if (qos > 0)
            for (const [of, at] of [
              [bytes, shared.packetIdAt],
              [expected, alone.packetIdAt],
            ] as const)
              of.writeUInt16BE(7, at);
          assert.deepEqual(bytes, expected);
          const way = `${qos} ${retain} ${alias > 0}`;
          assert.equal(places.get(way) ?? shared.start, shared.start, 'encoded once');
          places.set(way, shared.start);
        }
      }),
    );
  });

  it("names each subscriber's own push where that is a span", () => {
    const { encoder, message } = traced('inject-if-absent');
    for (const push of [contextOf(2), contextOf(3)]) {
      const { properties } = received(encoder, message, 5, 0, false, [], push);
      assert.deepEqual(properties.userProperties, [['traceparent', traceparentOf(push)]]);
    }
  });

  it("leaves the publisher's own as it is [MQTT-3.3.2-17] [MQTT-3.3.2-18]", () => {
    for (const propagation of ['inject-if-absent', 'preserve'] as const) {
      const { encoder, message } = traced(propagation, sent);
      assert.deepEqual(received(encoder, message, 5, 0, false, [], contextOf(2)).properties, sent);
    }
  });

  it("takes the publisher's place where the operator wants that, and only there", () => {
    const { encoder, message } = traced('replace', sent);
    const { properties } = received(encoder, message, 5, 0, false, [], contextOf(2));
    assert.deepEqual(properties.userProperties, [
      ['traceparent', traceparentOf(contextOf(2))],
      ['first', '1'],
      ['last', '2'],
    ]);
    message.hasContext = false;
    encoder.begin();
    assert.deepEqual(received(encoder, message, 5, 0, false).properties, sent);
  });

  it('is not added where the operator wants nothing added, where there is none, or in MQTT 3.1.1', () => {
    const preserving = traced('preserve');
    assert.deepEqual(received(preserving.encoder, preserving.message, 5, 0, false).properties, {});
    const { encoder, message } = traced('inject-if-absent');
    assert.deepEqual(received(encoder, message, 4, 0, false).properties, {});
    message.hasContext = false;
    assert.deepEqual(received(encoder, message, 5, 0, false).properties, {});
  });
});
