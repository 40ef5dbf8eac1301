import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import fc from 'fast-check';
import type { BatchTransport, SendResult } from './batch-transport.ts';
import { DiskSpool } from './disk-spool.ts';
import type { ExportEvents } from './export-events.ts';
import { ExportLedger } from './export-ledger.ts';
import { ExportQueue, type ExportQueueOptions } from './export-queue.ts';
import type { SpanBatch } from './span-batch.ts';

const HOUR_MS = 3_600_000;
/** The pause never passes within a test, unless it is nothing. */
const OPTIONS: ExportQueueOptions = { maxBytes: 1000, maxRequests: 2, firstPauseMs: HOUR_MS, maxPauseMs: HOUR_MS };
const TAKEN: SendResult = { type: 'taken', rejectedSpans: 0, message: '' };
const AWAY: SendResult = { type: 'unavailable', message: 'away' };
const REFUSED: SendResult = { type: 'rejected', message: 'bad request' };

const batch = (text: string, spans = 1): SpanBatch => ({ bytes: Buffer.from(text), spans, traces: 1 });
const assertBalanced = (ledger: ExportLedger): void => {
  const { handedSpans, restoredSpans, exportedSpans, totalDroppedSpans, queuedSpans, spooledSpans } = ledger;
  assert.equal(handedSpans + restoredSpans, exportedSpans + totalDroppedSpans + queuedSpans + spooledSpans);
  for (const count of [queuedSpans, ledger.queuedBytes, spooledSpans, ledger.spooledBytes]) assert.ok(count >= 0);
};

/** A collector in memory: answers as told, and shows what came. */
class Collector implements BatchTransport {
  readonly destination = 'memory';
  readonly seen: string[] = [];
  readonly taken: string[] = [];
  mostAtOnce = 0;
  isClosed = false;
  answer: (text: string) => SendResult | Promise<SendResult> = () => TAKEN;
  #atOnce = 0;

  async send({ bytes }: SpanBatch): Promise<SendResult> {
    this.#atOnce += 1;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.#atOnce);
    this.seen.push(String(bytes));
    const result = await this.answer(String(bytes));
    if (result.type === 'taken') this.taken.push(String(bytes));
    this.#atOnce -= 1;
    return result;
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }
}

