import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { batchOf, everythingFrom, payloads } from '../../testing/records.ts';
import { planRetention, type RetentionLimits } from './retention.ts';
import { FIRST_LOG, openSimulated, readPayloads } from './testing/simulated-journal.ts';

const NONE = Number.POSITIVE_INFINITY;
const limits = (some: Partial<RetentionLimits>): RetentionLimits => ({
  retentionBytes: NONE,
  retentionMs: NONE,
  retentionHardBytes: NONE,
  ...some,
});

/** Five segments of 100 bytes and ten records each, written at 0, 10, 20, 30 and 40. */
const segments = [0, 1, 2, 3, 4].map((number) => ({
  base: number * 10,
  end: number * 10 + 10,
  bytes: 100,
  lastTimestamp: number * 10,
}));

describe('a retention plan', () => {
  const cases: [string, RetentionLimits, number, { segments: number; droppedRecords: number }][] = [
    ['takes nothing without limits', limits({}), NONE, { segments: 0, droppedRecords: 0 }],
    ['takes the oldest until the size fits', limits({ retentionBytes: 250 }), NONE, { segments: 3, droppedRecords: 0 }],
    [
      'takes those whose newest record is too old',
      limits({ retentionMs: 25 }),
      NONE,
      { segments: 2, droppedRecords: 0 },
    ],
    ['stops before what is protected', limits({ retentionBytes: 0 }), 15, { segments: 1, droppedRecords: 0 }],
    [
      'passes it at the hard limit, and counts',
      limits({ retentionHardBytes: 300 }),
      15,
      { segments: 2, droppedRecords: 5 },
    ],
    [
      'does not count what nobody needed',
      limits({ retentionHardBytes: 100 }),
      NONE,
      { segments: 4, droppedRecords: 0 },
    ],
    [
      'never takes the segment being written',
      limits({ retentionHardBytes: 0 }),
      0,
      { segments: 4, droppedRecords: 40 },
    ],
  ];
  for (const [what, given, lowestNeeded, expected] of cases)
    it(what, () => assert.deepEqual(planRetention(segments, given, 45, lowestNeeded), expected));
});

describe('retention', () => {
  async function openWithSegments(options: Parameters<typeof openSimulated>[0]) {
    const open = await openSimulated({ segmentBytes: 200, cacheBytes: 0, ...options });
    const fill = async (count: number) => {
      for (let number = 0; number < count; number += 1)
        await open.journal.append('s', batchOf({ topic: 't', payload: 'x'.repeat(60), timestamp: open.clock.at }));
    };
    return { ...open, fill };
  }

  it('removes whole segments by size, with their files', async () => {
    const { journal, disk, events, fill } = await openWithSegments({ retentionBytes: 700 });
    await fill(10);
    await journal.applyRetention();
    assert.deepEqual(await journal.bounds('s'), { start: 6, end: 10 });
    const { lost, entries } = await journal.read('s', everythingFrom(2));
    assert.deepEqual([lost, entries.length], [4, 4]);
    assert.equal(disk.paths().filter((path) => path.endsWith('.log')).length, 4);
    assert.ok(!disk.paths().some((path) => path.startsWith(FIRST_LOG.slice(0, -4))));
    assert.ok(events.some((event) => event.kind === 'trimmed' && event.start === 6));
    assert.equal(journal.stats().trimmedRecords, 6);
    await journal.close();
    const again = await openSimulated({ disk });
    assert.deepEqual(await again.journal.bounds('s'), { start: 6, end: 10 });
    await again.journal.close();
  });

  it('removes by age what was written last too', async () => {
    const { journal, clock, fill } = await openWithSegments({ retentionMs: 1000 });
    await fill(3);
    clock.at += 1001;
    await journal.applyRetention();
    while ((await journal.bounds('s')).start < 3) {
      await new Promise((resolve) => setImmediate(resolve));
      await journal.applyRetention();
    }
    await fill(1);
    assert.deepEqual(await journal.bounds('s'), { start: 3, end: 4 });
    await journal.close();
  });

  it('waits for the last holder, up to the hard limit, and then tells what it dropped', async () => {
    const { journal, drops, fill } = await openWithSegments({ retentionBytes: 400, retentionHardBytes: 900 });
    journal.protect('s', 'slow', 1);
    journal.protect('s', 'fast', 4);
    await fill(5);
    await journal.applyRetention();
    assert.deepEqual((await journal.bounds('s')).start, 1);
    await fill(3);
    await journal.applyRetention();
    assert.deepEqual(await journal.bounds('s'), { start: 3, end: 8 });
    assert.equal((await journal.read('s', everythingFrom(1))).lost, 2);
    assert.equal(
      drops.reduce((sum, { records }) => sum + records, 0),
      2,
    );
    assert.deepEqual([drops[0]!.shard, drops[0]!.reason, journal.stats().droppedRecords], ['s', 'hard_limit', 2]);
    journal.protect('s', 'slow', undefined);
    journal.protect('s', 'fast', undefined);
    await journal.applyRetention();
    assert.deepEqual((await journal.bounds('s')).start, 6);
    await journal.close();
  });

  it('trims whole segments, and never the one being written', async () => {
    const { journal, fill } = await openWithSegments({});
    await fill(5);
    await journal.trim('s', 3);
    assert.deepEqual(await journal.bounds('s'), { start: 3, end: 5 });
    await journal.trim('s', 100);
    assert.deepEqual(await journal.bounds('s'), { start: 4, end: 5 });
    await journal.close();
  });

  it('removes a segment while it is being read, and the reader goes on behind it', async () => {
    const { journal, fill } = await openWithSegments({ maxOpenFiles: 1 });
    await fill(6);
    const reading = journal.read('s', everythingFrom(0));
    await journal.trim('s', 4);
    const { entries, lost } = await reading;
    assert.equal(entries.length + lost, 6);
    assert.equal(entries.at(-1)!.offset, 5);
    await journal.close();
  });

  it('leaves no gap when a segment cannot be removed, and tries again', async () => {
    const { journal, disk, events, fill } = await openWithSegments({});
    await fill(4);
    disk.failNext('remove', 'EIO');
    await journal.trim('s', 2);
    assert.ok(events.some(({ kind }) => kind === 'housekeeping_failed'));
    const crashed = await openSimulated({ disk: disk.copy() });
    assert.deepEqual(await crashed.journal.bounds('s'), { start: 0, end: 4 });
    await crashed.journal.close();
    await journal.trim('s', 3);
    const later = await openSimulated({ disk: disk.copy() });
    assert.equal((await readPayloads(later.journal)).length, 1);
    await Promise.all([journal.close(), later.journal.close()]);
  });

  it('drops from memory what it removed', async () => {
    const { journal } = await openSimulated({ segmentBytes: 200 });
    for (const text of ['a', 'b', 'c']) await journal.append('s', payloads(text.repeat(60)));
    await journal.trim('s', 2);
    assert.equal((await journal.read('s', everythingFrom(0))).lost, 2);
    await journal.close();
  });
});
