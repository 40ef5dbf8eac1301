import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { AckView, parseAck, writeAck } from './ack.ts';
import { decodePacket } from './codec/decode-packet.ts';
import { encodePacket } from './codec/encode-packet.ts';
import { PacketType } from './packet-type.ts';
import type { AckPacket } from './packets.ts';
import { ReasonCode, reasonName } from './reason-code.ts';
import { arbitraryAck } from './testing/arbitrary-packet.ts';
import { scanWhole } from './testing/decode-frame.ts';
import { MALFORMED_EXAMPLES } from './testing/packet-table.ts';

describe('parseAck refuses as the codec does:', () => {
  const acks = MALFORMED_EXAMPLES.filter(({ bytes }) => bytes[0]! >> 4 >= 4 && bytes[0]! >> 4 <= 7);
  for (const { name, version, bytes, reasonCode } of acks) {
    test(name, () => {
      const { headerByte, bodyStart, end } = scanWhole(bytes);
      const reason = parseAck(bytes, headerByte, bodyStart, end, version, new AckView());
      assert.equal(reasonName(reason), reasonName(reasonCode));
    });
  }
});

for (const version of [4, 5] as const) {
  test(`version ${version}: parseAck says what was encoded`, () => {
    fc.assert(
      fc.property(arbitraryAck(version), (packet) => {
        const { packetId, reasonCode } = packet as AckPacket;
        const bytes = encodePacket(packet, version);
        const { headerByte, bodyStart, end } = scanWhole(bytes);
        const view = new AckView();
        assert.equal(parseAck(bytes, headerByte, bodyStart, end, version, view), ReasonCode.success);
        assert.deepEqual({ ...view }, { packetId, reasonCode });
      }),
      { numRuns: 500 },
    );
  });

  test(`version ${version}: parseAck answers any bytes as the codec does`, () => {
    const headerByte = fc.integer({ min: 0x40, max: 0x7f });
    fc.assert(
      fc.property(headerByte, fc.uint8Array({ maxLength: 10 }), (header, body) => {
        const reason = parseAck(body, header, 0, body.length, version, new AckView());
        const decoded = decodePacket(body, header, 0, body.length, version);
        assert.equal(reason === ReasonCode.success, decoded.ok);
      }),
      { numRuns: 3000 },
    );
  });

  test(`version ${version}: writeAck writes what encodePacket encodes, in the shortest form`, () => {
    fc.assert(
      fc.property(arbitraryAck(version), (packet) => {
        const ack = { ...(packet as AckPacket), properties: {} };
        const out = Buffer.alloc(8);
        const end = writeAck(out, 1, PacketType[ack.type], ack.packetId, ack.reasonCode, version);
        assert.deepEqual(out.subarray(1, end), encodePacket(ack as typeof packet, version));
      }),
      { numRuns: 300 },
    );
  });
}
