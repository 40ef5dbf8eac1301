import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { generate, type Packet } from 'mqtt-packet';
import { readPackets } from './packet-reader.ts';

/** Reads a stream in the chunks given, carrying over what each left unread, and says what was seen. */
function readInChunks(chunks: readonly Buffer[]): string[] {
  const seen: string[] = [];
  let rest = Buffer.alloc(0);
  for (const chunk of chunks) {
    const bytes = Buffer.concat([rest, chunk]);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const consumed = readPackets(view, 0, bytes.length, {
      onPublish: (_, payloadStart, qos, packetId) => seen.push(`publish ${qos} ${packetId} ${bytes[payloadStart]}`),
      onPuback: (packetId) => seen.push(`puback ${packetId}`),
      onAnswer: (type, lastByte) => seen.push(`answer ${type} ${lastByte}`),
    });
    rest = bytes.subarray(consumed);
  }
  return seen;
}

function publish(qos: 0 | 1, messageId: number, payload: Buffer): Packet {
  return { cmd: 'publish', topic: 'a/b', qos, messageId, payload, dup: false, retain: false };
}

const packet = fc.oneof(
  fc
    .tuple(
      fc.constantFrom(0 as const, 1 as const),
      fc.integer({ min: 1, max: 65_535 }),
      fc.integer({ min: 1, max: 400 }),
    )
    .map(([qos, id, size]) => ({
      bytes: generate(publish(qos, id, Buffer.alloc(size, size))),
      seen: `publish ${qos} ${qos === 0 ? 0 : id} ${size % 256}`,
    })),
  fc
    .integer({ min: 1, max: 65_535 })
    .map((id) => ({ bytes: generate({ cmd: 'puback', messageId: id }), seen: `puback ${id}` })),
  fc.constant({ bytes: generate({ cmd: 'connack', returnCode: 0, sessionPresent: false }), seen: 'answer 2 0' }),
  fc.constant({ bytes: generate({ cmd: 'suback', messageId: 1, granted: [1] }), seen: 'answer 9 1' }),
);

describe('reading packets', () => {
  it('sees each packet once, in order, wherever the stream is cut', () => {
    fc.assert(
      fc.property(fc.array(packet), fc.array(fc.nat(5000)), (packets, cuts) => {
        const stream = Buffer.concat(packets.map(({ bytes }) => bytes));
        const places = [0, ...cuts.map((cut) => cut % (stream.length + 1)).toSorted((a, b) => a - b), stream.length];
        const chunks = places.slice(1).map((place, index) => stream.subarray(places[index], place));
        assert.deepEqual(
          readInChunks(chunks),
          packets.map(({ seen }) => seen),
        );
      }),
    );
  });

  it('refuses what no broker may send', () => {
    assert.throws(() => readInChunks([generate({ cmd: 'pingreq' })]), /unexpected packet of type 12/);
    assert.throws(() => readInChunks([Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff, 0xff])]), /remaining length/);
  });
});
