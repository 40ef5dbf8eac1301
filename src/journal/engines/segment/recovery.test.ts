import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { JournalError } from '../../journal.ts';
import { BATCH_HEADER_BYTES, RECORD_HEADER_BYTES } from '../../record-batch.ts';
import { payloads } from '../../testing/records.ts';
import { stampBatch } from '../common/batch-header.ts';
import type { SimulatedDisk } from './testing/simulated-disk.ts';
import { FIRST_LOG, openSimulated, readPayloads } from './testing/simulated-journal.ts';

const corruptAt = (path: string, at: number) => (error: unknown) =>
  error instanceof JournalError &&
  error.code === 'corrupt' &&
  error.message.includes(`${path} is damaged at byte ${at}`);

/** Three batches, each committed by itself, on a disk whose power then went. */
async function threeCommits() {
  const { journal, disk } = await openSimulated();
  const commits = [];
  for (const text of ['first', 'second', 'third']) commits.push(await journal.append('s', payloads(text)));
  const crashed = disk.copy();
  await journal.close();
  const [first, second, third] = commits;
  return { disk: crashed, first: first!, second: second!, third: third! };
}

/** The same disk with other content in the first segment. */
function withLog(disk: SimulatedDisk, change: (log: Buffer) => Buffer): SimulatedDisk {
  const changed = disk.copy();
  changed.put(FIRST_LOG, change(disk.contents(FIRST_LOG)));
  return changed;
}

const flip = (at: number) => (log: Buffer) => {
  log[at]! ^= 0x10;
  return log;
};

describe('recovery of a torn tail', () => {
  it('cuts off a last batch that ends early, wherever it ends', async () => {
    const { disk, third } = await threeCommits();
    for (let cut = third.position + 1; cut < third.position + third.bytes; cut += 1) {
      const torn = withLog(disk, (log) => log.subarray(0, cut));
      const { journal, events } = await openSimulated({ disk: torn });
      assert.deepEqual(await readPayloads(journal), ['first', 'second']);
      assert.deepEqual(events, [
        { kind: 'tail_truncated', shard: 's', path: FIRST_LOG, at: third.position, bytes: cut - third.position },
      ]);
      assert.equal((await journal.append('s', payloads('next'))).baseOffset, 2);
      assert.equal(journal.stats().truncatedBytes, cut - third.position);
      await journal.close();
    }
  });

  it('cuts off a last batch with any byte wrong', async () => {
    const { disk, third } = await threeCommits();
    for (let at = third.position; at < third.position + third.bytes; at += 1) {
      const { journal } = await openSimulated({ disk: withLog(disk, flip(at)) });
      assert.deepEqual(await readPayloads(journal), ['first', 'second']);
      await journal.close();
    }
  });

  it('cuts off the zeros of a file that grew without its data', async () => {
    const { disk } = await threeCommits();
    const grown = withLog(disk, (log) => Buffer.concat([log, Buffer.alloc(5000)]));
    const { journal } = await openSimulated({ disk: grown });
    assert.deepEqual(await readPayloads(journal), ['first', 'second', 'third']);
    await journal.close();
    assert.equal(grown.contents(FIRST_LOG).length, disk.contents(FIRST_LOG).length);
  });

  it('cuts off a group of which a crash kept the later batches without the first', async () => {
    const { journal, disk } = await openSimulated();
    await journal.append('s', payloads('kept'));
    const group = await Promise.all(['a', 'b', 'c'].map((text) => journal.append('s', payloads(text))));
    const torn = withLog(disk, flip(group[0]!.position + BATCH_HEADER_BYTES));
    await journal.close();
    const recovered = await openSimulated({ disk: torn });
    assert.deepEqual(await readPayloads(recovered.journal), ['kept']);
    await recovered.journal.close();
  });

  it('is not fooled by a payload that is itself a whole batch', async () => {
    const forge = async (salt: number) => {
      const forged = Buffer.from(payloads('forged').seal());
      stampBatch(forged, 0, 1, salt, 0);
      const { journal, disk } = await openSimulated({ randomUint32: () => 77 });
      await journal.append('s', payloads('kept'));
      const { position } = await journal.append('s', payloads('x'.repeat(forged.length + 20)));
      const payloadAt = position + BATCH_HEADER_BYTES + RECORD_HEADER_BYTES + 't'.length;
      const torn = withLog(disk, (log) => {
        log.set(forged, payloadAt);
        return log;
      });
      await journal.close();
      return openSimulated({ disk: torn });
    };
    const { journal } = await forge(78);
    assert.deepEqual(await readPayloads(journal), ['kept']);
    await journal.close();
    // Who knows the segment's salt could make recovery believe that the torn batch had been durable.
    await assert.rejects(forge(77), JournalError);
  });
});

