import { PacketType } from '../../src/mqtt/packet-type.ts';
import { writeVariableByteInteger } from '../../src/mqtt/variable-byte-integer.ts';
import type { Chance } from '../chaos/support/chance.ts';

/** One change of a packet's bytes. `other` is another packet to take from. */
type Mutation = (bytes: Buffer, chance: Chance, other: Buffer) => Buffer;

const MAXIMUM_CHANGES = 4;
const MAXIMUM_RUN = 8;
/** Lengths, identifiers and values at which something begins or ends. */
const INTERESTING = [0, 1, 2, 0x7f, 0x80, 0xff, 0x3fff, 0x4000, 0x7fff, 0x8000, 0xfffe, 0xffff];
/** Variable Byte Integers that are none, or not the shortest [MQTT-1.5.5-1]. */
const VARIABLE_BYTE_INTEGERS = [
  [0x80, 0],
  [0x80, 0x80, 0],
  [0xff, 0xff, 0xff, 0x7f],
  [0x80, 0x80, 0x80, 0x80, 1],
  [0x81],
];
/** U+0000, a lone continuation, overlong, surrogate, beyond U+10FFFF, cut, U+FEFF, a noncharacter. */
const UTF8_DAMAGE = [
  [0],
  [0x80],
  [0xc0, 0xaf],
  [0xed, 0xa0, 0x80],
  [0xf4, 0x90, 0x80, 0x80],
  [0xe2, 0x82],
  [0xef, 0xbb, 0xbf],
  [0xef, 0xbf, 0xbf],
];
const WILDCARDS = ['#', '+', '/', '$', '$share/', '//'];

const overwrite = (bytes: Buffer, at: number, part: readonly number[]): Buffer =>
  Buffer.concat([bytes.subarray(0, at), Buffer.from(part), bytes.subarray(at + part.length)]);
const insert = (bytes: Buffer, at: number, part: Uint8Array): Buffer =>
  Buffer.concat([bytes.subarray(0, at), part, bytes.subarray(at)]);
const cut = (bytes: Buffer, from: number, to: number): Buffer =>
  Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);

const MUTATIONS: readonly Mutation[] = [
  function flipBit(bytes, chance) {
    const at = chance.below(bytes.length);
    return overwrite(bytes, at, [bytes[at]! ^ (1 << chance.below(8))]);
  },
  function setByte(bytes, chance) {
    return overwrite(bytes, chance.below(bytes.length), [chance.below(256)]);
  },
  function insertBytes(bytes, chance) {
    const run = Buffer.from(Array.from({ length: 1 + chance.below(MAXIMUM_RUN) }, () => chance.below(256)));
    return insert(bytes, chance.below(bytes.length + 1), run);
  },
  function removeBytes(bytes, chance) {
    const from = chance.below(bytes.length);
    return cut(bytes, from, from + 1 + chance.below(MAXIMUM_RUN));
  },
  function repeatBytes(bytes, chance) {
    const from = chance.below(bytes.length);
    const run = bytes.subarray(from, from + 1 + chance.below(2 * MAXIMUM_RUN));
    return insert(bytes, chance.below(bytes.length + 1), run);
  },
  function truncate(bytes, chance) {
    return bytes.subarray(0, 1 + chance.below(bytes.length));
  },
  function splice(bytes, chance, other) {
    return Buffer.concat([bytes.subarray(0, chance.below(bytes.length)), other.subarray(chance.below(other.length))]);
  },
  function setTwoBytes(bytes, chance) {
    const value = chance.oneOf(INTERESTING);
    return overwrite(bytes, chance.below(bytes.length), [value >> 8, value & 0xff]);
  },
  function addToByte(bytes, chance) {
    // Most often a length field that says a little more or less than there is.
    const at = chance.below(bytes.length);
    return overwrite(bytes, at, [(bytes[at]! + chance.oneOf([-2, -1, 1, 2])) & 0xff]);
  },
  function putVariableByteInteger(bytes, chance) {
    return overwrite(bytes, chance.below(bytes.length), chance.oneOf(VARIABLE_BYTE_INTEGERS));
  },
  function damageText(bytes, chance) {
    return overwrite(bytes, chance.below(bytes.length), chance.oneOf(UTF8_DAMAGE));
  },
  function putWildcard(bytes, chance) {
    return overwrite(bytes, chance.below(bytes.length), [...Buffer.from(chance.oneOf(WILDCARDS))]);
  },
];

/** A packet with up to four changes. Most get a remaining length that fits, so that what lies behind it is reached. */
export function mutate(packet: Uint8Array, chance: Chance, corpus: readonly Uint8Array[]): Buffer {
  let bytes: Buffer = Buffer.from(packet);
  const changes = chance.below(MAXIMUM_CHANGES + 1);
  for (let change = 0; change < changes; change += 1) {
    const mutation = chance.oneOf(MUTATIONS);
    bytes = mutation(
      bytes.length === 0 ? Buffer.of(PacketType.pingreq << 4, 0) : bytes,
      chance,
      Buffer.from(chance.oneOf(corpus)),
    );
  }
  return chance.below(10) < 7 ? reframe(bytes) : bytes;
}

/** A few packets one behind the other, at times with the end of the last one missing. */
export function mutatedStream(chance: Chance, corpus: readonly Uint8Array[]): Buffer {
  const packets = Array.from({ length: 1 + chance.below(3) }, () => mutate(chance.oneOf(corpus), chance, corpus));
  const stream = Buffer.concat(packets);
  return chance.below(8) === 0 ? stream.subarray(0, chance.below(stream.length + 1)) : stream;
}

/** Gives the bytes the remaining length that they have. */
function reframe(bytes: Buffer): Buffer {
  if (bytes.length < 2) return bytes;
  let bodyStart = 1;
  while (bodyStart < Math.min(4, bytes.length - 1) && bytes[bodyStart]! > 0x7f) bodyStart += 1;
  const body = bytes.subarray(bodyStart + 1);
  const header = Buffer.alloc(5);
  header[0] = bytes[0]!;
  return Buffer.concat([header.subarray(0, writeVariableByteInteger(header, 1, body.length)), body]);
}
