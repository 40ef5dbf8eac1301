import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { OtlpReceiver, type ReceiverBehaviour } from '../testing/otlp-receiver.ts';
import { spanBatch } from '../testing/span-batches.ts';
import { DiskSpool } from './disk-spool.ts';
import { ExportLedger } from './export-ledger.ts';
import { ExportQueue } from './export-queue.ts';
import { otlpSettings } from './otlp-settings.ts';
import { OtlpTransport } from './otlp-transport.ts';

/** Short, so that the transport has no time to repeat a request by itself: it waits a second first. */
const TIMEOUT_MS = 300;
const QUEUE_BYTES = 20_000;
const BATCHES = 60;
const SPANS_EACH = 3;
const ALL_SPANS = BATCHES * SPANS_EACH;

/** The whole way out, in a folder that outlives it. */
async function started(folder: string, endpoint: string, maxSpoolBytes = 1_000_000) {
  const ledger = new ExportLedger();
  const told: string[] = [];
  const recovered = Promise.withResolvers<void>();
  const failed = Promise.withResolvers<void>();
  const events = {
    onFailing: () => {
      told.push('failing');
      failed.resolve();
    },
    onRecovered: () => {
      told.push('recovered');
      recovered.resolve();
    },
    onRejected: () => {},
    onSpoolFailing: (_: string, message: string) => assert.fail(message),
  };
  const spool = await DiskSpool.open({ folder, maxBytes: maxSpoolBytes }, ledger, events);
  const tls = { caFile: undefined, certificateFile: undefined, keyFile: undefined };
  const options = { endpoint, headers: {}, compression: 'gzip', timeoutMs: TIMEOUT_MS, tls } as const;
  const transport = new OtlpTransport(otlpSettings(options, {}));
  const queue = ExportQueue.start(
    { maxBytes: QUEUE_BYTES, maxRequests: 4, firstPauseMs: 20, maxPauseMs: 50 },
    { transport, spool, ledger, events, random: Math.random },
  );
  /** Hands over batches as fast as the disk takes what memory cannot hold. */
  const hand = async (run: string) => {
    for (let index = 0; index < BATCHES; index += 1) {
      queue.add(spanBatch(`${run} ${index}`, SPANS_EACH, 600));
      while (ledger.queuedBytes > QUEUE_BYTES * 0.75) await new Promise(setImmediate);
    }
  };
  return { ledger, queue, told, hand, failed: failed.promise, recovered: recovered.promise };
}

function assertBalanced(ledger: ExportLedger): void {
  const { handedSpans, restoredSpans, exportedSpans, totalDroppedSpans, queuedSpans, spooledSpans } = ledger;
  assert.equal(handedSpans + restoredSpans, exportedSpans + totalDroppedSpans + queuedSpans + spooledSpans);
}

for (const protocol of ['grpc', 'http'] as const)
  describe(`the way out over ${protocol}`, { concurrency: 2 }, () => {
    let folder: string;
    before(async () => {
      folder = await mkdtemp(join(tmpdir(), 'robustmq-export-'));
    });
    after(() => rm(folder, { recursive: true }));
    const endpointOf = (receiver: OtlpReceiver) =>
      `${protocol}://127.0.0.1:${protocol === 'grpc' ? receiver.grpcPort : receiver.httpPort}`;
    const newFolder = () => mkdtemp(join(folder, 'spool-'));

    for (const behaviour of ['reject', 'hang', 'reset'] satisfies ReceiverBehaviour[])
      it(`keeps everything while the collector's answer is: ${behaviour}; and sends it when it is back`, async () => {
        await using receiver = await OtlpReceiver.start();
        receiver.behave(behaviour);
        const spool = await newFolder();
        const { ledger, queue, told, hand, failed, recovered } = await started(spool, endpointOf(receiver));
        await hand('a');
        await failed;
        assertBalanced(ledger);
        assert.equal(ledger.queuedSpans + ledger.spooledSpans, ALL_SPANS);
        assert.ok(ledger.spooledSpans > 0);
        receiver.behave('accept');
        await recovered;
        const spans = await receiver.received(ALL_SPANS);
        await queue.close(60_000);
        assert.equal(new Set(spans.map(({ name }) => name)).size, BATCHES);
        assert.deepEqual([ledger.exportedSpans, ledger.totalDroppedSpans, ledger.spooledBytes], [ALL_SPANS, 0, 0]);
        assert.deepEqual(told, ['failing', 'recovered']);
        assert.deepEqual(await readdir(spool), []);
      });

    it('loses nothing to a slow collector', async () => {
      await using receiver = await OtlpReceiver.start();
      receiver.behave('slow');
      const { ledger, queue, hand, told } = await started(await newFolder(), endpointOf(receiver));
      await hand('a');
      await receiver.received(ALL_SPANS);
      await queue.close(60_000);
      assert.deepEqual([ledger.exportedSpans, ledger.totalDroppedSpans, told], [ALL_SPANS, 0, []]);
      assert.equal(receiver.spans.length, ALL_SPANS);
    });

    it('drops and counts what the collector refuses', async () => {
      await using receiver = await OtlpReceiver.start();
      receiver.behave('refuse');
      const { ledger, queue, hand } = await started(await newFolder(), endpointOf(receiver));
      await hand('a');
      await queue.close(60_000);
      assert.equal(ledger.exportedSpans, 0);
      assert.equal(ledger.droppedSpans.rejected + ledger.spooledSpans, ALL_SPANS);
      assertBalanced(ledger);
    });

    it('counts the spans that the collector did not want', async () => {
      await using receiver = await OtlpReceiver.start();
      receiver.behave('partial');
      const { ledger, queue } = await started(await newFolder(), endpointOf(receiver));
      for (const name of ['a', 'b']) queue.add(spanBatch(name, SPANS_EACH));
      await queue.close(60_000);
      assert.deepEqual([ledger.exportedSpans, ledger.droppedSpans.rejected], [4, 2]);
      assert.equal(receiver.spans.length, 4);
    });

    it('leaves to the next run what nobody took, over a collector that was never there', async () => {
      const spool = await newFolder();
      const first = await started(spool, `${protocol}://127.0.0.1:1`);
      await first.hand('a');
      await first.queue.close(60_000);
      assert.deepEqual([first.ledger.queuedSpans, first.ledger.spooledSpans], [0, ALL_SPANS]);

      await using receiver = await OtlpReceiver.start();
      const second = await started(spool, endpointOf(receiver));
      assert.equal(second.ledger.restoredSpans, ALL_SPANS);
      await receiver.received(ALL_SPANS);
      await second.queue.close(60_000);
      assert.deepEqual([second.ledger.handedSpans, second.ledger.exportedSpans], [0, ALL_SPANS]);
      assert.deepEqual(await readdir(spool), []);
    });

    it('begins with a full spool, and makes room by its oldest', async () => {
      const spool = await newFolder();
      const maxSpoolBytes = 20_000;
      const first = await started(spool, `${protocol}://127.0.0.1:1`, maxSpoolBytes);
      await first.hand('a');
      await first.queue.close(60_000);
      assertBalanced(first.ledger);
      assert.ok(first.ledger.droppedSpans.spool_full > 0);
      const second = await started(spool, `${protocol}://127.0.0.1:1`, maxSpoolBytes);
      assert.equal(second.ledger.restoredSpans, first.ledger.spooledSpans);
      await second.hand('b');
      await second.queue.close(60_000);
      assertBalanced(second.ledger);
      assert.ok(second.ledger.droppedSpans.spool_full >= first.ledger.spooledSpans);
      assert.ok(second.ledger.spooledBytes <= maxSpoolBytes);
    });
  });