describe('recovery from damage in the middle', () => {
  it('refuses any wrong byte in what had been durable, with the file and the position', async () => {
    const { disk, first, second } = await threeCommits();
    for (const { position, bytes } of [first, second]) {
      for (let at = position; at < position + bytes; at += 1) {
        const damaged = withLog(disk, flip(at));
        await assert.rejects(openSimulated({ disk: damaged }), corruptAt(FIRST_LOG, position));
        assert.equal(damaged.openFiles, 0);
      }
    }
  });

  it('refuses a segment with a successor that is not whole', async () => {
    const { journal, disk } = await openSimulated({ segmentBytes: 200 });
    for (const text of ['a', 'b', 'c']) await journal.append('s', payloads(text.repeat(30)));
    await journal.close();
    const damaged = disk.copy();
    await damaged.remove('/journal/s/00000000000000000000.index');
    damaged.put(FIRST_LOG, disk.contents(FIRST_LOG).subarray(0, -1));
    await assert.rejects(openSimulated({ disk: damaged }), corruptAt(FIRST_LOG, 0));
  });

  it('refuses a log that is shorter than a clean close left it', async () => {
    const { journal, disk } = await openSimulated();
    await journal.append('s', payloads('a'));
    const { position, bytes } = await journal.append('s', payloads('b'));
    await journal.close();
    const cut = withLog(disk, (log) => log.subarray(0, -1));
    await assert.rejects(openSimulated({ disk: cut }), corruptAt(FIRST_LOG, position + bytes - 1));
    // Damage below it is no torn tail either, though nothing whole lies behind it and the index is lost in part.
    const torn = withLog(disk, flip(position));
    await torn.remove(FIRST_LOG.replace('log', 'topics'));
    await assert.rejects(openSimulated({ disk: torn }), corruptAt(FIRST_LOG, position));
  });

  it('refuses a missing segment', async () => {
    const { journal, disk } = await openSimulated({ segmentBytes: 200 });
    for (const text of ['a', 'b', 'c']) await journal.append('s', payloads(text.repeat(30)));
    await journal.close();
    await disk.remove('/journal/s/00000000000000000001.log');
    await assert.rejects(openSimulated({ disk }), corruptAt('/journal/s/00000000000000000002.log', 0));
  });

  it('finds by the checksum on reading what a start did not look at', async () => {
    const { journal, disk } = await openSimulated();
    const { position } = await journal.append('s', payloads('a'));
    await journal.append('s', payloads('b'));
    await journal.close();
    const { journal: damaged } = await openSimulated({ disk: withLog(disk, flip(position + 100)) });
    await assert.rejects(readPayloads(damaged), corruptAt(FIRST_LOG, position));
    await damaged.close();
  });
});

describe('a start after a clean close', () => {
  it('reads the index instead of the log, and goes on with it', async () => {
    const { journal, disk } = await openSimulated();
    const large = 'x'.repeat(50_000);
    for (const text of [large, 'b']) await journal.append('s', payloads(text));
    await journal.close();
    disk.bytesRead = 0;
    const { journal: again } = await openSimulated({ disk });
    assert.ok(disk.bytesRead < 1000, `${disk.bytesRead} bytes were read`);
    await again.append('s', payloads('c'));
    assert.deepEqual(await readPayloads(again, 0, ['t']), [large, 'b', 'c']);
    await again.close();
  });

  it('walks only what came after it when the process died later', async () => {
    const { journal, disk } = await openSimulated();
    await journal.append('s', payloads('x'.repeat(50_000)));
    await journal.close();
    const { journal: second } = await openSimulated({ disk });
    await second.append('s', payloads('after'));
    const crashed = disk.copy();
    await second.close();
    const { journal: third } = await openSimulated({ disk: crashed });
    assert.ok(crashed.bytesRead < 1000, `${crashed.bytesRead} bytes were read`);
    assert.deepEqual(await readPayloads(third, 1), ['after']);
    await third.close();
  });

  it('makes index files anew that are missing or torn', async () => {
    const { journal, disk } = await openSimulated({ segmentBytes: 200 });
    for (const text of ['a', 'b', 'c']) await journal.append('s', payloads(text.repeat(30)));
    await journal.close();
    for (const extension of ['index', 'topics']) {
      const path = FIRST_LOG.replace('log', extension);
      const whole = disk.contents(path);
      for (const torn of [undefined, whole.subarray(0, 20), whole.subarray(0, -1), flip(whole.length - 1)(whole)]) {
        const damaged = disk.copy();
        if (torn === undefined) await damaged.remove(path);
        else damaged.put(path, torn);
        const { journal: again, events } = await openSimulated({ disk: damaged });
        assert.equal((await readPayloads(again, 0, ['t'])).length, 3);
        assert.deepEqual(events, [{ kind: 'index_rebuilt', shard: 's', path: FIRST_LOG.replace('log', 'index') }]);
        assert.deepEqual(damaged.contents(path), disk.contents(path));
        await again.close();
      }
    }
  });

  it('begins with an empty shard when the process died between making its folder and its first file', async () => {
    const { journal, disk } = await openSimulated();
    await journal.close();
    for (const path of disk.paths()) await disk.remove(path);
    const { journal: again } = await openSimulated({ disk });
    assert.deepEqual(await again.bounds('s'), { start: 0, end: 0 });
    await again.close();
  });
});

describe('offset index and log', () => {
  it('agree from every offset, in memory and from the disk', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(3000), { minLength: 1, maxLength: 30 }), async (sizes) => {
        const texts = sizes.map((size, number) => `${number}:${'x'.repeat(size)}`);
        const { journal } = await openSimulated({ cacheBytes: 2000, segmentBytes: 10_000 });
        for (const text of texts) await journal.append('s', payloads(text));
        for (let from = 0; from <= texts.length; from += 1)
          assert.deepEqual(await readPayloads(journal, from), texts.slice(from));
        await journal.close();
      }),
      { numRuns: 20 },
    );
  });
});
