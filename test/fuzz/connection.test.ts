import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fuzzConnections } from './connection-fuzz.ts';

const SEED = 1;
const CONNECTIONS = 400;

test(`bad and misplaced packets harm nobody else (seed ${SEED}; npm run fuzz has more)`, async (t) => {
  const report = await fuzzConnections({ seed: SEED, isOver: (connections) => connections >= CONNECTIONS });
  t.diagnostic(`the event loop was busy for at most ${report.longestBusyMs.toFixed(1)} ms`);
  assert.deepEqual(report.findings, []);
  assert.ok(report.witnessed > 0);
});
