import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { encodePacket } from '../../src/mqtt/codec/encode-packet.ts';
import { arbitraryPacket } from '../../src/mqtt/testing/arbitrary-packet.ts';
import { MALFORMED_EXAMPLES, PACKET_EXAMPLES } from '../../src/mqtt/testing/packet-table.ts';
import { Chance } from '../chaos/support/chance.ts';
import { checkStream } from './decoder-checks.ts';
import { chunksOf, fuzzDecoder } from './decoder-fuzz.ts';
import { minimise } from './minimise.ts';
import { readByConnection } from './reader-under-test.ts';

const SEED = 1;
const INPUTS = 8000;
/** What as many inputs from that seed reach, with a margin. */
const LEAST_PATHS = 250;

describe('any bytes', () => {
  for (const version of [4, 5] as const) {
    const packets = fc.array(arbitraryPacket(version), { minLength: 1, maxLength: 4 });

    test(`version ${version}: packets in a row are read in every way as they were written`, () => {
      fc.assert(
        fc.property(packets, (written) => {
          const stream = Buffer.concat(written.map((packet) => encodePacket(packet, version)));
          const { results, rest } = checkStream(stream, version);
          const read = results.map((result) => result.ok && result.packet);
          assert.deepEqual({ read, rest }, { read: written, rest: 'nothing' });
        }),
        { numRuns: 300 },
      );
    });

    test(`version ${version}: a connection hands up the same, however the bytes are cut`, () => {
      fc.assert(
        fc.property(packets, fc.nat(), fc.nat(), fc.nat(255), (written, seed, where, byte) => {
          const stream = Buffer.concat(written.map((packet) => encodePacket(packet, version)));
          const damaged = Buffer.from(stream);
          damaged[where % damaged.length] = byte;
          for (const bytes of [stream, damaged]) {
            const whole = readByConnection([bytes], version);
            assert.deepEqual(readByConnection(chunksOf(bytes, new Chance(seed)), version), whole);
          }
        }),
        { numRuns: 300 },
      );
    });
  }

  test('the table’s packets, whole and cut anywhere, hold in every check', () => {
    for (const { bytes, version } of [...PACKET_EXAMPLES, ...MALFORMED_EXAMPLES])
      for (let length = 0; length <= bytes.length; length += 1)
        checkStream(Buffer.from(bytes.subarray(0, length)), version);
  });

  test(`mutated packets hold in every check (seed ${SEED}; npm run fuzz has more)`, async () => {
    const { findings, paths } = await fuzzDecoder(SEED, (inputs) => inputs === INPUTS);
    assert.deepEqual(
      findings.map(({ error, version, bytes }) => `version ${version}: ${bytes.toString('hex')}: ${error.message}`),
      [],
    );
    assert.ok(paths.size >= LEAST_PATHS, `the mutations reach ${paths.size} paths`);
  });

  test('the same seed makes the same inputs', async () => {
    const runs = [7, 7, 8].map((seed) => fuzzDecoder(seed, (inputs) => inputs === 300));
    const [first, again, other] = (await Promise.all(runs)).map(({ paths }) => [...paths]);
    assert.deepEqual(again, first);
    assert.notDeepEqual(other, first);
  });

  test('a failing input is reported without what the failure does not need', async () => {
    const bytes = Buffer.from('a long way to the needle and then away from it');
    const rest = await minimise(bytes, (candidate) => candidate.includes('needle'));
    assert.equal(rest.toString(), 'needle');
  });
});
