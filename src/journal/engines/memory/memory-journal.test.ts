import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { systemClock } from '../../../base/clock.ts';
import { JournalError } from '../../journal.ts';
import type { Drop } from '../../journal-stats.ts';
import { everythingFrom, payloadOf, payloads } from '../../testing/records.ts';
import { MemoryJournal } from './memory-journal.ts';

async function open(maxBytes: number) {
  const drops: Drop[] = [];
  const journal = new MemoryJournal({ clock: systemClock, maxBytes, onDrop: (drop) => drops.push(drop) });
  await journal.createShard({ name: 's', durable: false });
  return { journal, drops };
}

describe('a memory shard', () => {
  it('settles an append in the turn of the call', async () => {
    const { journal } = await open(1e6);
    let settled = false;
    void journal.append('s', payloads('a')).then(() => {
      settled = true;
    });
    await Promise.resolve();
    await Promise.resolve();
    assert.ok(settled);
    await journal.close();
  });

  it('forgets its oldest batches when it is full; a reader behind them learns how many it lost', async () => {
    const { journal, drops } = await open(2000);
    for (let number = 0; number < 50; number += 1) await journal.append('s', payloads(String(number)));
    const { start, end } = await journal.bounds('s');
    assert.ok(start > 0 && end === 50);
    const { entries, lost } = await journal.read('s', everythingFrom(0));
    assert.equal(lost, start);
    assert.equal(payloadOf(entries[0]!), String(start));
    assert.ok(journal.stats().shards[0]!.bytes <= 2000);
    assert.equal(journal.stats().trimmedRecords, start);
    assert.deepEqual(drops, []);
    await journal.close();
  });

  it('forgets protected records too, and says how many', async () => {
    const { journal, drops } = await open(2000);
    journal.protect('s', 'early', 3);
    journal.protect('s', 'late', 1000);
    for (let number = 0; number < 50; number += 1) await journal.append('s', payloads(String(number)));
    const { start } = await journal.bounds('s');
    const dropped = drops.reduce((sum, { records }) => sum + records, 0);
    assert.equal(dropped, start - 3);
    assert.equal(journal.stats().droppedRecords, dropped);
    assert.deepEqual([drops[0]!.shard, drops[0]!.reason], ['s', 'memory_full']);
    await journal.close();
  });

  it('refuses a batch larger than itself and keeps what it has', async () => {
    const { journal } = await open(500);
    await journal.append('s', payloads('kept'));
    await assert.rejects(
      journal.append('s', payloads('x'.repeat(500))),
      (error) => error instanceof JournalError && error.code === 'too_large',
    );
    assert.deepEqual(await journal.bounds('s'), { start: 0, end: 1 });
    assert.equal(journal.stats().rejectedBatches, 1);
    await journal.close();
  });

  it('looks through a bounded part of itself in one read', async () => {
    const { journal } = await open(64e6);
    const filler = payloads(...Array.from({ length: 100 }, () => 'x'.repeat(2000)));
    for (let number = 0; number < 20; number += 1) await journal.append('s', filler);
    const first = await journal.read('s', everythingFrom(0, ['absent']));
    assert.ok(first.next > 0 && first.next < first.end);
    assert.deepEqual(first.entries, []);
    let { next } = first;
    while (next < first.end) next = (await journal.read('s', everythingFrom(next, ['absent']))).next;
    assert.equal(next, 2000);
    await journal.close();
  });
});
