import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { type Journal, type JournalEntry, JournalError, type JournalErrorCode } from '../journal.ts';
import { RecordKind, RecordView } from '../record-batch.ts';
import { batchOf, everythingFrom, payloadOf, payloads } from './records.ts';

export interface JournalSubject {
  readonly journal: Journal;
  /** Releases what the journal was given, after the journal is closed. */
  readonly dispose: () => Promise<void>;
}

const failsWith = (code: JournalErrorCode) => (error: unknown) => error instanceof JournalError && error.code === code;

/**
 * What every engine promises, whatever it stores in.
 * @param durable which kind of shard the engine is for
 */
export function describeJournalContract(engine: string, durable: boolean, open: () => Promise<JournalSubject>): void {
  describe(`${engine}: the journal's contract`, () => {
    let subject: JournalSubject;
    let journal: Journal;
    const texts = (entries: readonly JournalEntry[]) => entries.map(payloadOf);
    const readTexts = async (from: number, filters?: readonly string[]) =>
      texts((await journal.read('s', everythingFrom(from, filters))).entries);

    beforeEach(async () => {
      subject = await open();
      journal = subject.journal;
      await journal.createShard({ name: 's', durable });
    });
    afterEach(async () => {
      await journal.close();
      await subject.dispose();
    });

    it('creates a shard once, and says that an empty one begins and ends at 0', async () => {
      await journal.append('s', payloads('kept'));
      await Promise.all([
        journal.createShard({ name: 's', durable }),
        journal.createShard({ name: 'a-2_$.x', durable }),
        journal.createShard({ name: 'a-2_$.x', durable }),
      ]);
      assert.deepEqual(await journal.bounds('s'), { start: 0, end: 1 });
      assert.deepEqual(await journal.bounds('a-2_$.x'), { start: 0, end: 0 });
    });

    it('refuses another durability for a shard that exists', async () => {
      await assert.rejects(journal.createShard({ name: 's', durable: !durable }), failsWith('shard_mismatch'));
    });

    it('takes nothing for a shard name that could lead out of its folder', async () => {
      for (const name of ['', '..', 'a/b', 'A', 'ä']) await assert.rejects(journal.createShard({ name, durable }));
    });

    it('knows no shard that was not created', async () => {
      await assert.rejects(journal.append('other', payloads('x')), failsWith('unknown_shard'));
      await assert.rejects(journal.read('other', everythingFrom(0)), failsWith('unknown_shard'));
      await assert.rejects(journal.bounds('other'), failsWith('unknown_shard'));
      await assert.rejects(journal.trim('other', 0), failsWith('unknown_shard'));
      assert.throws(() => journal.follow('other', () => {}), failsWith('unknown_shard'));
      assert.throws(() => journal.protect('other', 'h', 0), failsWith('unknown_shard'));
    });

    it('gives records consecutive offsets in the order of the calls', async () => {
      const appended = await Promise.all([
        journal.append('s', payloads('a', 'b')),
        journal.append('s', payloads('c')),
        journal.append('s', payloads('d', 'e', 'f')),
      ]);
      assert.deepEqual(
        appended.map(({ baseOffset }) => baseOffset),
        [0, 2, 3],
      );
      const { entries, next, end, lost } = await journal.read('s', everythingFrom(0));
      assert.deepEqual(texts(entries), ['a', 'b', 'c', 'd', 'e', 'f']);
      assert.deepEqual(
        entries.map(({ offset }) => offset),
        [0, 1, 2, 3, 4, 5],
      );
      assert.deepEqual({ next, end, lost }, { next: 6, end: 6, lost: 0 });
    });

    it('says where each batch went and when each stage ended', async () => {
      const first = await journal.append('s', payloads('a'));
      const second = await journal.append('s', payloads('b'));
      assert.equal(second.segmentId, first.segmentId);
      assert.equal(second.position, first.position + first.bytes);
      assert.ok(first.startedAt <= first.writtenAt && first.writtenAt <= first.indexedAt);
      assert.ok(first.indexedAt <= first.committedAt && first.committedAt <= second.startedAt);
    });

    it('keeps shards apart', async () => {
      await journal.createShard({ name: 'z', durable });
      await Promise.all([journal.append('s', payloads('in s')), journal.append('z', payloads('in z'))]);
      assert.deepEqual(await readTexts(0), ['in s']);
      assert.deepEqual(texts((await journal.read('z', everythingFrom(0))).entries), ['in z']);
    });

    it('leaves the batch to its owner once the append has settled', async () => {
      const batch = payloads('first');
      await journal.append('s', batch);
      batch.buffer.fill(0xff);
      batch.reset();
      assert.deepEqual(await readTexts(0), ['first']);
    });

    it('returns records whole', async () => {
      await journal.append('s', batchOf({ topic: 'é/ü', payload: 'p', timestamp: 1234.5 }));
      const { entries } = await journal.read('s', everythingFrom(0));
      const view = new RecordView().at(entries[0]!.buffer, entries[0]!.position);
      assert.equal(Buffer.from(view.buffer.subarray(view.topicStart, view.topicEnd)).toString(), 'é/ü');
      assert.equal(view.timestamp, 1234.5);
      assert.equal(view.qos, 1);
    });

    it('reads on from any offset, within a batch too', async () => {
      await journal.append('s', payloads('a', 'b', 'c'));
      await journal.append('s', payloads('d'));
      assert.deepEqual(await readTexts(2), ['c', 'd']);
      assert.deepEqual(await readTexts(4), []);
    });

    it('takes a cursor ahead of the end back to it', async () => {
      await journal.append('s', payloads('a'));
      assert.deepEqual(await journal.read('s', everythingFrom(9)), { entries: [], next: 1, end: 1, lost: 0 });
    });

    it('stops at the limit of records and says where to read on', async () => {
      await journal.append('s', payloads('a', 'b', 'c'));
      const first = await journal.read('s', { from: 0, maxRecords: 2, maxBytes: 1e6 });
      assert.deepEqual([texts(first.entries), first.next, first.end], [['a', 'b'], 2, 3]);
      const second = await journal.read('s', { from: first.next, maxRecords: 2, maxBytes: 1e6 });
      assert.deepEqual([texts(second.entries), second.next], [['c'], 3]);
      assert.equal((await journal.read('s', { from: 0, maxRecords: 0, maxBytes: 1e6 })).next, 0);
    });

    it('stops at the limit of bytes, but always returns one record', async () => {
      await journal.append('s', payloads('x'.repeat(100), 'y'.repeat(100), 'z'.repeat(100)));
      const two = await journal.read('s', { from: 0, maxRecords: 9, maxBytes: 350 });
      assert.deepEqual([two.entries.length, two.next], [2, 2]);
      const one = await journal.read('s', { from: two.next, maxRecords: 9, maxBytes: 10 });
      assert.deepEqual([one.entries.length, one.next], [1, 3]);
    });

    it('returns what any filter matches, once, and passes over the rest', async () => {
      await journal.append(
        's',
        batchOf(
          { topic: 'a/1', payload: '0' },
          { topic: 'b/1', payload: '1' },
          { topic: '$SYS/a', payload: '2' },
          { topic: 'a', payload: '3' },
          { topic: 'a/b/c', payload: '4' },
        ),
      );
      assert.deepEqual(await readTexts(0, ['a/#']), ['0', '3', '4']);
      assert.deepEqual(await readTexts(0, ['+/1', 'a/1']), ['0', '1']);
      // [MQTT-4.7.2-1]: no wildcard in front covers a topic that begins with $.
      assert.deepEqual(await readTexts(0, ['#']), ['0', '1', '3', '4']);
      assert.deepEqual(await readTexts(0, ['$SYS/#']), ['2']);
      assert.deepEqual(await readTexts(0, []), []);
      assert.equal((await journal.read('s', everythingFrom(0, ['none']))).next, 5);
    });

    it('returns session records to unfiltered reads alone', async () => {
      await journal.append(
        's',
        batchOf({ topic: '', payload: 'session', kind: RecordKind.session }, { topic: 'a', payload: 'message' }),
      );
      assert.deepEqual(await readTexts(0), ['session', 'message']);
      assert.deepEqual(await readTexts(0, ['#', '+']), ['message']);
    });

    it('tells followers the committed end until they stop', async () => {
      const ends: number[] = [];
      const told = new Promise<void>((resolve) => {
        const stop = journal.follow('s', (end) => {
          ends.push(end);
          if (end < 3) return;
          stop();
          resolve();
        });
      });
      await journal.append('s', payloads('a', 'b'));
      await journal.append('s', payloads('c'));
      await told;
      await journal.append('s', payloads('d'));
      assert.deepEqual(ends, [2, 3]);
    });

    it('lets a follower read what it was told of', async () => {
      const read = new Promise<string[]>((resolve, reject) => {
        journal.follow('s', (end) => void readTexts(end - 1).then(resolve, reject));
      });
      await journal.append('s', payloads('a', 'b'));
      assert.deepEqual(await read, ['b']);
    });

    it('keeps everything from the trimmed offset on', async () => {
      await journal.append('s', payloads('a', 'b'));
      await journal.append('s', payloads('c'));
      await journal.trim('s', 2);
      const { start, end } = await journal.bounds('s');
      assert.ok(start <= 2);
      assert.equal(end, 3);
      assert.deepEqual(await readTexts(2), ['c']);
    });

    it('commits what is under way when it is closed, and then answers nothing', async () => {
      const appending = journal.append('s', payloads('last'));
      const closing = journal.close();
      assert.equal((await appending).baseOffset, 0);
      await closing;
      await journal.close();
      await assert.rejects(journal.append('s', payloads('late')), failsWith('closed'));
      await assert.rejects(journal.read('s', everythingFrom(0)), failsWith('closed'));
      await assert.rejects(journal.bounds('s'), failsWith('closed'));
      await assert.rejects(journal.createShard({ name: 'n', durable }), failsWith('closed'));
    });
  });
}
