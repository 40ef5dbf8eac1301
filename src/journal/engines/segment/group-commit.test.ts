import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { JournalError, type JournalErrorCode } from '../../journal.ts';
import { payloads } from '../../testing/records.ts';
import { FIRST_LOG, openSimulated, readPayloads } from './testing/simulated-journal.ts';

const failsWith = (code: JournalErrorCode) => (error: unknown) => error instanceof JournalError && error.code === code;

describe('group commit', () => {
  it('commits with one sync all that waited for the one before', async () => {
    const commits: number[] = [];
    const { journal } = await openSimulated({ onCommit: (records) => commits.push(records) });
    const first = journal.append('s', payloads('first'));
    await Promise.resolve();
    await Promise.resolve();
    const rest = Array.from({ length: 100 }, (_, number) => journal.append('s', payloads(String(number))));
    await Promise.all([first, ...rest]);
    assert.deepEqual(commits, [1, 100]);
    const { batches, records, commits: committed, syncs } = journal.stats();
    assert.deepEqual({ batches, records, committed, syncs }, { batches: 101, records: 101, committed: 2, syncs: 2 });
    await journal.close();
  });

  it('shows nothing to readers and followers before it is durable', async () => {
    const { journal } = await openSimulated();
    const ends: number[] = [];
    journal.follow('s', (end) => ends.push(end));
    const appending = journal.append('s', payloads('a'));
    await Promise.resolve();
    await Promise.resolve();
    assert.deepEqual(await journal.bounds('s'), { start: 0, end: 0 });
    assert.deepEqual(ends, []);
    await appending;
    assert.deepEqual(ends, [1]);
    await journal.close();
  });

  it('goes on where the kernel took only part of a write', async () => {
    const { journal, disk } = await openSimulated({ cacheBytes: 0 });
    disk.maxWriteBytes = 7;
    await Promise.all([journal.append('s', payloads('a'.repeat(200), 'b')), journal.append('s', payloads('c'))]);
    assert.deepEqual(await readPayloads(journal), ['a'.repeat(200), 'b', 'c']);
    await journal.close();
  });

  it('writes a batch that is too large for the event loop off it', async () => {
    const { journal } = await openSimulated({ cacheBytes: 0 });
    const large = 'x'.repeat(400_000);
    await Promise.all([journal.append('s', payloads(large)), journal.append('s', payloads('small'))]);
    assert.deepEqual(await readPayloads(journal), [large, 'small']);
    await journal.close();
  });

  it('refuses what would wait beyond the limit, and what is too large for any', async () => {
    const { journal } = await openSimulated({ maxQueuedBytes: 1000, maxBatchBytes: 2000 });
    const waiting = [journal.append('s', payloads('x'.repeat(800)))];
    await assert.rejects(journal.append('s', payloads('y'.repeat(800))), failsWith('overloaded'));
    await assert.rejects(journal.append('s', payloads('z'.repeat(3000))), failsWith('too_large'));
    await Promise.all(waiting);
    await journal.append('s', payloads('w'.repeat(1500)));
    assert.equal(journal.stats().rejectedBatches, 2);
    await journal.close();
  });

  it('rolls to a new segment when one is full, and reads across them', async () => {
    const { journal, disk } = await openSimulated({ segmentBytes: 400, cacheBytes: 0 });
    const numbers = Array.from({ length: 20 }, (_, number) => String(number));
    const results = [];
    for (const number of numbers) results.push(await journal.append('s', payloads(number)));
    assert.equal(journal.stats().shards[0]!.segments, 7);
    assert.deepEqual(results[3], { ...results[3], segmentId: 3, position: 0, baseOffset: 3 });
    assert.deepEqual(await readPayloads(journal), numbers);
    await journal.close();
    assert.equal(disk.openFiles, 0);
    assert.ok(disk.paths().includes('/journal/s/00000000000000000003.index'));
  });
});

