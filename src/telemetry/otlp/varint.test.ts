import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import protobuf from 'protobufjs';
import { integer } from './testing/arbitrary-span.ts';
import { MAX_PADDED_LENGTH, PADDED_INT_BYTES, paddedLength, varintBytes, writePaddedInt } from './varint.ts';

describe('varints of a fixed width', () => {
  it('hold every length in four bytes', () => {
    const view = new DataView(new ArrayBuffer(4));
    const length = fc.oneof(fc.nat(MAX_PADDED_LENGTH), fc.constantFrom(0, 127, 128, MAX_PADDED_LENGTH));
    fc.assert(
      fc.property(length, (value) => {
        view.setInt32(0, paddedLength(value), true);
        const reader = protobuf.Reader.create(new Uint8Array(view.buffer));
        assert.deepEqual([reader.uint32(), reader.pos], [value, 4]);
      }),
    );
  });

  it('hold every integer of 64 bits in ten bytes, the last of which is 0 or 1', () => {
    const view = new DataView(new ArrayBuffer(PADDED_INT_BYTES));
    fc.assert(
      fc.property(fc.oneof(integer, fc.constantFrom(-1, -(2 ** 53), 2 ** 63 - 1024)), (value) => {
        writePaddedInt(view, 0, value);
        assert(view.getUint8(PADDED_INT_BYTES - 1) <= 1);
        assert.equal(decoded(new Uint8Array(view.buffer)), BigInt(value));
      }),
    );
  });
});

/** As the code that protobuf generates for Go reads it (runtime, `decodeVarint`): at most ten bytes, 64 bits of them. */
function decoded(bytes: Uint8Array): bigint {
  let value = 0n;
  for (const [index, byte] of bytes.entries()) {
    value |= BigInt(byte & 0x7f) << BigInt(7 * index);
    if (byte < 0x80) {
      assert.equal(index, bytes.length - 1);
      return BigInt.asIntN(64, value);
    }
  }
  throw new Error('overflow');
}

describe('varintBytes', () => {
  it('says how long the shortest varint is', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), (value) => {
        assert.equal(varintBytes(value), protobuf.Writer.create().uint32(value).finish().length);
      }),
    );
  });
});
