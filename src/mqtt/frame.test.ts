import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodePacket } from './codec/encode-packet.ts';
import { FrameScan, FrameStatus, scanFrame } from './frame.ts';
import { arbitraryPacket } from './testing/arbitrary-packet.ts';

const UNLIMITED = 268_435_460;

function scan(bytes: number[], maximumPacketSize = UNLIMITED): { status: FrameStatus; frame: FrameScan } {
  const frame = new FrameScan();
  return { status: scanFrame(new Uint8Array(bytes), 0, bytes.length, maximumPacketSize, frame), frame };
}

test('a frame is found with its header byte, body and end', () => {
  const { status, frame } = scan([0x30, 0x02, 1, 2, 0xc0]);
  assert.equal(status, FrameStatus.complete);
  assert.deepEqual({ ...frame }, { headerByte: 0x30, bodyStart: 2, end: 4 });
});

test('an incomplete frame tells where it will end, once its length is there', () => {
  assert.equal(scan([]).frame.end, -1);
  assert.equal(scan([0x30]).frame.end, -1);
  assert.equal(scan([0x30, 0x80]).frame.end, -1);
  assert.equal(scan([0x30, 0x80, 0x01]).frame.end, 3 + 128);
  for (const bytes of [[], [0x30], [0x30, 0x80], [0x30, 0x80, 0x01]]) {
    assert.equal(scan(bytes).status, FrameStatus.incomplete);
  }
});

test('a remaining length of five bytes, or longer than needed, is malformed [MQTT-1.5.5-1]', () => {
  assert.equal(scan([0x30, 0x80, 0x80, 0x80, 0x80]).status, FrameStatus.malformed);
  assert.equal(scan([0x30, 0x80, 0x00]).status, FrameStatus.malformed);
  assert.equal(scan([0x30, 0xff, 0xff, 0xff, 0x7f]).frame.end, 5 + 268_435_455);
});

test('a packet is too large by its whole size, before its body has come', () => {
  assert.equal(scan([0x30, 0x08], 10).status, FrameStatus.incomplete);
  assert.equal(scan([0x30, 0x09], 10).status, FrameStatus.tooLarge);
});

test('however the bytes arrive, the frames are the same', () => {
  const packets = fc.array(arbitraryPacket(5), { minLength: 1, maxLength: 4 });
  const chunkSizes = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(packets, chunkSizes, (sent, sizes) => {
      const encoded = sent.map((packet) => encodePacket(packet, 5));
      const stream = Buffer.concat(encoded);
      const found: Buffer[] = [];
      const frame = new FrameScan();
      let start = 0;
      let arrived = 0;
      for (let turn = 0; arrived < stream.length; turn++) {
        arrived = Math.min(stream.length, arrived + sizes[turn % sizes.length]!);
        while (scanFrame(stream, start, arrived, UNLIMITED, frame) === FrameStatus.complete) {
          found.push(stream.subarray(start, frame.end));
          start = frame.end;
        }
      }
      assert.deepEqual(found, encoded);
    }),
    { numRuns: 500 },
  );
});
