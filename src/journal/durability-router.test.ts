import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { systemClock } from '../base/clock.ts';
import { DurabilityRouter } from './durability-router.ts';
import { MemoryJournal } from './engines/memory/memory-journal.ts';
import { SegmentJournal } from './engines/segment/segment-journal.ts';
import { SimulatedDisk } from './engines/segment/testing/simulated-disk.ts';
import { JournalError } from './journal.ts';
import { describeJournalContract } from './testing/journal-contract.ts';
import { everythingFrom, payloads } from './testing/records.ts';

async function open(disk = new SimulatedDisk()) {
  const memory = new MemoryJournal({ clock: systemClock });
  const segments = await SegmentJournal.open({ folder: '/journal', clock: systemClock, disk });
  return { memory, segments, disk, router: new DurabilityRouter(memory, segments) };
}

for (const durable of [true, false]) {
  describeJournalContract(`durability router, durable = ${durable}`, durable, async () => ({
    journal: (await open()).router,
    dispose: async () => {},
  }));
}

describe('a durability router', () => {
  it('puts each shard where its durability belongs', async () => {
    const { router, memory, segments } = await open();
    await router.createShard({ name: 'fast', durable: false });
    await router.createShard({ name: 'safe', durable: true });
    await router.append('fast', payloads('a'));
    await router.append('safe', payloads('b'));
    assert.equal((await memory.read('fast', everythingFrom(0))).entries.length, 1);
    assert.equal((await segments.read('safe', everythingFrom(0))).entries.length, 1);
    await router.close();
  });

  it('knows after a restart which shards are durable', async () => {
    const { router, disk } = await open();
    await router.createShard({ name: 'safe', durable: true });
    await router.close();
    const again = await open(disk);
    await assert.rejects(
      again.router.createShard({ name: 'safe', durable: false }),
      (error) => error instanceof JournalError && error.code === 'shard_mismatch',
    );
    await again.router.close();
  });

  it('makes one shard of two that are created at once with one name', async () => {
    const { router } = await open();
    const created = await Promise.allSettled([
      router.createShard({ name: 's', durable: false }),
      router.createShard({ name: 's', durable: true }),
    ]);
    assert.deepEqual(
      created.map(({ status }) => status),
      ['fulfilled', 'rejected'],
    );
    await router.close();
  });
});
