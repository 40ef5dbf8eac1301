import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { SpanAccount } from '../measure/span-account.ts';
import type { Run } from '../tournament.ts';
import { toTables } from './columns.ts';
import { toMarkdown, toTerminal } from './print.ts';
import { median, toRows } from './row.ts';

const run = (operations: number, brokerCpuMs: number, extra: Partial<Run> = {}): Run => ({
  operations,
  brokerCpuMs,
  mainThreadCpuMs: brokerCpuMs,
  exporterCpuMs: 0,
  elapsedMs: 1000,
  generatorCpuMs: 500,
  p50Ms: 1,
  p99Ms: 2,
  residentBytes: 50 * 1024 ** 2,
  bytesPerConnection: undefined,
  published: 100,
  offered: undefined,
  lost: 0,
  spans: undefined,
  ...extra,
});

const account = (extra: Partial<SpanAccount> = {}): SpanAccount => ({
  started: 800,
  exported: 800,
  unsampled: 0,
  dropped: {},
  undecided: 0,
  left: 0,
  queuedAtLoadEnd: 0,
  spooledAtLoadEnd: 0,
  drainedMs: 0,
  imbalance: 0,
  received: 800,
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
    assert.deepEqual(ours?.cpuMicrosRange, [10, 90]);
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

  it('says what a machine could not offer', () => {
    const offered = { perSecond: 100_000, reachedPerSecond: 81_000 };
    const rows = toRows([{ scenario: 's', broker: 'ours', runs: [run(1, 1, { offered })], failures: [] }]);
    assert.match(toMarkdown(toTables(rows)[0]!), /offered\/s \| reached\/s \|[\s\S]*\| 100,000 \| 81,000 \(81 %\) \|$/);
  });

  it('adds up what became of the spans of all runs', () => {
    const lossy = { dropped: { overwritten: 7, queue_full: 3 }, exported: 790, received: 795, imbalance: 2 };
    const runs = [run(1, 1, { spans: account() }), run(1, 1, { spans: account(lossy) })];
    const tables = toTables(toRows([{ scenario: 's', broker: 'ours', runs, failures: [] }]));
    const [heading, , row] = toMarkdown(tables[1]!)
      .split('\n')
      .map((line) => line.split(' | '));
    const cell = (name: string): string | undefined => row![heading!.findIndex((text) => text.includes(name))];
    assert.deepEqual([cell('spans a message'), cell('started'), cell('spans lost')], ['8.0', '1,600', '10']);
    assert.deepEqual([cell('dropped'), cell('received')], ['overwritten 7, queue_full 3', '1,595 (+5)']);
    assert.match(row!.at(-1)!, /off by 2/);
  });
});
