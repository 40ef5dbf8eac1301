import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FrameScan, FrameStatus, scanFrame } from '../../src/mqtt/frame.ts';
import { Chance } from '../chaos/support/chance.ts';
import { difference } from './compare-with-peer.ts';
import { seedCorpus } from './corpus.ts';
import { KNOWN_DIFFERENCES } from './known-differences.ts';
import { mutate } from './mutator.ts';

const SEED = 1;
const INPUTS = 15_000;

for (const version of [4, 5] as const) {
  test(`version ${version}: where mqtt-packet says something else of mutated packets, it is known why`, (t) => {
    const chance = new Chance(SEED);
    const corpus = seedCorpus(version, SEED);
    const frame = new FrameScan();
    const seen = new Set<string>();
    const unexplained: string[] = [];
    for (let input = 0; input < INPUTS; input += 1) {
      // Behind the first frame there may be others: this is about one.
      const mutated = mutate(input < corpus.length ? corpus[input]! : chance.oneOf(corpus), chance, corpus);
      const status = scanFrame(mutated, 0, mutated.length, Number.POSITIVE_INFINITY, frame);
      if (status !== FrameStatus.complete) continue;
      const found = difference(mutated.subarray(0, frame.end), version);
      if (found === undefined) continue;
      const known = KNOWN_DIFFERENCES.find(({ fits }) => fits(found));
      if (known !== undefined) seen.add(known.name);
      else unexplained.push(`${found.bytes.toString('hex')}: ${JSON.stringify([found.ours, String(found.theirs)])}`);
    }
    t.diagnostic(`${seen.size} of ${KNOWN_DIFFERENCES.length} known differences were met`);
    assert.deepEqual(unexplained, []);
    assert.ok(seen.size > KNOWN_DIFFERENCES.length / 2);
  });
}
