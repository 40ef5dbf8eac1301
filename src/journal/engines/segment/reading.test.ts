import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { topicMatches } from '../../../mqtt/topic.ts';
import { batchOf, everythingFrom, payloadOf, payloads } from '../../testing/records.ts';
import { openSimulated, readAll, readPayloads } from './testing/simulated-journal.ts';

describe('reading the tail', () => {
  it('does not touch the disk', async () => {
    const { journal, disk } = await openSimulated({ cacheBytes: 1e6 });
    for (let number = 0; number < 100; number += 1) await journal.append('s', payloads(String(number)));
    disk.bytesRead = 0;
    assert.equal((await readPayloads(journal)).length, 100);
    assert.equal(disk.bytesRead, 0);
    await journal.close();
  });

  it('changes from the disk to memory without a gap or a double', async () => {
    const { journal, disk } = await openSimulated({ cacheBytes: 3000, segmentBytes: 5000 });
    const numbers = Array.from({ length: 200 }, (_, number) => String(number));
    for (const number of numbers) await journal.append('s', payloads(number));
    disk.bytesRead = 0;
    const { entries } = await journal.read('s', everythingFrom(0));
    assert.deepEqual(entries.map(payloadOf), numbers);
    assert.ok(disk.bytesRead > 0);
    await journal.close();
  });
});

describe('reading a cold session', () => {
  /** A thousand batches of 3 kB, of which three are on the topic that is wanted. */
  async function needlesInHay() {
    const open = await openSimulated({ cacheBytes: 0, segmentBytes: 1e6 });
    const appends = Array.from({ length: 1000 }, (_, number) => {
      const topic = number === 10 || number === 500 || number === 999 ? 'needle/1' : `hay/${number % 20}`;
      return open.journal.append('s', batchOf({ topic, payload: `${number}:${'x'.repeat(3000)}` }));
    });
    await Promise.all(appends);
    return open;
  }

  for (const when of ['full and growing segments', 'segments of an earlier run'] as const) {
    it(`touches only the blocks that hold its topics: ${when}`, async () => {
      const first = await needlesInHay();
      let { journal } = first;
      const { disk } = first;
      if (when === 'segments of an earlier run') {
        await journal.close();
        ({ journal } = await openSimulated({ disk, cacheBytes: 0, segmentBytes: 1e6 }));
      }
      assert.equal((await readPayloads(journal, 0, ['needle/+'])).length, 3);
      disk.bytesRead = 0;
      const found = await readPayloads(journal, 0, ['needle/+']);
      assert.deepEqual(
        found.map((text) => text.split(':')[0]),
        ['10', '500', '999'],
      );
      assert.ok(disk.bytesRead < 60_000, `${disk.bytesRead} bytes were read`);
      await journal.close();
    });
  }

  it('keeps no more of a block than the records it returns', async () => {
    const { journal } = await openSimulated({ cacheBytes: 0 });
    const batch = () => batchOf({ topic: 'a', payload: 'x'.repeat(50_000) }, { topic: 'b', payload: 'small' });
    await journal.append('s', batch());
    await journal.append('s', batch());
    const [fromDisk, fromMemory] = await readAll(journal, 0, ['b']);
    for (const entry of [fromDisk!, fromMemory!]) {
      assert.ok(entry.buffer.byteLength < 1000);
      assert.equal(payloadOf(entry), 'small');
    }
    await journal.close();
  });

  it('looks through a bounded part of the log in one read', async () => {
    const { journal } = await openSimulated({ cacheBytes: 0 });
    const large = 'x'.repeat(500_000);
    for (let number = 0; number < 20; number += 1)
      await journal.append('s', batchOf({ topic: 'a', payload: large }, { topic: '', payload: 'session', kind: 1 }));
    await journal.append('s', payloads('last'));
    const first = await journal.read('s', everythingFrom(0, ['b']));
    assert.deepEqual([first.next, first.entries.length], [41, 0]);
    const everything = await journal.read('s', { ...everythingFrom(0), maxBytes: 1e9 });
    assert.ok(everything.next < everything.end);
    await journal.close();
  });

  it('returns the same for any filters as a look at every record', async () => {
    const topic = fc.constantFrom('a', 'a/b', 'a/b/c', 'b', '$s/a', 'x/1', 'x/2', 'x/3');
    const filters = fc.uniqueArray(fc.constantFrom('a', 'a/#', '+', '#', '+/b', '$s/#', 'x/+', 'x/2', 'none'));
    const batch = fc.array(fc.record({ topic, size: fc.nat(2500) }), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(batch, { minLength: 1, maxLength: 25 }),
        fc.array(filters, { minLength: 1 }),
        async (batches, queries) => {
          const { journal, disk } = await openSimulated({ cacheBytes: 4000, segmentBytes: 15_000 });
          const all: { topic: string; payload: string }[] = [];
          for (const records of batches) {
            const named = records.map(({ topic, size }, index) => ({
              topic,
              payload: `${all.length + index}:${'x'.repeat(size)}`,
            }));
            all.push(...named);
            await journal.append('s', batchOf(...named));
          }
          const check = async (subject: typeof journal) => {
            for (const query of queries) {
              const expected = all.filter(({ topic }) => query.some((filter) => topicMatches(filter, topic)));
              const found = await readPayloads(subject, 0, query);
              assert.deepEqual(
                found,
                expected.map(({ payload }) => payload),
              );
            }
          };
          await check(journal);
          await journal.close();
          const again = await openSimulated({ disk });
          await check(again.journal);
          await again.journal.close();
        },
      ),
      { numRuns: 50 },
    );
  });
});

describe('files open for reading', () => {
  it('stay within the budget and are released on close', async () => {
    const { journal, disk } = await openSimulated({ cacheBytes: 0, segmentBytes: 300, maxOpenFiles: 3 });
    for (let number = 0; number < 20; number += 1) await journal.append('s', payloads('x'.repeat(200)));
    assert.equal(journal.stats().shards[0]!.segments, 20);
    assert.equal((await readPayloads(journal)).length, 20);
    assert.ok(disk.openFiles <= 3 + 1, `${disk.openFiles} files are open`);
    await Promise.all(Array.from({ length: 20 }, (_, from) => readPayloads(journal, from)));
    assert.ok(disk.openFiles <= 3 + 1);
    await journal.close();
    assert.equal(disk.openFiles, 0);
  });

  it('are released when the journal closes under a reader, who gets what he asked for', async () => {
    const { journal, disk } = await openSimulated({ cacheBytes: 0 });
    await journal.append('s', payloads('a'));
    const reading = journal.read('s', everythingFrom(0));
    await journal.close();
    assert.equal((await reading).entries.length, 1);
    assert.equal(disk.openFiles, 0);
  });
});
