import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { deviationsOf } from './deviations.ts';
import type { Ledger } from './ledger.ts';
import { countsLine, countsOf, resultTable } from './report.ts';
import { outcomeOf, type TestResult } from './results.ts';

const RESULTS: readonly TestResult[] = [
  { name: '[MQTT-1-1] QoS 1', outcome: 'passed' },
  { name: '[MQTT-1-1] [MQTT-1-2] QoS 2', outcome: 'failed', message: '1 !== 2' },
  { name: '[MQTT-1-3] with settings', outcome: 'skipped' },
  { name: '[MQTT-1-4] is seen', outcome: 'passed' },
  { name: '[MQTT-1-4] with settings', outcome: 'skipped' },
  { name: 'a.test.ts', outcome: 'failed', message: 'no broker' },
];

const LEDGER: Ledger = {
  version: '5.0',
  statements: [
    ...[1, 2, 3, 4, 5, 6].map((number) => ({ id: `MQTT-1-${number}`, binds: 'server' }) as const),
    { id: 'MQTT-1-7', binds: 'client', reason: 'Binds the client.' },
  ],
  tests: [1, 2, 3, 4, 5].map((number) => ({ file: 'a.test.ts', ids: [`MQTT-1-${number}`], name: 'is seen' })),
};

describe('the result of a statement', () => {
  it('is failed if one of its tests failed, and skipped only if all were', () => {
    const outcomes = [1, 2, 3, 4, 5].map((number) => outcomeOf(`MQTT-1-${number}`, RESULTS));
    assert.deepEqual(outcomes, ['failed', 'failed', 'skipped', 'passed', 'not run']);
  });

  it('is counted, and those that were not run count as missing', () => {
    const counts = { statements: 7, proved: 1, failing: 2, skipped: 1, notTestable: 1, missing: 2 };
    assert.deepEqual(countsOf(LEDGER, RESULTS), counts);
    assert.match(countsLine(LEDGER, counts), /^MQTT 5\.0: 7 statements: 1 proved, 2 failing, 1 skipped/);
  });

  it('is a row with version, section, statement and number of tests', () => {
    const row = resultTable(LEDGER, RESULTS)
      .split('\n')
      .find((line) => line.includes('MQTT-1-2'));
    assert.deepEqual(row?.match(/[\w.-]+/g), ['5.0', '1', 'MQTT-1-2', '1', 'failed']);
  });
});

describe('the deviations of another broker', () => {
  it('are the tests that failed; files that could not run are none', () => {
    assert.deepEqual(deviationsOf('5.0', RESULTS), {
      version: '5.0',
      passed: 2,
      skipped: 2,
      failed: ['[MQTT-1-1] [MQTT-1-2] QoS 2'],
    });
  });
});
