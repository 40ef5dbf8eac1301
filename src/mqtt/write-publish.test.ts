import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodePacket } from './codec/encode-packet.ts';
import {
  copyForwardedProperties,
  userPropertySize,
  writeMessageExpiry,
  writeSubscriptionIdentifier,
  writeTopicAlias,
  writeUserProperty,
} from './forwarded-properties.ts';
import type { PublishPacket } from './packets.ts';
import { parsePublish } from './parse-publish.ts';
import { PublishView } from './publish-view.ts';
import { ReasonCode } from './reason-code.ts';
import { arbitraryPublish } from './testing/arbitrary-packet.ts';
import { decodeFrame, scanWhole } from './testing/decode-frame.ts';
import { packetIdPosition, patchPacketId, publishSize, writePublish } from './write-publish.ts';

const NOTHING = new Uint8Array(0);
const MARGIN = 3;

/** Writes the packet that lies in `bytes` again, as a broker does, with what `extra` puts in front of its properties. */
function rewrite(bytes: Uint8Array, version: 4 | 5, extra?: Uint8Array): Uint8Array {
  const { headerByte, bodyStart, end } = scanWhole(bytes);
  const view = new PublishView();
  assert.equal(parsePublish(bytes, headerByte, bodyStart, end, version, view), ReasonCode.success);
  const topic = bytes.subarray(view.topicStart, view.topicEnd);
  const propertiesLength = (extra?.length ?? 0) + view.propertiesEnd - view.propertiesStart;
  const payloadLength = view.payloadEnd - view.payloadStart;
  const size = publishSize(version, topic.length, view.qos, propertiesLength, payloadLength);
  const out = Buffer.alloc(size + 2 * MARGIN, 0xaa);
  const after = writePublish(
    ...([out, MARGIN, version, headerByte & 0b1111, topic, view.packetId, extra] as const),
    ...([bytes, view.propertiesStart, view.propertiesEnd, bytes, view.payloadStart, view.payloadEnd] as const),
  );
  assert.equal(after, MARGIN + size);
  assert.ok(out.subarray(after).every((byte) => byte === 0xaa));
  return out.subarray(MARGIN, after);
}

for (const version of [4, 5] as const) {
  test(`version ${version}: writePublish writes what encodePacket encodes`, () => {
    fc.assert(
      fc.property(arbitraryPublish(version, true), (packet) => {
        const bytes = encodePacket(packet, version);
        assert.deepEqual(new Uint8Array(rewrite(bytes, version)), new Uint8Array(bytes));
      }),
      { numRuns: 1000 },
    );
  });

  test(`version ${version}: the packet identifier of an encoded PUBLISH can be replaced in place`, () => {
    const identified = arbitraryPublish(version).filter(({ qos }) => qos > 0);
    fc.assert(
      fc.property(identified, fc.integer({ min: 1, max: 0xffff }), fc.nat(5), (packet, packetId, at) => {
        const out = Buffer.concat([Buffer.alloc(at), encodePacket(packet, version)]);
        patchPacketId(out, packetIdPosition(out, at), packetId);
        assert.deepEqual(decodeFrame(out.subarray(at), version), { ok: true, packet: { ...packet, packetId } });
      }),
      { numRuns: 500 },
    );
  });
}

test('each writer of an extra writes the property it is named for', () => {
  const name = Buffer.from('traceparent');
  const value = Buffer.from('00-1');
  const extra = Buffer.alloc(userPropertySize(name.length, value.length) + 5 + 3);
  const end = writeTopicAlias(
    extra,
    writeMessageExpiry(extra, writeUserProperty(extra, 0, name, value), 4_000_000_000),
    258,
  );
  assert.equal(end, extra.length);
  const original: PublishPacket = {
    ...{ type: 'publish', topic: 't', qos: 0, retain: false, duplicate: false, packetId: 0 },
    payload: new Uint8Array([1]),
    properties: { userProperties: [['a', 'b']] },
  };
  const result = decodeFrame(rewrite(encodePacket(original, 5), 5, extra), 5);
  assert.deepEqual(result.ok && result.packet, {
    ...original,
    properties: {
      userProperties: [
        ['traceparent', '00-1'],
        ['a', 'b'],
      ],
      messageExpiryInterval: 4_000_000_000,
      topicAlias: 258,
    },
  });
  const identifier = Buffer.alloc(5);
  assert.deepEqual([...identifier.subarray(0, writeSubscriptionIdentifier(identifier, 0, 200))], [0x0b, 0xc8, 0x01]);
});

test('forwarding keeps all but the properties of one hop, in order [MQTT-3.3.2-17] [MQTT-3.3.2-18]', () => {
  fc.assert(
    fc.property(arbitraryPublish(5), (packet) => {
      // Without the topic alias the copy needs its topic, and both blocks need to be found: so QoS 0 and topic `t`.
      const { topicAlias, messageExpiryInterval, subscriptionIdentifiers, ...forwarded } = packet.properties;
      const plain = { ...packet, topic: 't', qos: 0 as const, duplicate: false, packetId: 0, payload: NOTHING };
      const source = propertyBlock(plain);
      const out = new Uint8Array(source.length);
      const end = copyForwardedProperties(source, 0, source.length, out, 0);
      assert.deepEqual(out.subarray(0, end), propertyBlock({ ...plain, properties: forwarded }));
    }),
    { numRuns: 1000 },
  );
});

/** The property block of a QoS 0 PUBLISH to `t` without payload: all after its length. */
function propertyBlock(packet: PublishPacket): Uint8Array {
  const bytes = encodePacket(packet, 5);
  const { bodyStart } = scanWhole(bytes);
  const lengthStart = bodyStart + 3;
  const lengthBytes = bytes[lengthStart]! < 0x80 ? 1 : 2;
  return new Uint8Array(bytes.subarray(lengthStart + lengthBytes));
}
