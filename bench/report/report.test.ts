import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Measurement } from '../scenarios/scenario.ts';
import { toTables } from './columns.ts';
import { toMarkdown, toTerminal } from './print.ts';
import { median, toRows } from './row.ts';

const run = (operations: number, brokerCpuMs: number, extra: Partial<Measurement> = {}): Measurement => ({
  operations,
  brokerCpuMs,
  exporterCpuMs: 0,
  elapsedMs: 1000,
  generatorCpuMs: 500,
  p50Ms: 1,
  p99Ms: 2,
  residentBytes: 50 * 1024 ** 2,
  bytesPerConnection: undefined,
  lost: 0,
  ...extra,
});

describe('the report', () => {
  it('shows medians over the rounds', () => {
    assert.equal(median([3, 1, 2]), 2);
    assert.equal(median([4, 1, 2, 3]), 2.5);
    assert.equal(median([]), undefined);
  });

  it('relates each broker to the first of the scenario', () => {
    const [ours, theirs] = toRows([
      { scenario: 's', broker: 'ours', runs: [run(1000, 10), run(1000, 90), run(1000, 20)], failures: [] },
      { scenario: 's', broker: 'theirs', runs: [run(500, 50)], failures: [] },
    ]);
    assert.deepEqual([ours?.cpuMicros, ours?.perSecond, ours?.cpuRatio], [20, 1000, undefined]);
    assert.deepEqual([theirs?.cpuMicros, theirs?.cpuRatio, theirs?.rateRatio], [100, 5, 0.5]);
  });

  it('says when runs failed or messages were lost, and invents no figures for them', () => {
    const rows = toRows([{ scenario: 's', broker: 'broken', runs: [], failures: ['3 messages lost'] }]);
    const markdown = toMarkdown(toTables(rows)[0]!);
    assert.match(markdown, /broken \(1 runs failed\) \| – \| – \| –/);
    const lossy = toRows([{ scenario: 's', broker: 'lossy', runs: [run(1, 1, { lost: 7 })], failures: [] }]);
    assert.match(toMarkdown(toTables(lossy)[0]!), /lossy \(7 lost\)/);
  });

  it('puts the memory of idle connections into a table of its own', () => {
    const idle = run(10_000, 0, { bytesPerConnection: 2048 });
    const tables = toTables(
      toRows([
        { scenario: 'rate', broker: 'ours', runs: [run(1, 1)], failures: [] },
        { scenario: 'idle', broker: 'ours', runs: [idle], failures: [] },
      ]),
    );
    assert.equal(tables.length, 2);
    assert.match(toTerminal(tables[1]!), /KiB per connection[\s\S]*idle[\s\S]*2\.0/);
  });
});
