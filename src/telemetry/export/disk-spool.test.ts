import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import fc from 'fast-check';
import { DiskSpool, waitingInMemory } from './disk-spool.ts';
import type { ExportEvents } from './export-events.ts';
import { ExportLedger } from './export-ledger.ts';
import type { SpanBatch } from './span-batch.ts';
import { SPOOL_HEADER_BYTES } from './spool-file.ts';

const UNTOLD: ExportEvents = {
  onFailing() {},
  onRecovered() {},
  onRejected() {},
  onSpoolFailing: (_, message) => assert.fail(message),
};
const batch = (text: string, spans = 1, traces = 1): SpanBatch => ({ bytes: Buffer.from(text), spans, traces });
const accounted = (ledger: ExportLedger): number =>
  ledger.exportedSpans + ledger.totalDroppedSpans + ledger.queuedSpans + ledger.spooledSpans;

describe('the spool on disk', () => {
  let parent: string;
  let folder: string;
  before(async () => {
    parent = await mkdtemp(join(tmpdir(), 'robustmq-spool-'));
  });
  beforeEach(async () => {
    folder = await mkdtemp(join(parent, 'run-'));
  });
  after(() => rm(parent, { recursive: true }));

  /** A spool with its ledger, as a process has them. */
  const opened = async (maxBytes = 1_000_000, events = UNTOLD, path = folder) => {
    const ledger = new ExportLedger();
    const spool = await DiskSpool.open({ folder: path, maxBytes }, ledger, events);
    const write = async (...batches: SpanBatch[]) => {
      for (const each of batches) ledger.handed(waitingInMemory(each));
      await spool.write(batches);
    };
    const texts = async () => {
      const found: string[] = [];
      for (let file = spool.take(); file !== undefined; file = spool.take())
        found.push(String((await spool.read(file))?.bytes));
      return found;
    };
    return { ledger, spool, write, texts };
  };

  it('gives back what was written, the oldest first, and batches written together as one', async () => {
    const { write, texts, ledger, spool } = await opened();
    await write(batch('a'));
    await write(batch('b', 2, 1), batch('c', 3, 2));
    assert.deepEqual([ledger.queuedSpans, ledger.spooledSpans], [0, 6]);
    assert.equal(ledger.spooledBytes, 2 * SPOOL_HEADER_BYTES + 3);
    const first = spool.take()!;
    spool.giveBack(first);
    assert.deepEqual(await texts(), ['a', 'bc']);
  });

  it('survives the process, and counts apart what an earlier one left', async () => {
    const earlier = await opened();
    await earlier.write(batch('a', 5, 2));
    await earlier.write(batch('b'));
    const { ledger, write, texts } = await opened();
    assert.deepEqual([ledger.handedSpans, ledger.restoredSpans, ledger.spooledSpans], [0, 6, 6]);
    assert.equal(ledger.spooledBytes, earlier.ledger.spooledBytes);
    await write(batch('c'));
    assert.deepEqual(await texts(), ['a', 'b', 'c']);
  });

  it('drops the oldest when it is full, also what an earlier run left beyond a smaller limit', async () => {
    const { write, ledger } = await opened(3 * (SPOOL_HEADER_BYTES + 1));
    for (const text of ['a', 'b', 'c', 'd']) await write(batch(text));
    assert.deepEqual([ledger.droppedSpans.spool_full, ledger.spooledSpans], [1, 3]);
    await write(batch('far too large for a spool of this size '.repeat(10)));
    assert.equal(ledger.droppedSpans.spool_full, 5);
    await write(batch('e'));
    await write(batch('f'));
    const later = await opened(SPOOL_HEADER_BYTES + 1);
    assert.deepEqual([later.ledger.restoredSpans, later.ledger.droppedSpans.spool_full], [2, 1]);
    assert.deepEqual(await later.texts(), ['f']);
  });

  it('is of no one else’s eyes, and leaves what is not its own alone', async () => {
    await writeFile(join(folder, 'notes.txt'), 'mine');
    const { write } = await opened();
    await write(batch('a'));
    assert.deepEqual(await readdir(folder), ['000000000001.spool', 'notes.txt']);
  });

  it('removes what a crash left half-written', async () => {
    await writeFile(join(folder, '000000000007.part'), 'half');
    const { ledger } = await opened();
    assert.equal(ledger.corruptFiles, 1);
    assert.deepEqual(await readdir(folder), []);
  });

  it('counts and tells once of a disk that takes nothing, and goes on when it does again', async () => {
    const told: string[] = [];
    const blocked = join(folder, 'blocked');
    await writeFile(blocked, 'a file where the folder should be');
    const events = { ...UNTOLD, onSpoolFailing: (where: string) => told.push(where) };
    const { ledger, write, texts } = await opened(1000, events, blocked);
    await write(batch('a'));
    await write(batch('b', 2));
    assert.deepEqual([ledger.droppedSpans.spool_failed, told.length], [3, 1]);
    await rm(blocked);
    await write(batch('c'));
    assert.deepEqual(await texts(), ['c']);
    assert.equal(accounted(ledger), ledger.handedSpans);
  });

  it('counts a file that somebody removed', async () => {
    const told: string[] = [];
    const { ledger, write, spool } = await opened(1000, { ...UNTOLD, onSpoolFailing: (_, m) => told.push(m) });
    await write(batch('a'));
    await rm(join(folder, '000000000001.spool'));
    assert.equal(await spool.read(spool.take()!), undefined);
    assert.deepEqual([ledger.droppedSpans.spool_failed, told.length], [1, 1]);
  });

  it('never gives what is not what was written, whatever bits are flipped or bytes cut off, and counts it', async () => {
    const { write } = await opened();
    await write(batch('some bytes of an encoded request', 3, 1));
    const name = join(folder, '000000000001.spool');
    const whole = await readFile(name);
    const damages = fc.oneof(
      fc.nat(whole.length - 1).map((length) => whole.subarray(0, length)),
      fc.nat(whole.length * 8 - 1).map((bit) => {
        const flipped = Buffer.from(whole);
        flipped[bit >> 3]! ^= 1 << (bit & 7);
        return flipped;
      }),
      fc.uint8Array({ minLength: 1, maxLength: 40 }).map((more) => Buffer.concat([whole, more])),
    );
    await fc.assert(
      fc.asyncProperty(damages, fc.boolean(), async (damaged, isDamagedLater) => {
        await writeFile(name, isDamagedLater ? whole : damaged);
        const { ledger, spool } = await opened();
        if (isDamagedLater) await writeFile(name, damaged);
        const file = spool.take();
        if (file !== undefined) assert.equal(await spool.read(file), undefined);
        assert.equal(ledger.corruptFiles, 1);
        assert.equal(ledger.droppedSpans.spool_corrupt, ledger.restoredSpans);
        assert.equal(accounted(ledger), ledger.handedSpans + ledger.restoredSpans);
        assert.deepEqual(await readdir(folder), []);
      }),
      { numRuns: 150 },
    );
  });
});
