import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { PacketType } from '../packet-type.ts';
import type { ProtocolVersion } from '../packets.ts';
import { reasonName } from '../reason-code.ts';
import { arbitraryPacket } from '../testing/arbitrary-packet.ts';
import { decodeFrame, scanWhole } from '../testing/decode-frame.ts';
import { MALFORMED_EXAMPLES, PACKET_EXAMPLES } from '../testing/packet-table.ts';
import { decodePacket } from './decode-packet.ts';
import { encodedSize, encodePacket } from './encode-packet.ts';

const VERSIONS: readonly ProtocolVersion[] = [3, 4, 5];

describe('the codec has each packet of the table byte for byte:', () => {
  for (const { name, version, bytes, packet } of PACKET_EXAMPLES) {
    test(name, () => {
      assert.deepEqual(decodeFrame(bytes, version), { ok: true, packet });
      assert.deepEqual(new Uint8Array(encodePacket(packet, version)), bytes);
      assert.equal(encodedSize(packet, version), bytes.length);
    });
  }

  test('and the table has every packet type', () => {
    assert.deepEqual(new Set(PACKET_EXAMPLES.map(({ packet }) => packet.type)), new Set(Object.keys(PacketType)));
  });
});

describe('the codec refuses, with the reason code of the specification:', () => {
  for (const { name, version, bytes, reasonCode } of MALFORMED_EXAMPLES) {
    test(`${name} (${reasonName(reasonCode)})`, () => {
      const result = decodeFrame(bytes, version);
      assert.equal(result.ok, false);
      assert.equal(reasonName(result.reasonCode), reasonName(reasonCode));
    });
  }

  test('a packet cut short anywhere, where the rest was not optional', () => {
    for (const { name, version, bytes, packet } of PACKET_EXAMPLES) {
      const { headerByte, bodyStart } = scanWhole(bytes);
      for (let end = bodyStart; end < bytes.length; end++) {
        const result = decodePacket(bytes, headerByte, bodyStart, end, version);
        // What is still whole must say something else: a shorter payload, a list with fewer entries, no reason.
        if (result.ok) assert.notDeepEqual(result.packet, packet, `${name} cut at ${end}`);
      }
    }
  });
});

test('a refused CONNECT tells the version it stated, so that it can be answered in kind', () => {
  const bytes = Buffer.from([0x10, 13, 0, 4, ...Buffer.from('MQTT'), 5, 3, 0, 0, 0, 0, 0]);
  const result = decodeFrame(bytes, 4);
  assert.equal(result.ok, false);
  assert.equal(result.version, 5);
});

test('a decoded packet owns its bytes: the read buffer may be reused', () => {
  const bytes = Buffer.from([0x30, 4, 0, 1, 0x74, 0x58]);
  const result = decodeFrame(bytes, 4);
  bytes.fill(0);
  assert.deepEqual(result.ok && result.packet.type === 'publish' && [...result.packet.payload], [0x58]);
});

test('U+FEFF is kept and means nothing else [MQTT-1.5.4-3]', () => {
  const packet = { type: 'unsubscribe' as const, packetId: 1, filters: ['\ufeffa'], properties: {} };
  assert.deepEqual(decodeFrame(encodePacket(packet, 4), 4), { ok: true, packet });
});

for (const version of VERSIONS) {
  test(`version ${version}: what is encoded decodes to itself`, () => {
    fc.assert(
      fc.property(arbitraryPacket(version), (packet) => {
        const bytes = encodePacket(packet, version);
        assert.equal(bytes.length, encodedSize(packet, version));
        assert.deepEqual(decodeFrame(bytes, version), { ok: true, packet });
      }),
      { numRuns: 1500 },
    );
  });

  test(`version ${version}: any bytes are answered, and what is accepted survives a round trip`, () => {
    fc.assert(
      fc.property(fc.nat(255), fc.uint8Array({ maxLength: 40 }), (headerByte, body) => {
        const result = decodePacket(body, headerByte, 0, body.length, version);
        if (!result.ok) return;
        const stated = result.packet.type === 'connect' ? result.packet.protocolVersion : version;
        assert.deepEqual(decodeFrame(encodePacket(result.packet, stated), stated), result);
      }),
      { numRuns: 5000 },
    );
  });

  test(`version ${version}: a valid packet with one byte changed is answered too`, () => {
    fc.assert(
      fc.property(arbitraryPacket(version), fc.nat(), fc.nat(255), (packet, where, byte) => {
        const bytes = encodePacket(packet, version);
        const { bodyStart, end } = scanWhole(bytes);
        bytes[where % bytes.length] = byte;
        const result = decodePacket(bytes, bytes[0]!, bodyStart, end, version);
        if (!result.ok) assert.ok(result.reasonCode >= 0x80 && result.message.length > 0);
      }),
      { numRuns: 1500 },
    );
  });
}