describe('an append that fails', () => {
  it('leaves nothing behind when space runs out, and the shard works again when there is some', async () => {
    const { journal, disk, events } = await openSimulated();
    await journal.append('s', payloads('kept'));
    const committed = disk.contents(FIRST_LOG);
    disk.spaceLeft = 200;
    const appends = ['a', 'b', 'c'].map((text) => journal.append('s', payloads(text.repeat(50))));
    for (const append of appends) await assert.rejects(append, failsWith('no_space'));
    assert.deepEqual(disk.contents(FIRST_LOG), committed);
    assert.deepEqual(await journal.bounds('s'), { start: 0, end: 1 });
    disk.spaceLeft = 1e6;
    assert.equal((await journal.append('s', payloads('after'))).baseOffset, 1);
    assert.deepEqual(await readPayloads(journal), ['kept', 'after']);
    assert.deepEqual(
      events.map(({ kind }) => kind),
      ['append_failed', 'append_recovered'],
    );
    await journal.close();
    const again = await openSimulated({ disk });
    assert.deepEqual(await readPayloads(again.journal), ['kept', 'after']);
    await again.journal.close();
  });

  it('rejects those that wait behind it too', async () => {
    const { journal, disk } = await openSimulated();
    disk.failNext('sync', 'EIO');
    const first = journal.append('s', payloads('first'));
    await Promise.resolve();
    await Promise.resolve();
    const second = journal.append('s', payloads('second'));
    await assert.rejects(first, failsWith('io_failed'));
    await assert.rejects(second, failsWith('io_failed'));
    assert.equal((await journal.append('s', payloads('third'))).baseOffset, 0);
    await journal.close();
  });

  it('never trusts a file again whose sync failed', async () => {
    const { journal, disk } = await openSimulated();
    await journal.append('s', payloads('kept'));
    disk.failNext('sync', 'EIO');
    await assert.rejects(journal.append('s', payloads('lost')), failsWith('io_failed'));
    const { segmentId } = await journal.append('s', payloads('after'));
    assert.equal(segmentId, 1);
    const recovered = await openSimulated({ disk: disk.crashed(() => false) });
    assert.deepEqual(await readPayloads(recovered.journal), ['kept', 'after']);
    await Promise.all([journal.close(), recovered.journal.close()]);
  });

  it('is not in the index of what takes its place', async () => {
    const { journal, disk } = await openSimulated({ cacheBytes: 0 });
    disk.failNext('sync', 'EIO');
    const failed = Array.from({ length: 20 }, () => journal.append('s', payloads('x'.repeat(1000))));
    for (const append of failed) await assert.rejects(append, failsWith('io_failed'));
    const numbers = Array.from({ length: 100 }, (_, number) => `${number}:${'y'.repeat(200)}`);
    for (const number of numbers) await journal.append('s', payloads(number));
    for (let from = 0; from < numbers.length; from += 7)
      assert.deepEqual(await readPayloads(journal, from), numbers.slice(from));
    await journal.close();
  });

  it('is cut off before the next one is written when the disk at first refuses even that', async () => {
    const { journal, disk } = await openSimulated();
    await journal.append('s', payloads('kept'));
    disk.maxWriteBytes = 60;
    disk.spaceLeft = 60;
    disk.failNext('truncate', 'EIO');
    disk.failNext('truncate', 'EIO');
    await assert.rejects(journal.append('s', payloads('a')), failsWith('no_space'));
    await assert.rejects(journal.append('s', payloads('b')), failsWith('io_failed'));
    disk.spaceLeft = 1e6;
    assert.equal((await journal.append('s', payloads('after'))).baseOffset, 1);
    assert.deepEqual(await readPayloads(journal), ['kept', 'after']);
    await journal.close();
  });

  it('does not write on to a full segment whose successor could not be made', async () => {
    const { journal, disk } = await openSimulated({ segmentBytes: 400 });
    await journal.append('s', payloads('a'.repeat(100)));
    disk.failNext('syncFolder', 'EIO');
    // Does not fit; what comes after it would.
    await assert.rejects(journal.append('s', payloads('b'.repeat(300))), failsWith('io_failed'));
    assert.equal((await journal.append('s', payloads('c'))).segmentId, 1);
    assert.deepEqual(await readPayloads(journal), ['a'.repeat(100), 'c']);
    const recovered = await openSimulated({ disk: disk.crashed(() => true) });
    assert.deepEqual(await readPayloads(recovered.journal), ['a'.repeat(100), 'c']);
    await Promise.all([journal.close(), recovered.journal.close()]);
    assert.equal(disk.openFiles, 0);
  });
});

describe('sync = interval', () => {
  it('acknowledges after the write and syncs later', async () => {
    const { journal, disk } = await openSimulated({ sync: 'interval', syncIntervalMs: 1 });
    const before = disk.syncs;
    await journal.append('s', payloads('a'));
    while (disk.syncs === before) await new Promise((resolve) => setTimeout(resolve, 1));
    const recovered = await openSimulated({ disk: disk.crashed(() => false) });
    assert.deepEqual(await readPayloads(recovered.journal), ['a']);
    await Promise.all([journal.close(), recovered.journal.close()]);
  });

  it('stops when what it acknowledged cannot be made durable', async () => {
    const { journal, disk } = await openSimulated({ sync: 'interval', syncIntervalMs: 1 });
    await journal.append('s', payloads('a'));
    disk.failNext('sync', 'EIO');
    const failed = async () => {
      for (;;) {
        await journal.append('s', payloads('b'));
        await nextTurn();
      }
    };
    await assert.rejects(failed(), failsWith('io_failed'));
    await assert.rejects(journal.append('s', payloads('c')), failsWith('io_failed'));
    await assert.rejects(journal.close(), failsWith('io_failed'));
    assert.equal(disk.openFiles, 0);
  });
});

describe('sync = never', () => {
  it('syncs full segments and when it is closed', async () => {
    const { journal, disk } = await openSimulated({ sync: 'never', segmentBytes: 300 });
    for (const text of ['a', 'b', 'c', 'd', 'e']) await journal.append('s', payloads(text.repeat(50)));
    const crashed = await openSimulated({ disk: disk.crashed(() => false) });
    assert.deepEqual(
      await readPayloads(crashed.journal),
      ['a'.repeat(50), 'b'.repeat(50), 'c'.repeat(50), 'd'.repeat(50)].slice(0, 4),
    );
    await journal.close();
    const closed = await openSimulated({ disk: disk.crashed(() => false) });
    assert.equal((await readPayloads(closed.journal)).length, 5);
    await Promise.all([crashed.journal.close(), closed.journal.close()]);
  });
});
