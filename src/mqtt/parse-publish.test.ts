import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { decodePacket } from './codec/decode-packet.ts';
import { encodePacket } from './codec/encode-packet.ts';
import type { ProtocolVersion, PublishPacket } from './packets.ts';
import { parsePublish } from './parse-publish.ts';
import { PublishView } from './publish-view.ts';
import { ReasonCode, reasonName } from './reason-code.ts';
import { arbitraryPublish } from './testing/arbitrary-packet.ts';
import { scanWhole } from './testing/decode-frame.ts';
import { MALFORMED_EXAMPLES } from './testing/packet-table.ts';
import { validateTopicName } from './topic.ts';

function parse(bytes: Uint8Array, version: ProtocolVersion, view = new PublishView()): ReasonCode {
  const { headerByte, bodyStart, end } = scanWhole(bytes);
  return parsePublish(bytes, headerByte, bodyStart, end, version, view);
}

function publish(properties: PublishPacket['properties']): PublishPacket {
  const payload = new Uint8Array(Buffer.from('p'));
  return { type: 'publish', topic: 't', payload, qos: 1, retain: false, duplicate: false, packetId: 1, properties };
}

describe('parsePublish refuses as the codec does:', () => {
  const publishes = MALFORMED_EXAMPLES.filter(({ bytes }) => bytes[0]! >> 4 === 3);
  for (const { name, version, bytes, reasonCode } of publishes) {
    test(name, () => {
      const view = new PublishView();
      const reason = parse(bytes, version, view);
      // The topic's characters are left to validateTopicName.
      const answer = reason === ReasonCode.success ? validateTopicName(bytes, view.topicStart, view.topicEnd) : reason;
      assert.equal(reasonName(answer), reasonName(reasonCode));
    });
  }

  test('a subscription identifier from a client [MQTT-3.3.4-6]', () => {
    const bytes = encodePacket(publish({ subscriptionIdentifiers: [1] }), 5);
    assert.equal(parse(bytes, 5), ReasonCode.protocolError);
  });
});

test('the user property traceparent is found by its exact name; of several, none is', () => {
  for (const [values, expected] of [
    [['first'], 'first'],
    [['first', 'second'], ''],
    [['first', '', 'third'], ''],
  ] as const) {
    const userProperties = [['Traceparent', 'no'] as const, ...values.map((value) => ['traceparent', value] as const)];
    const bytes = encodePacket(publish({ userProperties }), 5);
    const view = new PublishView();
    assert.equal(parse(bytes, 5, view), ReasonCode.success);
    assert.notEqual(view.traceparentStart, -1);
    assert.equal(bytes.toString('utf8', view.traceparentStart, view.traceparentEnd), expected);
  }
});

test('a reused view keeps nothing of the packet before', () => {
  const view = new PublishView();
  const full = publish({
    topicAlias: 3,
    messageExpiryInterval: 0xffff_ffff,
    payloadFormatIndicator: 1,
    userProperties: [['traceparent', 'x']],
  });
  assert.equal(parse(encodePacket(full, 5), 5, view), ReasonCode.success);
  assert.equal(view.messageExpirySeconds, 0xffff_ffff);
  const bare = encodePacket({ ...publish({}), qos: 0, packetId: 0 }, 4);
  const fresh = new PublishView();
  assert.equal(parse(bare, 4, view), ReasonCode.success);
  assert.equal(parse(bare, 4, fresh), ReasonCode.success);
  assert.deepEqual(view, fresh);
});

for (const version of [4, 5] as const) {
  test(`version ${version}: the view says what the decoded packet says`, () => {
    fc.assert(
      fc.property(arbitraryPublish(version, true), (packet) => {
        const bytes = encodePacket(packet, version);
        const view = new PublishView();
        assert.equal(parse(bytes, version, view), ReasonCode.success);
        const { properties } = packet;
        const traceparent = properties.userProperties?.find(([name]) => name === 'traceparent');
        assert.deepEqual(
          {
            ...{ qos: view.qos, retain: view.retain, duplicate: view.duplicate, packetId: view.packetId },
            topic: bytes.toString('utf8', view.topicStart, view.topicEnd),
            payload: new Uint8Array(bytes.subarray(view.payloadStart, view.payloadEnd)),
            alias: view.topicAlias,
            expiry: view.messageExpirySeconds,
            format: view.payloadFormat,
            hop: view.hasHopProperties,
            traced: view.traceparentStart !== -1,
          },
          {
            ...{ qos: packet.qos, retain: packet.retain, duplicate: packet.duplicate, packetId: packet.packetId },
            topic: packet.topic,
            payload: packet.payload,
            alias: properties.topicAlias ?? 0,
            expiry: properties.messageExpiryInterval ?? -1,
            format: properties.payloadFormatIndicator ?? -1,
            hop: properties.topicAlias !== undefined || properties.messageExpiryInterval !== undefined,
            traced: traceparent !== undefined,
          },
        );
      }),
      { numRuns: 1000 },
    );
  });

  test(`version ${version}: it accepts exactly what the codec accepts, of any bytes`, () => {
    const mutated = fc.tuple(arbitraryPublish(version), fc.nat(), fc.nat(255)).map(([packet, where, byte]) => {
      const bytes = encodePacket(packet, version);
      const { bodyStart } = scanWhole(bytes);
      const body = new Uint8Array(bytes.subarray(bodyStart));
      body[where % body.length] = byte;
      return { headerByte: bytes[0]!, body };
    });
    const random = fc.record({
      headerByte: fc.integer({ min: 0x30, max: 0x3f }),
      body: fc.uint8Array({ maxLength: 24 }).map((bytes) => new Uint8Array(bytes)),
    });
    fc.assert(
      fc.property(fc.oneof(mutated, random), ({ headerByte, body }) => {
        const view = new PublishView();
        const reason = parsePublish(body, headerByte, 0, body.length, version, view);
        const topicReason =
          reason !== ReasonCode.success || view.topicStart === view.topicEnd
            ? reason
            : validateTopicName(body, view.topicStart, view.topicEnd);
        const decoded = decodePacket(body, headerByte, 0, body.length, version);
        const packet = decoded.ok ? (decoded.packet as PublishPacket) : undefined;
        const acceptable = packet !== undefined && packet.properties.subscriptionIdentifiers === undefined;
        assert.equal(topicReason === ReasonCode.success, acceptable);
      }),
      { numRuns: 3000 },
    );
  });
}