describe('the export queue', () => {
  let parent: string;
  let folder: string;
  before(async () => {
    parent = await mkdtemp(join(tmpdir(), 'robustmq-queue-'));
  });
  beforeEach(async () => {
    folder = await mkdtemp(join(parent, 'run-'));
  });
  after(() => rm(parent, { recursive: true }));

  const started = async (options: Partial<ExportQueueOptions> = {}, spoolBytes = 1_000_000) => {
    const collector = new Collector();
    const ledger = new ExportLedger();
    const told: string[] = [];
    const events: ExportEvents = {
      onFailing: (_, message) => told.push(`failing: ${message}`),
      onRecovered: (_, droppedSpans) => told.push(`recovered, ${droppedSpans} lost`),
      onRejected: (_, spans, message) => told.push(`rejected ${spans}: ${message}`),
      onSpoolFailing: (_, message) => told.push(`spool: ${message}`),
    };
    const spool = spoolBytes === 0 ? undefined : await DiskSpool.open({ folder, maxBytes: spoolBytes }, ledger, events);
    const parts = { transport: collector, spool, ledger, events, random: () => 0.5 };
    return { collector, ledger, told, start: () => ExportQueue.start({ ...OPTIONS, ...options }, parts) };
  };
  /** What an earlier run left: each text a file. */
  const leave = async (...texts: string[]) => {
    for (const text of texts) {
      const { collector, start } = await started();
      collector.answer = () => AWAY;
      const queue = start();
      queue.add(batch(text));
      await queue.close(HOUR_MS);
    }
  };

  it('sends what it is handed, so many requests at once and no more', async () => {
    const { collector, ledger, start } = await started();
    const queue = start();
    for (const text of ['a', 'b', 'c', 'd', 'e']) queue.add(batch(text, 2));
    await queue.close(HOUR_MS);
    assert.deepEqual(collector.taken, ['a', 'b', 'c', 'd', 'e']);
    assert.equal(collector.mostAtOnce, 2);
    assert.deepEqual([ledger.exportedSpans, ledger.exportedTraces, ledger.queuedBytes], [10, 5, 0]);
    assert.equal(collector.isClosed, true);
  });

  it('keeps what the collector cannot take, tells of it once, and sends it when it is back', async () => {
    const { collector, ledger, told, start } = await started({ firstPauseMs: 0, maxRequests: 1 });
    const { promise: back, resolve } = Promise.withResolvers<void>();
    collector.answer = () => {
      if (collector.seen.length < 5) return AWAY;
      resolve();
      return TAKEN;
    };
    const queue = start();
    queue.add(batch('a'));
    queue.add(batch('b'));
    await back;
    await queue.close(HOUR_MS);
    assert.deepEqual(collector.taken, ['a', 'b']);
    assert.deepEqual(told, ['failing: away', 'recovered, 0 lost']);
    assert.deepEqual([ledger.requestsFailed, ledger.totalDroppedSpans], [4, 0]);
  });

  it('makes one attempt at a time while the collector is away', async () => {
    const { collector, start } = await started();
    collector.answer = () => AWAY;
    const queue = start();
    for (const text of ['a', 'b', 'c', 'd']) queue.add(batch(text));
    await new Promise(setImmediate);
    assert.deepEqual(collector.seen, ['a', 'b']); // They were under way together when it went.
    await queue.close(HOUR_MS);
    assert.deepEqual(collector.seen, ['a', 'b', 'a']);
  });

  it('drops what the collector will never take, and the part of a batch that it did not want', async () => {
    const { collector, ledger, told, start } = await started();
    collector.answer = (text) => (text === 'bad' ? REFUSED : { ...TAKEN, rejectedSpans: 2, message: 'two no' });
    const queue = start();
    queue.add(batch('bad', 3));
    queue.add(batch('half', 5));
    await queue.close(HOUR_MS);
    assert.deepEqual([ledger.droppedSpans.rejected, ledger.exportedSpans], [5, 3]);
    assert.deepEqual(told, ['rejected 3: bad request', 'rejected 2: two no']);
  });

  it('without a spool, drops the oldest that wait once it is full', async () => {
    const { collector, ledger, start } = await started({ maxBytes: 30, maxRequests: 1 }, 0);
    const { promise, resolve } = Promise.withResolvers<SendResult>();
    collector.answer = () => promise;
    const queue = start();
    for (const text of ['aaaaaaaaaa', 'bbbbbbbbbb', 'cccccccccc', 'dddddddddd']) queue.add(batch(text));
    assert.deepEqual([ledger.queuedBytes, ledger.droppedSpans.queue_full], [30, 1]);
    resolve(TAKEN);
    await queue.close(HOUR_MS);
    assert.deepEqual(collector.taken, ['aaaaaaaaaa', 'cccccccccc', 'dddddddddd']);
  });

  it('moves the oldest to disk before it is full, and loses nothing', async () => {
    const { collector, ledger, start } = await started({ maxBytes: 4000, maxRequests: 1 });
    const { promise, resolve } = Promise.withResolvers<SendResult>();
    collector.answer = () => promise;
    const queue = start();
    for (let index = 0; index < 40; index += 1) {
      queue.add(batch(`${index}`.padStart(1000, '0')));
      while (ledger.queuedBytes > 3000) await new Promise(setImmediate);
    }
    assert.ok(ledger.spooledSpans >= 35);
    assertBalanced(ledger);
    resolve(TAKEN);
    await queue.close(HOUR_MS);
    assert.equal(ledger.exportedSpans + ledger.spooledSpans, 40);
    assert.equal((await readdir(folder)).length > 0, ledger.spooledSpans > 0);
  });

  it('begins with what an earlier run left, the oldest first, and lets fresh batches through in between', async () => {
    await leave('old 1', 'old 2', 'old 3');
    const { collector, ledger, start } = await started({ maxRequests: 1 });
    const { promise: all, resolve } = Promise.withResolvers<void>();
    collector.answer = () => {
      if (collector.seen.length === 5) resolve();
      return TAKEN;
    };
    assert.equal(ledger.restoredSpans, 3);
    const queue = start();
    queue.add(batch('new 1'));
    queue.add(batch('new 2'));
    await all;
    await queue.close(HOUR_MS);
    assert.deepEqual(collector.taken, ['old 1', 'new 1', 'old 2', 'new 2', 'old 3']);
    assert.deepEqual([ledger.handedSpans, ledger.exportedSpans], [2, 5]);
    assert.deepEqual(await readdir(folder), []);
  });

  it('at the end puts on disk what was not taken, and what was sent and not answered', async () => {
    const { collector, ledger, start } = await started({ maxRequests: 1 });
    collector.answer = () => new Promise(() => {});
    const queue = start();
    queue.add(batch('hanging', 2));
    queue.add(batch('waiting', 3));
    await queue.close(0);
    queue.add(batch('too late'));
    assert.deepEqual([ledger.queuedSpans, ledger.spooledSpans, ledger.droppedSpans.shutdown], [0, 5, 1]);
    assertBalanced(ledger);
    assert.equal(collector.isClosed, true);
  });

  it('at the end without a spool counts what is lost', async () => {
    const { collector, ledger, start } = await started({}, 0);
    collector.answer = () => AWAY;
    const queue = start();
    for (const text of ['a', 'b', 'c']) queue.add(batch(text));
    await queue.close(HOUR_MS);
    assert.deepEqual([ledger.droppedSpans.shutdown, ledger.queuedSpans, ledger.queuedBytes], [3, 0, 0]);
  });

  it('accounts for every span at any moment, whatever the collector does and whenever it ends', async () => {
    const steps = fc.array(
      fc.record({
        size: fc.nat(300),
        spans: fc.nat(5),
        answer: fc.constantFrom('take', 'part', 'away', 'refuse', 'hang'),
        waits: fc.nat(3),
      }),
      { maxLength: 40 },
    );
    await fc.assert(
      fc.asyncProperty(
        steps,
        fc.constantFrom(0, 600, 100_000),
        fc.boolean(),
        async (script, spoolBytes, hangsAtEnd) => {
          await rm(folder, { recursive: true, force: true });
          await leave('left');
          const { collector, ledger, start } = await started({ firstPauseMs: 0, maxPauseMs: 0 }, spoolBytes);
          const hanging: (() => void)[] = [];
          let answer = 'take';
          collector.answer = () => {
            assertBalanced(ledger);
            if (answer === 'away') return AWAY;
            if (answer === 'refuse') return REFUSED;
            if (answer === 'part') return { ...TAKEN, rejectedSpans: 1 };
            return answer === 'take' ? TAKEN : new Promise((resolve) => hanging.push(() => resolve(AWAY)));
          };
          const queue = start();
          for (const step of script) {
            answer = step.answer;
            queue.add(batch('x'.repeat(step.size), step.spans));
            assertBalanced(ledger);
            assert.ok(ledger.queuedBytes <= OPTIONS.maxBytes);
            for (let turn = 0; turn < step.waits; turn += 1) await new Promise(setImmediate);
            assertBalanced(ledger);
            for (const release of hanging.splice(0, step.waits)) release();
          }
          answer = hangsAtEnd ? 'hang' : 'take';
          await queue.close(hangsAtEnd ? 0 : 20);
          assertBalanced(ledger);
          assert.deepEqual([ledger.queuedSpans, ledger.queuedBytes], [0, 0]);
          const after = { ...ledger };
          for (const release of hanging) release();
          await new Promise(setImmediate);
          assert.deepEqual({ ...ledger }, after);
        },
      ),
      { numRuns: 60 },
    );
  });
});
